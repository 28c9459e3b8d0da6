"""The page of a house's keys: who keeps them, what waits for a signature, making and using a key in the browser."""

import json

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts import may, require, require_organisation
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from asset_hub.core.text import N_, Text
from asset_hub.web.shell import language_of, redirect, render
from asset_hub.web.texts import translator
from ledger import permissions
from ledger.addresses import read_address, show_address
from ledger.house_keys import cancel_recovery, is_in_custody, list_keys
from ledger.key_acts import CancelRecovery
from ledger.key_models import RoleKeeperRow
from ledger.key_views import count_held_up
from ledger.pages import REFUSAL_WORDS
from ledger.pending import list_given_up, list_pending
from ledger.signing import AUTHORITY
from ledger.types import CustodyKind, KeyState
from ledger.waiting import PURPOSE_ACTS, has_voice

router = APIRouter(include_in_schema=False)
STATE_WORDS: dict[KeyState, tuple[str, str]] = {
    KeyState.ASKED: (N_("asked for"), "busy"),
    KeyState.LIVE: (N_("speaks for the house"), "good"),
    KeyState.RETIRED: (N_("ended"), ""),
    KeyState.REFUSED: (N_("not taken"), "bad"),
    KeyState.RECOVERING: (N_("recovery, waits three days"), "busy"),
}
CUSTODY_WORDS: dict[CustodyKind, str] = {
    CustodyKind.CUSTODY: N_("kept by the operator"),
    CustodyKind.OWN: N_("kept by the house"),
}
_WORDS: dict[str, str] = {
    "insecure": N_("This browser offers no cryptography on this address: open the site by https, or use the command."),
    "working": N_("Working …"),
    "failed": N_("That did not work."),
    "short": N_("A passphrase has at least 12 characters."),
    "differ": N_("The two passphrases differ."),
    "made": N_("The key is made and asked for. Keep its file and passphrase: nobody can restore them. Its address:"),
    "nofile": N_("Choose the file of the key."),
    "nothing": N_("Choose what to sign."),
    "wrong": N_("The passphrase does not open this file."),
    "signed": N_("Signed:"),
    "changed": N_("What is to be signed has changed; load the page again and read it."),
}


@router.get("/keys")
def keys_page(request: Request, by: CurrentActor) -> Response:
    """The keys of the reader's house, and what waits for its signature; for the authority's people, of its role."""
    house, now = require_organisation(by), clock.now()
    is_desk = may(by, permissions.KEYS, organisation_id=house)
    if not is_desk:
        require(by, permissions.SIGN_ROLE)
    with request.app.state.services.database.write() as session:
        found = list_keys(session, organisation_id=house)
        kept = session.get(RoleKeeperRow, AUTHORITY)
        pending = list_pending(session, by=by, now=now)
        held_up = count_held_up(session, organisation_id=house, pending=pending, now=now)
        in_custody = is_in_custody(session, organisation_id=house)
        given_up = list_given_up(session, by=by, now=now)
        is_mute = not has_voice(session, organisation_id=house, now=now)
    objected = {one.typed["message"]["key"] for one in pending if one.typed["primaryType"] == CancelRecovery.__name__}
    recoveries = [one for one in found if one.state == KeyState.RECOVERING]
    language = language_of(request)
    words = {name: translator(language)(text) for name, text in _WORDS.items()}
    return render(
        request, "ledger/keys.html", title=N_("Keys and signatures"), keys=found, pending=pending,
        held_up=held_up, in_custody=in_custody, states=STATE_WORDS, custody=CUSTODY_WORDS, show_address=show_address,
        acts=PURPOSE_ACTS, is_mute=is_mute, given_up=[(one, REFUSAL_WORDS[one.reason]) for one in given_up],
        recoveries=[(one, f"0x{one.address.hex()}" in objected) for one in recoveries],
        words=json.dumps(words, ensure_ascii=False), is_desk=is_desk,
        authority=show_address(kept.address) if kept else "", is_of_authority=may(by, permissions.SIGN_ROLE),
    )  # fmt: skip


@router.post("/keys/{address}/objection")
def objection_posted(request: Request, address: str, by: CurrentActor) -> Response:
    """Object to a recovery of the reader's house."""
    with request.app.state.services.database.write() as session:
        cancel_recovery(session, address=read_address(address), by=by, now=clock.now())
    return redirect("/keys", said=Text(N_("The objection is recorded; a key of the house signs it.")))
