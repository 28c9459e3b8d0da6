"""What curation refuses."""

from asset_hub.core.errors import BadInput, NotFound, RuleRefused
from asset_hub.core.text import N_


class CatalogueNotFound(NotFound):
    """No such catalogue, or it is not published."""

    slug, title = "catalogue-not-found", N_("There is no such catalogue")


class BadSlug(BadInput):
    """An address that is not of small letters, digits and hyphens, or taken."""

    slug, title = "bad-slug", N_("This address cannot be used")


class EmptyCatalogue(RuleRefused):
    """Nothing in it that may be shown to everybody."""

    slug, title = "empty-catalogue", N_("There is nothing in it yet that may be shown")
