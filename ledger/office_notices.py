"""What people are told when a change of the exchange's keys or roles has come to its end."""

from collections.abc import Mapping
from datetime import datetime

from asset_hub.accounts import Role, people_with_role
from asset_hub.core.db import WriteSession
from asset_hub.core.text import N_, Text
from asset_hub.messages import notify
from ledger.addresses import show_address
from ledger.key_models import RoleChangeRow
from ledger.role_acts import Step
from ledger.signing import Office

EXPIRED = "AccessManagerExpired"
_TRUST_FILE = N_(
    "The operator’s key is {address} from now on. Publish the new trust file, /ledger/trust.json; the old one stays "
    "good for what was signed before."
)
_LAPSED = N_("The change of keys or roles for {address} has lapsed: nobody carried it out within a week after its day.")
_OUTCOMES: Mapping[str, str] = {
    "done": N_("The change of keys or roles for {address} is carried out."),
    "withdrawn": N_("The change of keys or roles for {address} is withdrawn."),
    "refused": N_("The change of keys or roles for {address} came to nothing. Why is on this page."),
}


def tell_outcome(session: WriteSession, row: RoleChangeRow, now: datetime) -> None:
    """Tell the people of the operator and of the regulator how a change ended; nothing while it goes on."""
    if row.state not in _OUTCOMES:
        return
    address = show_address(Step.read(row.steps[0]).address)
    for person_id in {*people_with_role(session, Role.OPERATOR), *people_with_role(session, Role.REGULATOR)}:
        notify(session, person_id=person_id, text=Text(_message(row), {"address": address}), link="/ledger", now=now)


def _message(row: RoleChangeRow) -> str:
    if row.state == "done" and row.office == Office.OPERATOR:
        return _TRUST_FILE
    return _LAPSED if (row.refusal or "").startswith(EXPIRED) else _OUTCOMES[row.state]
