"""marketplace of asset_hub."""
