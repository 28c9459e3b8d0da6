"""What disputes and royalty statements refuse."""

from asset_hub.core.errors import BadInput, NotFound, RuleRefused
from asset_hub.core.text import N_


class CaseNotFound(NotFound):
    """No such dispute, or none of this reader's business."""

    slug, title = "case-not-found", N_("There is no such dispute")


class CaseStepRefused(RuleRefused):
    """The stage of the dispute, or its term, does not allow this step; `rule` is the contract's name for it."""

    slug, title = "case-step-refused", N_("The dispute does not allow this step now")


class CaseBusy(RuleRefused):
    """One step at a time, so that what the ledger refuses can be taken back."""

    slug, title = "case-busy", N_("The step before is still on its way to the ledger")


class CaseUnsigned(RuleRefused):
    """The claimant keeps its own key and has not signed the dispute yet; until then there is nothing to act on."""

    slug, title = "case-unsigned", N_("The claimant has not signed the dispute yet")


class NotTheirCase(RuleRefused):
    """The two sides must have to do with what the dispute is about."""

    slug, title = "not-their-case", N_("One of the two sides must hold what the dispute is about")


class OfferGone(RuleRefused):
    """An offer to settle is accepted by the other side, and only the newest."""

    slug, title = "offer-gone", N_("The other side has no such offer standing")


class BadCase(BadInput):
    """Something is missing or malformed in what was said."""

    slug, title = "bad-case", N_("Something is missing in what was said")


class StatementNotFound(NotFound):
    """No such statement, or none of this reader's business."""

    slug, title = "statement-not-found", N_("There is no such statement")


class StatementTaken(RuleRefused):
    """One statement per licensor and month; what is wrong in it is revised."""

    slug, title = "statement-taken", N_("This month has its statement already; revise it")


class StatementBusy(RuleRefused):
    """One act at a time, so that what the ledger refuses can be taken back."""

    slug, title = "statement-busy", N_("The statement is still on its way to the ledger")


class OtherRevision(RuleRefused):
    """An objection is to the revision that stands."""

    slug, title = "other-revision", N_("Another revision stands by now")


class BadStatement(BadInput):
    """These lines, or this month, make no statement."""

    slug, title = "bad-statement", N_("This makes no statement")


class BadProof(BadInput):
    """A proof of a line does not hold, and why."""

    slug, title = "bad-proof", N_("The proof does not hold")
