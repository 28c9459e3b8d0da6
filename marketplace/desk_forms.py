"""Forms of the rights desk: yuan to fen, percent to basis points, never through a float; an error for each field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asset_hub.accounts import find_party
from asset_hub.accounts.errors import PartyNotFound
from asset_hub.core.db import ReadSession
from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_, Text
from marketplace.pricing import MOST_FACTOR
from marketplace.title import WHOLE, TitleState

SHARE_ROWS = 6
_HUNDREDTHS = re.compile(r"(\d{1,11})(?:\.(\d{1,2}))?")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class BadDesk(BadInput):
    """A form of the rights desk that cannot be read; `problems` says per field what is wrong."""

    slug, title = "bad-rights-form", N_("Please look at the marked fields")

    def __init__(self, problems: Mapping[str, Text]) -> None:
        super().__init__(members={"fields": list(problems)})
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True)
class TitleForm:
    """A title as the desk typed it."""

    state: TitleState
    shares: Mapping[UUID, int]
    instrument: str
    instrument_sha256: str | None
    pledgee: str


def read_title(session: ReadSession, typed: Mapping[str, str]) -> TitleForm:
    """Return the title that a form records. Raises BadDesk naming every field that is wrong."""
    problems: dict[str, Text] = {}
    state = typed.get("state", "")
    if state not in list(TitleState):
        problems["state"] = Text(N_("Choose a state."))
    digest = typed.get("digest", "").strip().lower()
    if digest and not _SHA256.fullmatch(digest):
        problems["digest"] = Text(N_("A SHA-256 digest has 64 characters 0–9 and a–f."))
    shares = _shares(session, typed, problems) if state == TitleState.HELD else {}
    if problems:
        raise BadDesk(problems)
    return TitleForm(
        TitleState(state), shares, typed.get("instrument", "").strip()[:300], digest or None,
        typed.get("pledgee", "").strip()[:200],
    )  # fmt: skip


def read_prices(typed: Mapping[str, str]) -> dict[str, Any]:
    """Return the price list that a form offers, in fen. Raises BadDesk naming every amount that is wrong."""
    problems: dict[str, Text] = {}
    uses: dict[str, int] = {}
    for name, text in typed.items():
        if not name.startswith("use:") or not text.strip():
            continue
        fen = hundredths(text)
        if fen is None or fen == 0:
            problems[name] = _not_an_amount(text)
        else:
            uses[name.removeprefix("use:")] = fen
    floor = hundredths(typed.get("floor", "").strip() or "0")
    if floor is None:
        problems["floor"] = _not_an_amount(typed["floor"])
    factor = hundredths(typed.get("sublicensing", "").strip() or "0")
    if factor is None or (factor and not 100 <= factor <= MOST_FACTOR // 100):
        problems["sublicensing"] = Text(N_("The factor of the right to sub-license is between 1 and 100."))
    if not uses and not problems:
        problems["uses"] = Text(N_("Name a price for at least one use."))
    if problems:
        raise BadDesk(problems)
    return {
        "uses": uses, "floor": floor, "exclusive": "exclusive" in typed, "subject_to": "subject_to" in typed,
        "sublicensing_bps": (factor or 0) * 100,
    }  # fmt: skip


def hundredths(text: str) -> int | None:
    """Return yuan as fen, or percent as basis points, exactly; None for what is no such amount."""
    found = _HUNDREDTHS.fullmatch(text.strip().replace(",", "").replace("，", ""))
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else None


def write_hundredths(amount: int) -> str:
    """Undo `hundredths`."""
    whole, rest = divmod(amount, 100)
    return f"{whole}.{rest:02d}" if rest else str(whole)


def _shares(session: ReadSession, typed: Mapping[str, str], problems: dict[str, Text]) -> dict[UUID, int]:
    shares: dict[UUID, int] = {}
    for row in range(SHARE_ROWS):
        name, percent = typed.get(f"party{row}", "").strip(), typed.get(f"share{row}", "").strip()
        if not name and not percent:
            continue
        try:
            party = find_party(session, text=name).id
        except PartyNotFound as error:
            problems[f"party{row}"] = error.text
            continue
        bps = hundredths(percent)
        if not bps or party in shares:
            problems[f"share{row}"] = Text(N_("One share above 0 % for each party, with at most two decimals."))
            continue
        shares[party] = bps
    if not problems and sum(shares.values()) != WHOLE:
        total = write_hundredths(sum(shares.values()))
        problems["shares"] = Text(N_("The shares sum to {total} %, not to 100 %."), {"total": total})
    return shares


def _not_an_amount(text: str) -> Text:
    return Text(N_("“{text}” is not an amount in yuan: write 1200 or 1200.50."), {"text": text.strip()[:40]})
