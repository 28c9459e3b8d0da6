"""media of asset_hub."""
