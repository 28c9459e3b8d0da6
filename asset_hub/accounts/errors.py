"""What accounts refuse."""

from asset_hub.core.errors import BadInput, NotFound, NotSignedIn, RuleRefused, Unavailable
from asset_hub.core.text import N_


class PartyNotFound(NotFound):
    """No such organisation or party."""

    slug, title = "party-not-found", N_("There is no such organisation")


class BadCreditCode(BadInput):
    """A unified social credit code whose form or check character is wrong (GB 32100-2015)."""

    slug, title = "bad-credit-code", N_("The unified social credit code is not valid")


class MissingPaper(BadInput):
    """An application without a paper that this kind of party must show."""

    slug, title = "missing-paper", N_("A paper is missing")


class LongName(BadInput):
    """A name that no page could show."""

    slug, title = "long-name", N_("The name is too long")


class SameChecker(RuleRefused):
    """The second check must be another person's, and nobody checks an application of their own."""

    slug, title = "same-checker", N_("Another person must check this")


class AlreadyDecided(RuleRefused):
    """The application is not waiting for a check."""

    slug, title = "already-decided", N_("This application is decided already")


class NotSuspendable(RuleRefused):
    """Only an admitted house of others is suspended, and only a suspended one reinstated."""

    slug, title = "not-suspendable", N_("This house cannot be suspended or reinstated now")


class DuplicateParty(RuleRefused):
    """Another party has the same code."""

    slug, title = "duplicate-party", N_("This code is registered already")


class WrongPassword(NotSignedIn):
    """The name or the password is wrong; which of the two is not said."""

    slug, title = "wrong-password", N_("The name or the password is wrong")


class TooManyTries(RuleRefused):
    """A sign-in name was tried wrongly too often, from one address or from many; it rests for some minutes."""

    slug, title, status = "too-many-tries", N_("Too many wrong passwords. Try again in five minutes."), 429


class TooBusy(Unavailable):
    """So many passwords are looked at that there is no memory for another one."""

    slug, title = "too-busy", N_("Too many people sign in at this moment. Try again in a minute.")


class LoginTaken(RuleRefused):
    """Another account has this sign-in name."""

    slug, title = "login-taken", N_("This sign-in name is taken")


class BadScan(BadInput):
    """A scanned paper that is no PDF, JPEG or PNG, or too large."""

    slug, title = "bad-scan", N_("The scan must be a PDF, JPEG or PNG of at most 20 MB")


class ActNotOffered(BadInput):
    """An act for a token that does not exist, or that the person's own roles do not allow."""

    slug, title = "act-not-offered", N_("Choose what the token may do")


class WeakPassword(BadInput):
    """A password of fewer than ten characters."""

    slug, title = "weak-password", N_("A password has at least 10 characters")


class OnlyAtConsole(RuleRefused):
    """Operators and regulators are made, and their accounts looked after, on the machine that runs this home."""

    slug, title = (
        "only-at-console",
        N_("People of the exchange itself are managed on its machine, with asset-hub person"),
    )


class RoleNotYours(RuleRefused):
    """Nobody sets their own roles, and roles of the exchange are given only in its own house."""

    slug, title = "role-not-yours", N_("This role cannot be given here")
