"""web of asset_hub."""
