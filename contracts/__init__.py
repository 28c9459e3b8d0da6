"""contracts of asset_hub."""
