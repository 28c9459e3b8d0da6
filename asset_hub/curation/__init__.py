"""curation of asset_hub."""
