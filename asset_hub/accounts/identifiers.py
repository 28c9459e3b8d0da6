"""Identifiers of parties, with their check characters."""

from asset_hub.accounts.errors import BadCreditCode
from asset_hub.core.text import N_

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_LENGTH = 18


def check_credit_code(text: str) -> str:
    """Return a 统一社会信用代码 in capitals. Raises BadCreditCode. Source: GB 32100-2015, clause 5 and annex A."""
    code = text.strip().upper()
    if len(code) != _LENGTH or not set(code) <= set(_ALPHABET):
        raise BadCreditCode(N_("“{code}” does not have the 18 characters of a credit code."), code=code[:40])
    if credit_check_character(code[:17]) != code[17]:
        raise BadCreditCode(N_("The check character of “{code}” is wrong."), code=code)
    return code


def credit_check_character(first_17: str) -> str:
    """Return the eighteenth character for the first seventeen (modulus 31)."""
    total = sum(_ALPHABET.index(character) * weight for character, weight in zip(first_17, _WEIGHTS, strict=True))
    return _ALPHABET[-total % 31]
