"""What is refused about keys and signatures."""

from asset_hub.core.errors import BadInput, NotFound, RuleRefused, Unavailable
from asset_hub.core.text import N_


class BadKeyAddress(BadInput):
    """Not the address of a key: 20 bytes in hex, with a right checksum where letters are of both cases."""

    slug, title = "bad-key-address", N_("This is no address of a key")


class KeyTaken(RuleRefused):
    """The key speaks for a house already, or waits to."""

    slug, title = "key-taken", N_("This key is in use already")


class KeyNotFound(NotFound):
    """No such key of this house."""

    slug, title = "key-not-found", N_("There is no such key of this house")


class KeyMissing(RuleRefused):
    """No key of a house is valid now, neither its own nor one that the operator keeps; nobody else signs for it."""

    slug, title = "key-missing", N_("No key of a house is valid now, and nobody else signs for it")


class NotInCustody(RuleRefused):
    """The house keeps its own key: the operator has none to renew."""

    slug, title = "key-not-in-custody", N_("This house keeps its own key; there is none of the exchange to renew")


class HouseSuspended(RuleRefused):
    """The ledger takes no new key for a house while it is suspended."""

    slug, title = "house-suspended", N_("This house is suspended: the ledger takes no new key for it")


class KeyActOpen(RuleRefused):
    """The same act on a key of this house is open already."""

    slug, title = "key-act-open", N_("The same is asked for already: wait for it, or refuse it")


class TooLateToSign(RuleRefused):
    """A house keeps its own key, and the term of the act ends before it could sign; nobody else signs for it."""

    slug, title = "too-late-to-sign", N_("The term ends before the house could sign by its own key")


class ConfirmationNotFound(NotFound):
    """Nothing waits for this confirmation, or not before this reader."""

    slug, title = "confirmation-not-found", N_("Nothing waits for this confirmation")


class ConfirmationClosed(RuleRefused):
    """It is confirmed already, its time has passed, or the act is decided."""

    slug, title = "confirmation-closed", N_("This does not wait for a confirmation any more")


class SamePerson(RuleRefused):
    """Whoever agreed for a house is not its second person too."""

    slug, title = "same-person", N_("You agreed to this yourself; a second person must confirm it")


class ChangeNotFound(NotFound):
    """No such change of roles."""

    slug, title = "role-change-not-found", N_("There is no such change of roles")


class ChangeClosed(RuleRefused):
    """Only what is announced and not on its way yet can be withdrawn."""

    slug, title = "role-change-closed", N_("This change is not announced, or is carried out already")


class ChangeOpen(RuleRefused):
    """Another change of the same key or role is open, or one of the administrator, which nothing may cross."""

    slug, title = "role-change-open", N_("Another change of this is open: wait for it, or withdraw it")


class KeyChanging(Unavailable):
    """The key that signs papers is being changed on the ledger; the new one signs in a moment."""

    slug, title = "key-changing", N_("The exchange's key is being changed; try again in a moment")


class RecoveryOpposed(RuleRefused):
    """The house has objected to the recovery; its objection is on its way to the ledger."""

    slug, title = "recovery-opposed", N_("The house has objected to this recovery")


class SignatureNotFound(NotFound):
    """Nothing waits for this signature, or not one of the reader's house."""

    slug, title = "signature-not-found", N_("Nothing of this house waits for this signature")


class SignatureClosed(RuleRefused):
    """The signature is given already, its time has passed, or the act is decided."""

    slug, title = "signature-closed", N_("This does not wait for a signature any more")


class WordsChanged(RuleRefused):
    """What is to be signed has changed since it was read."""

    slug, title = "words-changed", N_("What is to be signed has changed; read it again")


class BadSignature(BadInput):
    """Not a signature of these words by a valid key of this house."""

    slug, title = "bad-signature", N_("No valid key of this house signed these words")


class KeystoreRefused(BadInput):
    """Not a keystore file, or the passphrase is another."""

    slug, title = "keystore-refused", N_("The passphrase does not open this keystore file, or it is none")


class TokenRefused(BadInput):
    """The token does not answer, its PIN is another, or it holds no such key."""

    slug, title = "token-refused", N_("The token does not open, or holds no such key")
