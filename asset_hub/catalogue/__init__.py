"""The record of an asset: parts, elements, files, standards, collections, restrictions."""

from asset_hub.catalogue.assets import (
    accept_values,
    add_files,
    create_draft,
    describe,
    publish_asset,
    record_event,
    replace_element,
    set_parts,
    set_secrecy,
    touch_asset,
    withdraw_asset,
)
from asset_hub.catalogue.collections import (
    Collection,
    create_collection,
    default_collection,
    find_collection,
    list_collections,
)
from asset_hub.catalogue.errors import AssetNotFound
from asset_hub.catalogue.events import AssetChanged, AssetPublished
from asset_hub.catalogue.restrictions import lift_restriction, restrict
from asset_hub.catalogue.tables import load_table, name_of, places, related_places, table_names
from asset_hub.catalogue.types import (
    AssetId,
    AssetKind,
    AssetState,
    AssetView,
    CollectionId,
    ElementValue,
    FileId,
    FileRef,
    FileRole,
    FileView,
    PartLevel,
    PartSpec,
    PartView,
    RestrictionKind,
    ReviewProgress,
    Secrecy,
    ValueView,
    parse_secrecy,
)
from asset_hub.catalogue.views import (
    AssetPage,
    all_asset_ids,
    find_asset,
    find_by_digest,
    find_file,
    get_asset,
    get_assets,
    list_assets,
    owner_of,
    read_for_index,
)
from asset_hub.catalogue.visibility import may_show, may_show_many

__all__ = [
    "AssetChanged", "AssetId", "AssetKind", "AssetNotFound", "AssetPage", "AssetPublished", "AssetState", "AssetView",
    "Collection", "CollectionId", "ElementValue", "FileId", "FileRef", "FileRole", "FileView", "PartLevel",
    "PartSpec", "PartView", "RestrictionKind", "ReviewProgress", "Secrecy", "ValueView", "accept_values", "add_files",
    "all_asset_ids", "create_collection", "create_draft", "default_collection", "describe", "find_asset",
    "find_by_digest", "find_collection", "find_file", "get_asset", "get_assets", "lift_restriction", "list_assets",
    "list_collections", "load_table", "may_show", "may_show_many", "name_of", "owner_of", "parse_secrecy", "places",
    "publish_asset", "read_for_index", "record_event", "related_places", "replace_element", "restrict", "set_parts",
    "set_secrecy", "table_names", "touch_asset", "withdraw_asset",
]  # fmt: skip
