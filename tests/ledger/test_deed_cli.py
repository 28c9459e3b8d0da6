"""The commands of deeds and holds, as people type them."""

from pathlib import Path
from typing import Any

import pytest

from asset_hub.accounts import Role, require_person
from asset_hub.accounts.models import PersonRow
from tests.builders import make_actor, make_organisation
from tests.commands import Shell, shell
from tests.marketplace.shop import make_shop

__all__ = ["shell"]


@pytest.fixture
def number(tmp_path: Path) -> str:
    """A home with a shop, a bank and a film house; return the number of the asset that is for sale."""
    opened = make_shop(tmp_path)
    with opened.services.database.write() as session:
        for login, name in (("bank", "山城银行"), ("films", "江声影业")):
            house = make_organisation(session, name_zh=name, name_en=login)
            make_actor(session, roles={Role.RIGHTS_DESK, Role.PRODUCER}, login=login, organisation=house)
        session.get_one(PersonRow, require_person(opened.seller)).login = "seller"
        make_actor(session, roles={Role.OPERATOR}, login="colleague")
    opened.services.database.dispose()
    return str(opened.asset_id)


def confirmations(shell: Shell, *more: str) -> list[dict[str, Any]]:
    """Return what waits for a second person, as somebody sees it."""
    return list(shell("confirm", "list", *more, "--json").json["confirmations"])


def give_all(shell: Shell) -> list[dict[str, Any]]:
    """Confirm, as the operator, what waits for a second person."""
    return [shell("confirm", "give", one["id"], "--json").json for one in confirmations(shell)]


def test_a_title_is_agreed_on_pledged_and_shown(shell: Shell, number: str) -> None:
    nothing = shell("deed", "show", number, "--json")
    assert nothing.json == {"head": None, "shares": [], "pledges": []}

    proposed = shell(
        "deed", "title", number, "--share", "all=江声影业:100", "--instrument", "转让协议", "--by", "seller", "--json"
    )
    waiting = shell("deed", "list", "--by", "films", "--json").json["deeds"]
    agreed = shell("deed", "agree", proposed.json["id"], "--by", "films", "--json")
    (own,) = (one["id"] for one in confirmations(shell, "--by", "films") if one["agreed_by_me"])
    own_word = shell("confirm", "give", own, "--by", "films")
    confirmed = give_all(shell)
    pledge = shell(
        "deed", "pledge", number, "--right", "12", "--from", "江声影业", "--to", "山城银行", "--instrument", "质押合同",
        "--by", "films", "--json",
    )  # fmt: skip
    wrong = shell("deed", "agree", pledge.json["id"], "--by", "seller")
    done = shell("deed", "agree", pledge.json["id"], "--by", "bank", "--json")
    give_all(shell)
    shown = shell("deed", "show", number, "--json").json

    assert proposed.json["waits_for"] == ["江声影业"]
    assert [one["id"] for one in waiting] == [proposed.json["id"]]
    assert (agreed.json["state"], agreed.json["entry"]["state"]) == ("agreed", "unsigned")
    assert own_word.code == wrong.code == 1
    assert [one["goes_on"] for one in confirmed] == [False, True]
    assert done.json["entry"]["state"] == "unsigned"
    assert shown["shares"] == [{"holder": "江声影业", "percent": 100.0, "rights": ["all"]}]
    assert shown["pledges"] == [{"pledgor": "江声影业", "pledgee": "山城银行", "rights": ["信息网络传播权"]}]


@pytest.mark.parametrize("share", ["all", "=x:1", "all=江声影业", "all=江声影业:many"])
def test_a_share_that_cannot_be_read_is_misuse(shell: Shell, number: str, share: str) -> None:
    assert shell("deed", "title", number, "--share", share, "--instrument", "x", "--by", "seller").code == 2


def test_a_hold_is_placed_keeps_others_out_and_is_used_up(shell: Shell, number: str, tmp_path: Path) -> None:
    asked = ("--use", "streaming", "--territory", "CN", "--years", "2")

    placed = shell("hold", "place", number, *asked, "--days", "3", "--by", "films", "--json")
    others = shell("availability", number, *asked, "--by", "bank", "--json")
    own = shell("availability", number, *asked, "--by", "films", "--json")
    twice = shell("hold", "place", number, *asked, "--by", "bank")
    bought = shell("license", number, *asked, "--to", tmp_path / "out", "--by", "films", "--json")
    after = shell("hold", "list", "--by", "films", "--json").json["holds"]

    assert (placed.json["state"], placed.json["live"]) == ("confirmed", True)
    assert (others.code, others.json["answer"], own.json["answer"]) == (1, "conflict", "free")
    assert twice.code == 1
    assert bought.code == 0
    assert [(one["number"], one["live"]) for one in after] == [(placed.json["number"], False)]


def test_a_decision_corrects_a_title_and_ended_grants_leave_the_lists(shell: Shell, number: str) -> None:
    corrected = shell(
        "deed",
        "correct",
        number,
        "--share",
        "all=山城银行:75,江声影业:25",
        "--decision",
        "（2026）渝01民终1号",
        "--json",
    )
    (waiting,) = confirmations(shell)
    by_colleague = shell("confirm", "give", waiting["id"], "--by", "colleague")
    not_theirs = shell("deed", "correct", number, "--share", "all=江声影业:100", "--decision", "x", "--by", "films")
    shown = shell("deed", "show", number, "--json").json["shares"]
    compacted = shell("ledger", "compact", number)
    stranger = shell("ledger", "compact", "--by", "films")

    assert (corrected.json["entry"]["state"], by_colleague.code) == ("unsigned", 0)
    assert not_theirs.code == 1
    assert sorted((one["holder"], one["percent"]) for one in shown) == [("山城银行", 75.0), ("江声影业", 25.0)]
    assert (compacted.code, compacted.out) == (0, "0 lists compacted\n")
    assert stranger.code == 1
