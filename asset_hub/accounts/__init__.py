"""accounts of asset_hub."""
