"""catalogue of asset_hub."""
