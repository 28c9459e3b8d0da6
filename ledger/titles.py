"""The title list of a work, and what an act does to it: pure, the same rule as TitleLedger.sol.

Rows with the same rights are one group; groups share no right; the shares of a group sum to 10,000 basis points, or the
group is one row without holder: unknown, and not for sale. Source: Copyright Law (2020) art. 14.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from eth_abi.abi import encode

from asset_hub.core.text import N_
from ledger.acts import org_key
from ledger.errors import BadTitle, NotHeld
from ledger.merkle import keccak

WHOLE = 10_000
_MOST_ROWS, _MOST_PLEDGES = 64, 16
_TITLE_TYPE = "((bytes32,uint96,uint16)[],(bytes32,bytes32,uint96)[])"
_NOBODY = b"\0" * 32


@dataclass(frozen=True, slots=True)
class Share:
    """A holder's share of some rights in basis points; no holder and 0 where the holder is not known."""

    holder: UUID | None
    rights: int
    bps: int


@dataclass(frozen=True, slots=True)
class Pledge:
    """Rights of a holder that are pledged (质押)."""

    pledgor: UUID
    pledgee: UUID
    rights: int


@dataclass(frozen=True, slots=True)
class TitleList:
    """Who holds what of one work, in the order of the chain."""

    shares: tuple[Share, ...]
    pledges: tuple[Pledge, ...] = ()

    @property
    def encoded(self) -> tuple[list[Any], list[Any]]:
        """Return the list as the contract takes it."""
        shares = [(org_key(s.holder) if s.holder else _NOBODY, s.rights, s.bps) for s in self.shares]
        return shares, [(org_key(p.pledgor), org_key(p.pledgee), p.rights) for p in self.pledges]

    @property
    def head(self) -> bytes:
        """Return the hash that the contract keeps."""
        return keccak(encode([_TITLE_TYPE], [self.encoded]))

    def holders(self, rights: int) -> frozenset[UUID]:
        """Return everybody with a share of any of these rights."""
        return frozenset(s.holder for s in self.shares if s.holder and s.rights & rights)

    def pledgees(self, rights: int) -> frozenset[UUID]:
        """Return everybody to whom any of these rights are pledged."""
        return frozenset(p.pledgee for p in self.pledges if p.rights & rights)

    def require_held(self, holder: UUID, rights: int) -> None:
        """Raises NotHeld unless this holder has a share of every one of the rights."""
        held = 0
        for share in self.shares:
            held |= share.rights & rights if share.holder == holder else 0
        if held != rights:
            raise NotHeld


def make_title(groups: Mapping[int, Mapping[UUID | None, int]]) -> TitleList:
    """Return a list from rights → holder → basis points, ordered as the contract wants it. Raises BadTitle."""
    shares = []
    for rights, held in groups.items():
        shares += sorted((Share(holder, rights, bps) for holder, bps in held.items()), key=_order)
    title = TitleList(tuple(shares))
    check_title(title)
    return title


def check_title(title: TitleList) -> None:
    """Raises BadTitle for a list that the contract would refuse."""
    covered = 0
    if not title.shares or len(title.shares) > _MOST_ROWS or len(title.pledges) > _MOST_PLEDGES:
        raise BadTitle(N_("Name between 1 and 64 shares."))
    for rights, rows in _groups(title.shares):
        if not rights or covered & rights:
            raise BadTitle(N_("The same right is named twice."))
        covered |= rights
        is_unknown = len(rows) == 1 and rows[0].holder is None and rows[0].bps == 0
        is_whole = sum(row.bps for row in rows) == WHOLE and all(row.holder and row.bps > 0 for row in rows)
        if not is_unknown and not is_whole:
            raise BadTitle(N_("The shares of a right must add up to 100 %."))


def move(title: TitleList, *, rights: int, giver: UUID, taker: UUID, bps: int) -> TitleList:
    """Return the list after a transfer of `bps` of these rights. Raises NotHeld, BadTitle."""
    title.require_held(giver, rights)
    rows = [replace(row, rights=row.rights & ~rights) for row in title.shares if row.rights & ~rights]
    for group, shares in _groups(title.shares):
        if inside := group & rights:
            rows += _moved(shares, inside, giver, taker, bps)
    moved = TitleList(tuple(rows), title.pledges)
    check_title(moved)
    return moved


def write_title(title: TitleList) -> dict[str, Any]:
    """Return a list as plain JSON."""
    return {
        "shares": [[str(s.holder) if s.holder else "", f"{s.rights:x}", s.bps] for s in title.shares],
        "pledges": [[str(p.pledgor), str(p.pledgee), f"{p.rights:x}"] for p in title.pledges],
    }


def read_title(shares: Sequence[Any], pledges: Sequence[Any]) -> TitleList:
    """Undo `write_title`."""
    return TitleList(
        tuple(Share(UUID(holder) if holder else None, int(rights, 16), bps) for holder, rights, bps in shares),
        tuple(Pledge(UUID(pledgor), UUID(pledgee), int(rights, 16)) for pledgor, pledgee, rights in pledges),
    )


def _moved(shares: Sequence[Share], inside: int, giver: UUID, taker: UUID, bps: int) -> list[Share]:
    held = {share.holder: share.bps for share in shares}
    if held.get(giver, 0) < bps:
        raise NotHeld
    held[giver] -= bps
    held[taker] = held.get(taker, 0) + bps
    return sorted((Share(holder, inside, part) for holder, part in held.items() if part), key=_order)


def _groups(shares: Sequence[Share]) -> list[tuple[int, list[Share]]]:
    found: list[tuple[int, list[Share]]] = []
    for share in shares:
        if found and found[-1][0] == share.rights:
            found[-1][1].append(share)
        else:
            found.append((share.rights, [share]))
    return found


def _order(share: Share) -> bytes:
    return org_key(share.holder) if share.holder else _NOBODY
