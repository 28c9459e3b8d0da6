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


class BadTitle(BadInput):
    """A title list whose shares do not add up, or that names a right twice."""

    slug, title = "bad-title", N_("This title does not add up")


class TitleTaken(RuleRefused):
    """The work's title is on record already; it is transferred or corrected, not recorded again."""

    slug, title = "title-taken", N_("A title is on record already; transfer it instead")


class NotHeld(RuleRefused):
    """The house does not hold these rights of this work, or not that much of them."""

    slug, title = "not-held", N_("This house does not hold these rights")


class ConsentMissing(RuleRefused):
    """A co-owner (art. 14) or a pledgee has not agreed to a licence of these rights."""

    slug, title = "consent-missing", N_("A co-owner or pledgee must agree first")


class DeedNotFound(NotFound):
    """No such deed, or not one of the reader's house."""

    slug, title = "deed-not-found", N_("There is no such deed")


class DeedClosed(RuleRefused):
    """The deed was agreed to by all, declined, or its time has passed."""

    slug, title = "deed-closed", N_("This deed is not open any more")


class NotSublicensable(RuleRefused):
    """The licence may not be sub-licensed, or not that far."""

    slug, title = "not-sublicensable", N_("The licence does not allow this sub-licence")


class HoldLapsed(RuleRefused):
    """The hold has lapsed, ended, or does not cover what is to be licensed."""

    slug, title = "hold-lapsed", N_("The hold does not cover this any more")


class ActRefused(RuleRefused):
    """The contract refused an act."""

    slug, title = "act-refused", N_("The ledger refused this")


class RegisterPaused(RuleRefused):
    """The exchange has paused this register: nothing new is recorded there until the pause is over."""

    slug, title = "register-paused", N_("This is paused at the moment")


class PauseRefused(RuleRefused):
    """A pause cannot be prolonged, and the next one starts a day after it at the earliest."""

    slug, title = "pause-refused", N_("It is paused already, or was less than a day ago")


class JournalBroken(RuleRefused):
    """The journal does not lead to the state that is stored."""

    slug, title = "journal-broken", N_("The journal and the chain disagree")


class ProofMissing(RuleRefused):
    """The network hashes its headers or receipts by other rules: nobody could check a proof offline."""

    slug, title = "proof-missing", N_("This network's blocks cannot be proven offline, so there is no certificate")


class WrongChain(RuleRefused):
    """The node serves another chain than the one that is expected, or this home records on another."""

    slug, title = "wrong-chain", N_("The node serves another chain")


class DeploymentRefused(RuleRefused):
    """The chain refused the contracts, or the administrator's account has deployed others there."""

    slug, title = "deployment-refused", N_("The contracts could not be put on the chain")


class UnknownTerm(BadInput):
    """A right, medium, territory or language that the code book does not know."""

    slug, title = "unknown-term", N_("This term is not in the code book")


class BadCertificate(BadInput):
    """Not a certificate of the closed shape."""

    slug, title = "bad-certificate", N_("This is no certificate")
