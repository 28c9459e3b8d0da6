"""What search refuses."""

from asset_hub.core.errors import BadInput, Unavailable
from asset_hub.core.text import N_


class BadQuery(BadInput):
    """A query document that is not of the closed schema; what people type is never one."""

    slug, title = "bad-query", N_("The query cannot be understood")


class SearchUnavailable(Unavailable):
    """The engine does not answer."""

    slug, title = "search-unavailable", N_("Search does not answer at the moment")


class UnknownUse(BadQuery):
    """A use that the code book does not have."""

    slug, title = "unknown-use", N_("This use is not in the code book")


class UnknownTerritory(BadQuery):
    """A territory that the code book does not have."""

    slug, title = "unknown-territory", N_("This territory is not in the code book")
