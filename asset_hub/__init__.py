"""asset_hub of asset_hub."""
