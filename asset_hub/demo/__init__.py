"""demo of asset_hub."""
