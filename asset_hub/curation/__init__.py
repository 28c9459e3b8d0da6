"""Themed catalogues: picked, ordered, bilingual, published as a snapshot that stays true to what may be shown."""

from asset_hub.curation.catalogues import (
    CatalogueView,
    ItemView,
    NewItem,
    create_catalogue,
    get_published,
    list_published,
    publish_catalogue,
    set_items,
)

__all__ = [
    "CatalogueView", "ItemView", "NewItem", "create_catalogue", "get_published", "list_published",
    "publish_catalogue", "set_items",
]  # fmt: skip
