"""From an entry to a call that its parties have signed: one builder per kind of entry."""

from collections.abc import Callable, Mapping

from asset_hub.core.db import ReadSession
from ledger.acts import DEADLINE_SECONDS, Call, admit_call, anchor_call, register_call
from ledger.carried import build_signed, signing_addresses
from ledger.grant_acts import compact_call, end_call, grant_call, hold_call
from ledger.handed import Handed, signatures_of
from ledger.key_acts import key_call
from ledger.models import EntryRow
from ledger.office_acts import office_call
from ledger.role_acts import role_call
from ledger.signing import Key, Keys
from ledger.sites import Site
from ledger.title_acts import title_call
from ledger.types import EntryKind

Builder = Callable[[ReadSession, Keys, Site, EntryRow, int], Call]
BUILDERS: Mapping[EntryKind, Builder] = {
    EntryKind.ADMIT: admit_call,
    EntryKind.REGISTER: register_call,
    EntryKind.ANCHOR: anchor_call,
    EntryKind.GRANT: grant_call,
    EntryKind.HOLD: hold_call,
    EntryKind.END: end_call,
    EntryKind.TITLE: title_call,
    EntryKind.CASE: lambda *given: Call(*build_signed(*given)),
    EntryKind.STATEMENT: lambda *given: Call(*build_signed(*given)),
    EntryKind.COMPACT: compact_call,
    EntryKind.ORDER: lambda *given: Call(*build_signed(*given)),
    EntryKind.KEY: key_call,
    EntryKind.OFFICE: office_call,
    EntryKind.ROLE: role_call,
}
# What depends on lists that the acts before it change: each is carried in a block of its own.
ALONE = frozenset({
    EntryKind.GRANT, EntryKind.HOLD, EntryKind.END, EntryKind.TITLE, EntryKind.COMPACT, EntryKind.KEY, EntryKind.OFFICE,
    EntryKind.ROLE,
})  # fmt: skip


def build_call(session: ReadSession, keys: Keys, site: Site, entry: EntryRow, *, time: int) -> Call:
    """Sign an entry by its parties' keys and encode it; `time` (unix seconds) is that of the block to come.

    What houses signed by keys of their own goes in as they gave it, under the deadline that they signed.
    Which keys of the exchange sign an order's act is noted in its entry.
    """
    deadline = time + DEADLINE_SECONDS
    if given := signatures_of(session, entry.id):
        keys, deadline = keys.with_elsewhere(Handed(given)), given[0].deadline
    if entry.kind == EntryKind.ORDER:
        entry.args = entry.args | {"addresses": signing_addresses(keys, entry)}
    return BUILDERS[EntryKind(entry.kind)](session, keys, site, entry, deadline)


def carrier_of(keys: Keys, call: Call) -> Key:
    """Return whose transaction carries a call: that of its office now, and what is given, who the genesis endowed."""
    return (keys.first if call.value else keys).office(call.carrier)
