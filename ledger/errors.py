"""What the ledger refuses."""

from asset_hub.core.errors import BadInput, NotFound, RuleRefused, Unavailable
from asset_hub.core.text import N_


class ChainUnavailable(Unavailable):
    """The chain does not answer."""

    slug, title = "chain-unavailable", N_("The ledger does not answer at the moment")


class GrantOverlaps(RuleRefused):
    """The licence would overlap an exclusive one, or an exclusive one would overlap any."""

    slug, title = "grant-overlaps", N_("Somebody already holds these rights for that time")


class EntryNotFound(NotFound):
    """Nothing is recorded about this."""

    slug, title = "entry-not-found", N_("The ledger knows nothing of this")


class ActRefused(RuleRefused):
    """The contract refused an act."""

    slug, title = "act-refused", N_("The ledger refused this")


class JournalBroken(RuleRefused):
    """The journal does not lead to the state that is stored."""

    slug, title = "journal-broken", N_("The journal and the chain disagree")


class UnknownTerm(BadInput):
    """A right, medium, territory or language that the code book does not know."""

    slug, title = "unknown-term", N_("This term is not in the code book")


class BadCertificate(BadInput):
    """Not a certificate of the closed shape."""

    slug, title = "bad-certificate", N_("This is no certificate")
