"""The operator's view of a running home: what is missing, which jobs run, failed or wait."""

from asset_hub.operations.doctor import Finding, examine

__all__ = ["Finding", "examine"]
