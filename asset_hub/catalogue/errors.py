"""What the catalogue refuses."""

from collections.abc import Mapping

from asset_hub.core.errors import BadInput, NotFound, RuleRefused
from asset_hub.core.text import N_, Text


class AssetNotFound(NotFound):
    """There is no such asset, or this reader may not know of it: the two answers are the same."""

    slug, title = "asset-not-found", N_("There is no such asset")


class CollectionNotFound(NotFound):
    """No such collection."""

    slug, title = "collection-not-found", N_("There is no such collection")


class CollectionThere(RuleRefused):
    """A collection of this name is reviewed otherwise."""

    slug, title = "collection-there", N_("There is such a collection already")


class RefusedSecrecy(RuleRefused):
    """Material whose 密级 may not enter."""

    slug, title = "refused-secrecy", N_("Material of this level is refused")


class NotPublishable(RuleRefused):
    """The draft lacks something that publishing needs."""

    slug, title = "not-publishable", N_("This draft cannot be published yet")


class UnknownCode(BadInput):
    """A code that its table does not have."""

    slug, title = "unknown-code", N_("This code is not in the table")


class BadRestriction(BadInput):
    """A restriction that says not why, not when, or marks a part that cannot be; `problems` says it per field."""

    slug, title = "bad-restriction", N_("Please look at the marked fields")

    def __init__(self, problems: Mapping[str, str | Text]) -> None:
        first = next(iter(problems.values()), self.title)
        message, params = (first.message, first.params) if isinstance(first, Text) else (first, {})
        super().__init__(message, members={"fields": list(problems)}, **params)
        self.problems = dict(problems)
