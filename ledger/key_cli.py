"""Commands of the keys of houses: asset-hub key make|address|list|add|retire|pending|sign|submit|recover|renew|end …

`make`, `address` and `sign` need no home, no network and no node: they run where the house keeps its key.
"""

import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Any, cast
from uuid import UUID

import typer

from asset_hub.accounts import find_party, require_organisation
from asset_hub.accounts.acting import acting_for, acting_person
from asset_hub.core import clock
from asset_hub.core.clock import BEIJING
from asset_hub.core.home import home_of
from asset_hub.core.sealed import read_passphrase
from ledger import house_keys, renewals
from ledger.addresses import read_address, show_address
from ledger.attest import countersign
from ledger.blocks import show_time
from ledger.cli import LedgerHome
from ledger.key_errors import SignatureNotFound
from ledger.key_views import SIGNED_TYPE, TO_SIGN_TYPE, count_held_up, facts_of_keys, facts_of_pending, read_signed
from ledger.keyfiles import TokenSigner, digest_to_sign, make_keystore, read_keystore
from ledger.pending import give_signature, list_pending
from ledger.signing import Signer

commands = typer.Typer(
    help="Keys of houses: their own and what waits for them, those kept for them.",
    no_args_is_help=True,
)
By = Annotated[str, typer.Option(metavar="LOGIN", help="Who acts; else the person of the settings.")]
For = Annotated[str, typer.Option("--for", metavar="ORG", help="The house one acts for, where one has several.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Module = Annotated[str, typer.Option("--pkcs11", metavar="MODULE", help="Use a token: the path of its PKCS#11 module.")]
Label = Annotated[str, typer.Option("--token", metavar="LABEL", help="The label of the token.")]
Name = Annotated[str, typer.Option("--key", metavar="LABEL", help="The label of the key in the token.")]
Keystore = Annotated[
    Path | None, typer.Option("--keystore", exists=True, dir_okay=False, help="A keystore file (version 3).")
]
PIN = "ASSET_HUB_TOKEN_PIN"
_USUAL_KEY = "asset_hub"
_PURPOSES = {"acts": 1, "countersign": 2, "both": 3}


@commands.command("make")
def make(
    target: Annotated[Path | None, typer.Argument(help="Where to write the keystore file.")] = None,
    *,
    module: Module = "",
    token: Label = "",
    key: Name = _USUAL_KEY,
) -> None:
    """Make a key, in a keystore file under the passphrase of the environment or in a token; print its address."""
    if module:
        with TokenSigner(module, token, pin=os.environ.get(PIN, ""), key_label=key, make=True) as made:
            print(show_address(made.address))
    elif target is not None:
        print(show_address(make_keystore(target, passphrase=read_passphrase(os.environ))))
    else:
        raise typer.BadParameter("Name a file, or a token by --pkcs11.")


@commands.command("address")
def address(*, keystore: Keystore = None, module: Module = "", token: Label = "", key: Name = _USUAL_KEY) -> None:
    """Print the address of a key: what the exchange gets to know of it."""
    with ExitStack() as stack:
        print(show_address(signer_of(stack, keystore, module, token, key).address))


@commands.command("list")
def list_them(
    context: typer.Context,
    house: Annotated[str, typer.Argument(metavar="ORG", help="Whose keys; they are public.")],
    *,
    as_json: Json = False,
) -> None:
    """List the keys of a house and who keeps them."""
    with home_of(context).database.read() as session:
        facts = facts_of_keys(session, find_party(session, text=house).id)
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    for one in facts["keys"]:
        print(f"{one['address']}  {one['custody']:<8} {one['state']:<10} {','.join(one['purposes'])}")
    if facts["operator_can_sign"]:
        print("平台托管: the operator holds a key of this house and can sign for it.")


@commands.command("add")
def add(
    context: typer.Context,
    address_text: Annotated[str, typer.Argument(metavar="ADDRESS", help="The address that `key make` printed.")],
    *,
    purpose: Annotated[str, typer.Option(help="acts, countersign or both.")] = "both",
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day, in Beijing.")] = None,
    by: By = "",
    house: For = "",
) -> None:
    """Ask for a key of one's house; it waits for the key's own signature (see pending)."""
    if purpose not in _PURPOSES:
        raise typer.BadParameter("acts, countersign or both", param_hint="--purpose")
    home = cast(LedgerHome, home_of(context))
    last = datetime.combine(until.date(), time(23, 59, 59), tzinfo=BEIJING) if until else None
    with home.database.write() as session:
        house_keys.add_key(
            session, address=read_address(address_text), purpose=_PURPOSES[purpose], valid_until=last,
            by=acting_for(session, by or home.settings.person, house), now=clock.now(),
        )  # fmt: skip
    print("asked for; sign it by the new key: asset-hub key pending")


@commands.command("recover")
def recover(
    context: typer.Context,
    house: Annotated[str, typer.Argument(metavar="ORG", help="The house that lost its keys.")],
    address_text: Annotated[str, typer.Argument(metavar="ADDRESS")],
    *,
    finish: Annotated[bool, typer.Option("--finish", help="The three days have passed: give the key.")] = False,
    by: By = "",
) -> None:
    """Propose a new key for a house that lost its own, and give it after three days: the operator's act."""
    home = cast(LedgerHome, home_of(context))
    act = house_keys.recover if finish else house_keys.propose_recovery
    with home.database.write() as session:
        found = find_party(session, text=house)
        act(
            session, organisation_id=found.id, address=read_address(address_text),
            by=acting_person(session, login=by or home.settings.person),
            now=clock.now(),
        )  # fmt: skip
    home.run_jobs()


@commands.command("renew")
def renew(
    context: typer.Context,
    house: Annotated[str, typer.Argument(metavar="[ORG]", help="A house whose key the exchange keeps.")] = "",
    *,
    every: Annotated[bool, typer.Option("--all", help="Every house whose key the exchange keeps.")] = False,
    by: By = "",
) -> None:
    """Draw a new key for a house whose key the exchange keeps (平台托管), or for all; a second person confirms it."""
    if bool(house) == every:
        raise typer.BadParameter("Name a house, or say --all.")
    home, now = cast(LedgerHome, home_of(context)), clock.now()
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
        if every:
            count = len(renewals.renew_every_custody(session, home.keys, by=actor, now=now))
        else:
            found = find_party(session, text=house)
            house_keys.renew_custody(session, home.keys, organisation_id=found.id, by=actor, now=now)
            count = 1
    home.run_jobs()
    print(f"drawn: {count}; another person of the exchange confirms: asset-hub confirm list, key confirm-renewals")


@commands.command("confirm-renewals")
def confirm_renewals(context: typer.Context, *, by: By = "") -> None:
    """Confirm, as the second person, every renewal that another person of the exchange asked for."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
        count = renewals.confirm_renewals(session, by=actor, now=clock.now())
    home.run_jobs()
    print(f"confirmed: {count}")


@commands.command("end")
def end(
    context: typer.Context,
    house: Annotated[str, typer.Argument(metavar="ORG", help="Whose key ends.")],
    address_text: Annotated[str, typer.Argument(metavar="ADDRESS")],
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; the house is told.")],
    by: By = "",
) -> None:
    """End a key of a house as registrar, be it the last: the operator's act; a second person confirms it."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        house_keys.end_key_of(
            session, organisation_id=find_party(session, text=house).id, address=read_address(address_text),
            reason=reason, by=acting_person(session, login=by or home.settings.person), now=clock.now(),
        )  # fmt: skip
    home.run_jobs()
    print("asked for; it ends once another person of the exchange confirms it: asset-hub confirm list")


def _own_key_command(name: str, act: Callable[..., object], said: str) -> None:
    @commands.command(name, help=said)
    def take(
        context: typer.Context, address_text: Annotated[str, typer.Argument(metavar="ADDRESS")], *, by: By = "",
        house: For = "",
    ) -> None:  # fmt: skip
        home = cast(LedgerHome, home_of(context))
        with home.database.write() as session:
            actor = acting_for(session, by or home.settings.person, house)
            act(session, address=read_address(address_text), by=actor, now=clock.now())
        home.run_jobs()


for _name, _act, _said in (
    ("retire", house_keys.retire_key, "End a key of one's house; another key of it signs."),
    (
        "object",
        house_keys.cancel_recovery,
        "Object to a recovery of one's house; a key of it signs, or the registrar where it has none.",
    ),
):
    _own_key_command(_name, _act, _said)


@commands.command("pending")
def pending(
    context: typer.Context,
    *,
    folder: Annotated[Path | None, typer.Option("--write", help="Write each as a file into this folder.")] = None,
    by: By = "",
    house: For = "",
    as_json: Json = False,
) -> None:
    """Say what one's house has to sign, in words; and write it as files to take to where the key is."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        actor, now = acting_for(session, by or home.settings.person, house), clock.now()
        waiting = list_pending(session, by=actor, now=now)
        of_house = require_organisation(actor)
        held_up = count_held_up(session, organisation_id=of_house, pending=waiting, now=now)
    found = [facts_of_pending(one) for one in waiting]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for one in found:
            text = json.dumps(one, ensure_ascii=False, indent=1)
            (folder / f"to-sign-{one['id']}.json").write_text(text, encoding="utf-8")
    if as_json:
        print(json.dumps({"pending": found, "held_up": held_up}, ensure_ascii=False))
        return
    for each in waiting:
        print(f"{each.id}  until {show_time(int(each.deadline.timestamp()))}\n  {each.said.zh}\n  {each.said.en}")
    if held_up:
        print(f"held up, as one of its houses has no valid key now: {held_up}")


@commands.command("sign")
def sign(
    source: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file that `key pending` wrote.")],
    target: Annotated[Path, typer.Argument(help="Where to write the signature.")],
    *,
    keystore: Keystore = None,
    module: Module = "",
    token: Label = "",
    key: Name = _USUAL_KEY,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Show what is signed and sign it, on a machine that needs nothing but this file and the key."""
    asked = _read_asked(source)
    digest = digest_to_sign(asked["typed_data"])
    _show(asked)
    if not yes:
        typer.confirm("Sign this?", abort=True)
    with ExitStack() as stack:
        signer = signer_of(stack, keystore, module, token, key)
        signed = {
            "type": SIGNED_TYPE, "id": asked["id"], "address": show_address(signer.address), "digest": digest.hex(),
            "signature": signer.sign(digest).hex(),
        }  # fmt: skip
    target.write_text(json.dumps(signed), encoding="utf-8")
    print(f"signed by {signed['address']}")


@commands.command("submit")
def submit(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file that `key sign` wrote.")],
    *,
    by: By = "",
    house: For = "",
    as_json: Json = False,
) -> None:
    """Hand in a signature; with the last one the act goes on to the ledger."""
    home = cast(LedgerHome, home_of(context))
    pending_id, signature = read_signed(source.read_bytes())
    with home.database.write() as session:
        actor = acting_for(session, by or home.settings.person, house)
        state = give_signature(session, pending_id=pending_id, signature=signature, by=actor, now=clock.now())
    home.run_jobs()
    print(json.dumps({"id": str(pending_id), "state": str(state)}) if as_json else f"{pending_id}  {state}")


@commands.command("countersign")
def countersign_day(
    statement: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A day's statement.")],
    target: Annotated[Path, typer.Argument(help="Where to write the countersignature, for `attest add`.")],
    *,
    keystore: Keystore = None,
    module: Module = "",
    token: Label = "",
    key: Name = _USUAL_KEY,
) -> None:
    """Countersign a day's statement by the house's own key; needs no home."""
    text = statement.read_text(encoding="utf-8")
    with ExitStack() as stack:
        signed = countersign(signer_of(stack, keystore, module, token, key), text, now=clock.now())
    target.write_text(json.dumps(signed, sort_keys=True), encoding="utf-8")
    print(f"countersigned by 0x{signed['address']}")


def signer_of(stack: ExitStack, keystore: Path | None, module: str, token: str, key: str) -> Signer:
    """Open a keystore file, or a token's key until the stack is closed. Raises KeystoreRefused, TokenRefused."""
    if module:
        return stack.enter_context(TokenSigner(module, token, pin=os.environ.get(PIN, ""), key_label=key))
    if keystore is None:
        raise typer.BadParameter("Name a keystore file by --keystore, or a token by --pkcs11.")
    return read_keystore(keystore, passphrase=read_passphrase(os.environ))


def _read_asked(source: Path) -> dict[str, Any]:
    """Return what is to be signed. Raises SignatureNotFound for another file."""
    try:
        asked: dict[str, Any] = json.loads(source.read_bytes())
        if asked["type"] != TO_SIGN_TYPE or not isinstance(asked["typed_data"]["message"], dict):
            raise SignatureNotFound
        UUID(asked["id"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise SignatureNotFound from error
    return asked


def _show(asked: dict[str, Any]) -> None:
    """Print the members that are signed, and beside them the words of the exchange, which are not."""
    typed = asked["typed_data"]
    print(f"{typed['domain']['name']} · {typed['primaryType']} · chain {typed['domain'].get('chainId')}")
    for name, value in typed["message"].items():
        print(f"  {name:<12} {value}")
    said = asked.get("text")
    if isinstance(said, dict):
        print("in the exchange's words (they are not what is signed):")
        print(f"  {said.get('zh', '')}\n  {said.get('en', '')}")
