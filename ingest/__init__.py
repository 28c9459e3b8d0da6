"""ingest of asset_hub."""
