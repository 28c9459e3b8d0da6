"""What curation refuses."""

from asset_hub.core.errors import BadInput, NotFound, RuleRefused
from asset_hub.core.text import N_


class CatalogueNotFound(NotFound):
    """No such catalogue, it is not published, or it is another house's."""

    slug, title = "catalogue-not-found", N_("There is no such catalogue")


class ItemNotFound(NotFound):
    """No such item in this catalogue, or no such part of the asset."""

    slug, title = "item-not-found", N_("This is not in the catalogue")


class BadSlug(BadInput):
    """An address that is not of small letters, digits and hyphens, or taken."""

    slug, title = "bad-slug", N_("This address cannot be used")


class MissingTitle(BadInput):
    """A catalogue without a Chinese title."""

    slug, title = "missing-title", N_("A catalogue needs a Chinese title.")


class WordsTooLong(BadInput):
    """A text longer than its place."""

    slug, title = "words-too-long", N_("This text is too long")


class AddressIsKept(RuleRefused):
    """The address of a published catalogue does not change."""

    slug, title = "address-is-kept", N_("The address is public: take the catalogue back before you change it.")


class EmptyCatalogue(RuleRefused):
    """Nothing in it that may be shown to everybody."""

    slug, title = "empty-catalogue", N_("There is nothing in it yet that may be shown")


class NotPublished(RuleRefused):
    """There is nothing to take back."""

    slug, title = "not-published", N_("This catalogue is not published")


class AlreadyIn(RuleRefused):
    """The same work, or the same shot of it, twice."""

    slug, title = "already-in", N_("It is in the catalogue already")


class TooManyItems(RuleRefused):
    """More than a visitor can walk through."""

    slug, title = "too-many-items", N_("Too many items")
