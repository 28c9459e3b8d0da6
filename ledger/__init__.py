"""ledger of asset_hub."""
