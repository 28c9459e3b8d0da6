"""messages of asset_hub."""
