"""search of asset_hub."""
