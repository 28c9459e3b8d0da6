"""Looks for what must never be on a chain: every plaintext of a home's database, bare or as an unsalted digest.

Scanned are the calldata of every transaction, every log, refusal, header and code, every storage slot at every block.
Texts of five bytes and more are looked for as UTF-8, UTF-16 and GB 18030, and by SHA-256, Keccak-256 and SM3 of each of
these; so is the content behind a written SHA-256. An amount is looked for as a word of 32 bytes, or as an aligned half
or quarter of a slot, when it is above 10,000: smaller numbers stand everywhere as lengths, offsets, days. Digests of
amounts, of each spelling, are looked for whatever their size. A digest is found whole, by either half, cut to its last
20 or 24 bytes as a contract may, and in hex.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import rlp
import sqlalchemy as sa
from sqlmodel import SQLModel, col, select

from asset_hub.core.db import ReadSession
from ledger.merkle import keccak
from ledger.models import BlockRow, JournalRow, StateRow
from ledger.sm import sm3

LEAST_AMOUNT, LEAST_BYTES = 10_000, 5
_WINDOW = 8
_STATE_ROOT = 3
_NO_CODE = keccak(b"")
_EMPTY = keccak(rlp.encode(b""))
# The machine's own tables; what else holds bytes or numbers for the chain is named column by column.
_MACHINE = re.compile("chain_.*|ledger_(state|journal|block|contract|entry|counter|nonce|outbox|org)|core_job")
_CHAIN_COLUMNS = {
    ("ledger_grant", "words"), ("ledger_title", "shares"), ("ledger_title", "pledges"), ("ledger_case_step", "before"),
    ("ledger_order", "facts"), ("ledger_order", "held"),
}  # fmt: skip
_HEX = re.compile("[0-9a-f]{64}")
_AMOUNT = re.compile("(?i).*fen|prices|uses|floor|net|tax|gross|total")


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows: texts and amounts in fen."""

    texts: frozenset[str]
    amounts: frozenset[int]


@dataclass(frozen=True, slots=True)
class Material:
    """What a reader of the chain can see: byte strings by where they are, and those of them that are words."""

    strings: Mapping[str, bytes]
    slots: Mapping[str, bytes]

    @property
    def words(self) -> Iterator[tuple[str, bytes]]:
        for where, content in self.strings.items():
            start = 4 if where.startswith("calldata") else 0
            yield from ((where, content[at : at + 32]) for at in range(start, len(content) - 31, 32))
        yield from self.slots.items()


def read_known(session: ReadSession) -> Known:
    """Gather every text and every amount of every table that is not the chain's own."""
    texts: set[str] = set()
    amounts: set[int] = set()
    for table in SQLModel.metadata.sorted_tables:
        if _MACHINE.fullmatch(table.name) or table.name.startswith("test_"):
            continue
        columns = [one for one in table.columns if (table.name, one.name) not in _CHAIN_COLUMNS]
        for row in session.connection().execute(sa.select(*columns)):
            for column, value in zip(columns, row, strict=True):
                _gather(column.name, value, texts, amounts)
    return Known(frozenset(texts), frozenset(amounts))


def _gather(name: str, value: Any, texts: set[str], amounts: set[int], *, is_amount: bool = False) -> None:
    """Take what a column, or a member of its JSON, says."""
    is_amount = is_amount or _AMOUNT.fullmatch(name) is not None
    value = _readable(name, value)
    if isinstance(value, str):
        texts.add(value.strip())
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            _gather(str(key), inner, texts, amounts, is_amount=is_amount)
    elif isinstance(value, list):
        for inner in value:
            _gather(name, inner, texts, amounts, is_amount=is_amount)
    elif is_amount and isinstance(value, int) and not isinstance(value, bool):
        amounts.add(value)


def _readable(name: str, value: Any) -> Any:
    if isinstance(value, bytes) and name in ("name", "key"):
        return value.decode("utf-8", "replace")
    return json.loads(value) if isinstance(value, str) and value.startswith("{") else value


def read_material(session: ReadSession) -> Material:
    """Read everything that the chain shows, from the journal and from its state at every block."""
    strings: dict[str, bytes] = {}
    for row in session.exec(select(JournalRow).order_by(col(JournalRow.number))):
        _nonce, _price, _gas, to, _value, data, *_signature = rlp.decode(row.raw)
        strings[f"{'calldata' if to else 'creation'} {row.number}"] = data
        strings[f"revert {row.number}"] = row.revert
        for index, (_address, topics, content) in enumerate(rlp.decode(row.receipt)[3]):
            strings[f"log {row.number}.{index}"] = b"".join(topics) + content
    headers = [row.header for row in session.exec(select(BlockRow).order_by(col(BlockRow.number))) if row.header]
    strings |= {f"header {number}": header for number, header in enumerate(headers, start=1)}
    kept = {row.key: row.value for row in session.exec(select(StateRow))}
    slots: dict[str, bytes] = {}
    seen: set[bytes] = set()
    for root in (rlp.decode(header)[_STATE_ROOT] for header in headers):
        for account in _leaves(kept, root, seen):
            _nonce, _balance, storage, code = rlp.decode(account)
            if code != _NO_CODE:
                strings[f"code {code.hex()}"] = kept[code]
            for value in _leaves(kept, storage, seen):
                slots[f"slot {len(slots) + 1}"] = rlp.decode(value).rjust(32, b"\0")
    return Material(strings, slots)


def _leaves(kept: Mapping[bytes, bytes], node: Any, seen: set[bytes]) -> Iterator[bytes]:
    """Walk a Merkle-Patricia trie to its values, leaving out what was walked before."""
    if isinstance(node, bytes):
        if node in seen or node in (_EMPTY, b""):
            return
        seen.add(node)
        node = rlp.decode(kept[node])
    if len(node) == 2:
        if node[0][0] & 0x20:
            yield node[1]
        else:
            yield from _leaves(kept, node[1], seen)
        return
    for child in node[:16]:
        yield from _leaves(kept, child, seen)


def find_leaks(known: Known, material: Material) -> list[str]:
    """Return every place where something known is to be read, and what it is."""
    needles = dict(_bare(known)) | dict(_digests(known))
    starts: dict[bytes, list[tuple[str, bytes]]] = {}
    short = []
    for name, needle in needles.items():
        if len(needle) < _WINDOW:
            short.append((name, needle))
        else:
            starts.setdefault(needle[:_WINDOW], []).append((name, needle))
    found = []
    for where, content in (*material.strings.items(), *material.slots.items()):
        found += [f"{where}: {name}" for name, needle in short if needle in content]
        for at in range(len(content) - _WINDOW + 1):
            for name, needle in starts.get(content[at : at + _WINDOW], ()):
                if content.startswith(needle, at):
                    found.append(f"{where}: {name}")
    return [*found, *_amounts(known, material)]


def _amounts(known: Known, material: Material) -> list[str]:
    large = {amount for amount in known.amounts if amount > LEAST_AMOUNT}
    large |= {amount // 100 for amount in known.amounts if amount // 100 > LEAST_AMOUNT}
    words = {amount.to_bytes(32, "big"): f"the amount {amount}" for amount in large}
    found = [f"{where}: {words[word]}" for where, word in material.words if word in words]
    parts = {amount.to_bytes(size, "big"): f"the amount {amount}" for amount in large for size in (8, 16)}
    for where, slot in material.slots.items():
        pieces = {slot[at : at + size] for size in (8, 16) for at in range(0, 32, size)}
        found += [f"{where}: {parts[piece]}" for piece in pieces if piece in parts]
    return found


def _bare(known: Known) -> Iterator[tuple[str, bytes]]:
    for text in known.texts:
        for name, content in _spellings(text):
            if len(content) >= LEAST_BYTES:
                yield f"“{text}” in {name}", content
        is_digest = _HEX.fullmatch(text) is not None and len(set(bytes.fromhex(text))) > _WINDOW  # else it is a mask
        if is_digest:
            yield from _cut(f"the digest “{text}”", bytes.fromhex(text))
    for amount in known.amounts:
        for spelled in _written(amount):
            if len(spelled) >= LEAST_BYTES:
                yield f"the amount “{spelled}”", spelled.encode()


def _digests(known: Known) -> Iterator[tuple[str, bytes]]:
    for text in known.texts:
        for name, content in _spellings(text) if len(text) > 1 else ():  # “1” is the version of every EIP-712 domain
            yield from _digests_of(f"“{text}” in {name}", content)
    for amount in known.amounts:
        for spelled in _written(amount):
            yield from _digests_of(f"the amount “{spelled}”", spelled.encode())
        for size in (8, 16, 32):
            word = amount.to_bytes(size, "big")
            yield from _digests_of(f"the amount {amount} in {size} bytes", word)
            yield from _digests_of(f"the amount {amount} in {size} bytes with its prefix", b"asset_hub/amount:" + word)


def _spellings(text: str) -> Iterable[tuple[str, bytes]]:
    yield "UTF-8", text.encode("utf-8", "replace")
    if not text.isascii():
        yield "UTF-16", text.encode("utf-16-be", "replace")
        yield "GB 18030", text.encode("gb18030", "replace")


def _written(fen: int) -> Iterable[str]:
    yuan = f"{fen // 100}.{fen % 100:02d}"
    return {str(fen), yuan, f"{fen // 100:,}.{fen % 100:02d}", str(fen // 100), f"{fen // 100:,}", f"¥{yuan}"}


def _digests_of(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    sha256 = hashlib.sha256(content).digest()
    for kind, digest in (("SHA-256", sha256), ("Keccak-256", keccak(content)), ("SM3", sm3(content))):
        yield from _cut(f"{kind} of {name}", digest)


def _cut(name: str, digest: bytes) -> Iterator[tuple[str, bytes]]:
    """Return the ways in which a digest may stand somewhere: its first half, its last 24, 20 and 16 bytes, in hex."""
    yield name, digest[:16]
    yield f"{name}, cut to 24 bytes", digest[8:]
    yield f"{name}, cut to 20 bytes", digest[12:]
    yield f"{name}, its second half", digest[16:]
    yield f"{name}, written in hex", digest.hex().encode()
