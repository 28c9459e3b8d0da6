"""The root of every error we raise on purpose: each knows its slug, its title and its HTTP status."""

from typing import ClassVar

from asset_hub.core.text import N_, Text


class AssetHubError(Exception):
    """A refusal that a person can read. `message` is an English message id, `params` fill its braces.

    `members` travel as extra members of the problem document (RFC 9457, 3.2); put only values in
    them that the reader may know.
    """

    slug: ClassVar[str] = "error"
    title: ClassVar[str] = N_("Something went wrong")
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str = "", *, members: dict[str, object] | None = None, **params: object) -> None:
        self.message = message or self.title
        self.params = params
        self.members = members or {}
        super().__init__(self.message)

    @property
    def text(self) -> Text:
        """The detail, still to be translated."""
        return Text(self.message, self.params)

    def __str__(self) -> str:
        return str(self.text)


class NotFound(AssetHubError):
    """The thing does not exist, or this person may not know that it does."""

    slug, title, status = "not-found", N_("Not found"), 404


class NotSignedIn(AssetHubError):
    """The act needs a signed-in person."""

    slug, title, status = "not-signed-in", N_("Please sign in first"), 401


class Forbidden(AssetHubError):
    """The person is known and may not do this."""

    slug, title, status = "forbidden", N_("You may not do this"), 403


class RuleRefused(AssetHubError):
    """Well-formed, and a rule says no."""

    slug, title, status = "rule-refused", N_("A rule refuses this"), 409


class BadInput(AssetHubError):
    """Malformed input."""

    slug, title, status = "bad-input", N_("The input is not valid"), 422


class TooLarge(AssetHubError):
    """More than the documented limit."""

    slug, title, status = "too-large", N_("Too large"), 413


class Unavailable(AssetHubError):
    """A service we need is away; the same call may succeed later. Jobs retry it."""

    slug, title, status = "unavailable", N_("A needed service does not answer"), 503
    retryable = True
