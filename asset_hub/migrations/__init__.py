"""migrations of asset_hub."""
