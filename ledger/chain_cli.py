"""Commands about the chain: ledger status, ledger verify, ledger rebuild, ledger relay."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol, cast

import typer
from sqlmodel import func, select

from asset_hub.accounts import party_names
from asset_hub.accounts.acting import acting_person
from asset_hub.catalogue import find_asset
from asset_hub.core import clock
from asset_hub.core.home import Home, home_of
from asset_hub.core.jobs import Queue, enqueue
from ledger.chains import Chain
from ledger.compaction import record_compactions
from ledger.engine import ANVIL, parse_chain_url
from ledger.entries import SUBMIT
from ledger.health import Health, NodeFacts, describe_health, describe_node, read_health
from ledger.models import EntryRow
from ledger.office import TRADE, pause_registers, resume_registers
from ledger.signing import HomeKeys
from ledger.types import EntryState

ledger = typer.Typer(help="The ledger: head, journal, re-execution, index.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
_NODE_SECONDS = 20.0


class ChainHome(Home, Protocol):
    """A home with the operator's keys and the chain it records on."""

    @property
    def keys(self) -> HomeKeys: ...
    @property
    def chain(self) -> Chain: ...


@ledger.command("status")
def status(
    context: typer.Context,
    *,
    node: Annotated[
        str,
        typer.Option(help="Look at a network that is not this home's: http(s)://NODE#finality=instant|depth:N|tag."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Say where the head is and what still waits; of a network: head, lag, finality, quorum, what its node lacks."""
    if node:
        _say_node(node, as_json=as_json)
        return
    home = cast(ChainHome, home_of(context))
    facts = home.chain.facts(within_s=_NODE_SECONDS)
    with home.database.read() as session:
        health = read_health(session, home.keys, node=facts)
        names = party_names(session, organisation_ids=set(health.unsigned.houses), language="zh")
        states = {
            str(state): session.exec(select(func.count()).where(EntryRow.state == state)).one() for state in EntryState
        }
    said = _facts_of(home, health, states) | {
        "unsigned": {
            "count": health.unsigned.count, "oldest_hours": health.unsigned.hours(clock.now()),
            "houses": [names.get(one, str(one)) for one in health.unsigned.houses]
            + ["主管部门"] * bool(health.unsigned.of_authority),
            "of_authority": health.unsigned.of_authority,
        },
        "unconfirmed": health.unsigned.unconfirmed,
        "keepers": {str(kind): count for kind, count in health.keepers.items()},
        "role_changes": [datetime.fromtimestamp(time, UTC).isoformat() for time in health.changes],
    }  # fmt: skip
    words = list(describe_health(health, now=clock.now()))
    if as_json:
        print(json.dumps(said | ({"node": [str(text) for text in words]} if facts else {}), ensure_ascii=False))
        return
    print("\n".join(f"{key:<13} {value}" for key, value in said.items()))
    print("".join(f"\n{text}" for text in words).lstrip("\n") or "nothing is wanting")


def _facts_of(home: ChainHome, health: Health, states: dict[str, int]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "engine": home.chain.url.engine, "head": health.head.number if health.head else None,
        "hash": health.head.hash if health.head else None, "transactions": health.transactions, "entries": states,
        "finality": str(home.chain.url.finality),
    }  # fmt: skip
    if (node := health.node) is None:
        return said
    head = node.head
    return said | {
        "chain_id": node.chain_id, "network_head": head.number if head else None,
        "lag": head.number - head.final if head else None, "stalled": node.is_stalled(clock.now()),
        "quorum": asdict(node.quorum) if node.quorum else None, "lacks": [str(lack) for lack in node.lacks],
        "on_the_way": health.outbox.open if health.outbox else 0,
        "displaced": health.outbox.displaced if health.outbox else 0,
        "relayer": health.relayer, "administrator": health.administrator,
    }  # fmt: skip


def _say_node(url: str, *, as_json: bool) -> None:
    parsed = parse_chain_url(url)
    found: NodeFacts | None = Chain(url, HomeKeys(b"")).facts(within_s=_NODE_SECONDS) if parsed.nodes else None
    if found is None:
        raise typer.BadParameter("--node takes the address of a node")
    now = clock.now()
    words = [str(text) for text in describe_node(found, now=now)]
    facts = {
        "engine": "network", "chain_id": found.chain_id, "finality": found.finality, "stalled": found.is_stalled(now),
        "node": words,
    }  # fmt: skip
    print(json.dumps(facts) if as_json else "\n".join(words))


@ledger.command("verify")
def verify(
    context: typer.Context,
    *,
    engine: Annotated[str, typer.Option(help="Also on another engine: anvil.")] = "",
    as_json: Json = False,
) -> None:
    """Execute the whole journal again on a fresh engine and compare; exit 1 when they disagree."""
    from ledger.replay import verify_journal, verify_on_anvil

    if engine not in ("", ANVIL):
        raise typer.BadParameter("--engine takes anvil")
    home = cast(ChainHome, home_of(context))
    with home.database.read() as session:
        replay = verify_on_anvil(session, home.keys) if engine else verify_journal(session, home.keys)
    if as_json:
        print(json.dumps({"valid": not replay.problems, **asdict(replay)}))
    else:
        print(f"{replay.transactions} transactions in {replay.blocks} blocks on {replay.engine}, head {replay.head}")
        print("\n".join(replay.problems) or "journal and chain agree")
    if replay.problems:
        raise typer.Exit(1)


@ledger.command("rebuild")
def rebuild(
    context: typer.Context,
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of the index.")] = False,
    as_json: Json = False,
) -> None:
    """Make the index again from the chain and compare, or with --replace use it; exit 1 when tables disagree."""
    from ledger.indexer.jobs import following_of
    from ledger.indexer.rebuild import compare_with_shadow, replace_index

    home = cast(ChainHome, home_of(context))
    said: dict[str, Any] = {"replaced": replace, "block": None, "differing": []}
    with following_of(home.database, home.chain.source) as following:
        if following is not None and replace:
            said["block"] = replace_index(following).number
        elif following is not None:
            compared = compare_with_shadow(following)
            said |= {"block": compared.number, "differing": list(compared.differing)}
    if as_json:
        print(json.dumps(said))
    elif said["block"] is None:
        print("there is no chain yet")
    elif replace:
        print(f"the index was made again up to block {said['block']}")
    else:
        print(f"at block {said['block']}: " + (", ".join(said["differing"]) or "index and chain agree"))
    if said["differing"]:
        raise typer.Exit(1)


@ledger.command("relay")
def relay(
    context: typer.Context,
    *,
    anew: Annotated[bool, typer.Option("--anew", help="Sign again what was displaced, at a new nonce.")] = False,
    as_json: Json = False,
) -> None:
    """Look after what is on its way to the network; --anew after somebody else signed with the relayer's key."""
    from ledger.carry import sign_anew

    home = cast(ChainHome, home_of(context))
    signed = 0
    if not home.chain.is_embedded:
        if anew:
            with home.chain.opened(home.database) as engine:
                signed = sign_anew(home.database, engine, home.keys)
        with home.database.write() as session:
            enqueue(session, SUBMIT, queue=Queue.CHAIN, dedupe_key=SUBMIT)
        home.run_jobs()
    with home.database.read() as session:
        outbox = read_health(session, home.keys).outbox
    said = {"signed_anew": signed, "on_the_way": outbox.open if outbox else 0}
    print(json.dumps(said) if as_json else f"{signed} signed again, {said['on_the_way']} on their way")


@ledger.command("compact")
def compact(
    context: typer.Context,
    asset: Annotated[str, typer.Argument(help="Only the lists of this asset: its id or its number.")] = "",
    *,
    by: Annotated[str, typer.Option("--by", help="Act as this person.")] = "",
) -> None:
    """Take what has ended, lapsed or been terminated off the lists that every sale is checked against."""
    home = cast(ChainHome, home_of(context))
    with home.database.write() as session:
        count = record_compactions(
            session, asset_id=find_asset(session, text=asset) if asset else None,
            by=acting_person(session, login=by or home.settings.person), now=clock.now(),
        )  # fmt: skip
    home.run_jobs()
    print(f"{count} lists compacted")


@ledger.command("pause")
def pause(
    context: typer.Context,
    *,
    hours: Annotated[int, typer.Option(help="For how long: 1 to 71 hours; it cannot be prolonged.", min=1, max=71)],
    reason: Annotated[str, typer.Option(help="Why; buyers read it.")],
    register: Annotated[
        list[str] | None, typer.Option(help="GrantLedger (licences, holds) or TitleLedger; else both.")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Act as this person.")] = "",
) -> None:
    """Pause trade (暂停交易): no new licence, hold or title is recorded; what ends something goes on."""
    home = cast(ChainHome, home_of(context))
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
        done = pause_registers(
            session, registers=register or TRADE, hours=hours, reason=reason, by=actor, now=clock.now()
        )
    home.run_jobs()
    for one in done:
        print(f"{one.register} paused until {one.until.isoformat(timespec='minutes')}")


@ledger.command("resume")
def resume(
    context: typer.Context, *, by: Annotated[str, typer.Option("--by", help="Act as this person.")] = ""
) -> None:
    """Let trade go on before its pause is over."""
    home = cast(ChainHome, home_of(context))
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
        done = resume_registers(session, by=actor, now=clock.now())
    home.run_jobs()
    print(f"resumed: {', '.join(done)}" if done else "nothing was paused")
