"""What the catalogue refuses."""

from asset_hub.core.errors import BadInput, NotFound, RuleRefused
from asset_hub.core.text import N_


class AssetNotFound(NotFound):
    """There is no such asset, or this reader may not know of it: the two answers are the same."""

    slug, title = "asset-not-found", N_("There is no such asset")


class CollectionNotFound(NotFound):
    """No such collection."""

    slug, title = "collection-not-found", N_("There is no such collection")


class RefusedSecrecy(RuleRefused):
    """Material whose 密级 may not enter."""

    slug, title = "refused-secrecy", N_("Material of this level is refused")


class NotPublishable(RuleRefused):
    """The draft lacks something that publishing needs."""

    slug, title = "not-publishable", N_("This draft cannot be published yet")


class UnknownCode(BadInput):
    """A code that its table does not have."""

    slug, title = "unknown-code", N_("This code is not in the table")
