"""Themed catalogues: picked, ordered, bilingual, published as a snapshot that stays true to what may be shown."""

from asset_hub.curation.catalogues import (
    CatalogueView,
    ItemView,
    create_catalogue,
    get_published,
    list_published,
    preview_catalogue,
    publish_catalogue,
    update_texts,
    withdraw_catalogue,
)
from asset_hub.curation.items import (
    Draft,
    DraftItem,
    NewItem,
    add_item,
    arrange_items,
    get_own,
    list_own,
    remove_item,
    set_items,
)

__all__ = [
    "CatalogueView", "Draft", "DraftItem", "ItemView", "NewItem", "add_item", "arrange_items", "create_catalogue",
    "get_own", "get_published", "list_own", "list_published", "preview_catalogue", "publish_catalogue", "remove_item",
    "set_items", "update_texts", "withdraw_catalogue",
]  # fmt: skip
