"""The calls that acts of the exchange's own office become, signed by the operator's key in its role."""

from asset_hub.core.db import ReadSession
from ledger.acts import Call, digest_in
from ledger.calls import encode_call
from ledger.carried import build_signed
from ledger.models import EntryRow
from ledger.signing import Keys
from ledger.sites import Site

PAUSE = "Pause"
_PAUSE_TYPE = "Pause(bytes32 opId,uint64 until,uint256 deadline)"


def office_call(session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int) -> Call:
    """Return a pause (every register has one), or what else was decided."""
    if entry.args["act"] != PAUSE:
        return Call(*build_signed(session, keys, site, entry, deadline))
    register, until = entry.args["register"], int(entry.args["until"])
    values = [entry.op_id, until, deadline]
    digest = digest_in(site, register, _PAUSE_TYPE, ["bytes32", "uint64", "uint256"], values)
    return Call(register, encode_call(register, "pause", [*values, keys.operator.sign(digest)]))
