"""Holding an asset back and lifting that: the page, JSON and commands, by the house and by the exchange."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select
from starlette.testclient import TestClient

from asset_hub.accounts import Actor, Role
from asset_hub.app import Services, open_home
from asset_hub.catalogue import (
    AssetKind,
    ElementValue,
    FileRef,
    FileRole,
    Secrecy,
    create_draft,
    get_asset,
    publish_asset,
)
from asset_hub.catalogue.models import RestrictionRow
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.jobs import JobRow
from asset_hub.core.settings import Settings
from search import SearchQuery, search_assets
from tests.builders import make_actor, make_organisation
from tests.commands import Shell, shell
from tests.media_files import make_picture
from tests.web.pages import client_for

__all__ = ["shell"]
TITLE = "朝天门夜航"
REASON = {"kind": "take_down", "reason": "权利人<b>来函</b>"}


@dataclass(frozen=True, slots=True)
class Hall:
    """A home with one published film, its house's people, a stranger and the exchange's people."""

    services: Services
    people: dict[str, Actor]
    number: str

    def client(self, name: str) -> TestClient:
        return client_for(self.services, self.people[name])

    def post(self, name: str, **form: str) -> int:
        url = f"/assets/{self.number}/restrictions"
        return int(self.client(name).post(url, data={**REASON, **form}).status_code)

    def found(self, name: str) -> int:
        self.services.run_jobs()
        with self.services.database.read() as session:
            query = SearchQuery(text=TITLE)
            return search_assets(
                session, self.services.search, query, by=self.people[name], now=clock.now()
            ).total  # fmt: skip

    def rows(self) -> list[RestrictionRow]:
        with self.services.database.read() as session:
            return list(session.exec(select(RestrictionRow).order_by(col(RestrictionRow.id))))


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    services = open_home(Settings(home=tmp_path / "home"))
    with services.database.write() as session:
        exchange, house = make_organisation(session, name_zh="交易所"), make_organisation(session)
        people = {
            role: make_actor(session, roles={role}, organisation=house)
            for role in (Role.ARCHIVIST, Role.RIGHTS_DESK, Role.CATALOGUER)
        }
        people |= {
            role: make_actor(session, roles={role}, organisation=exchange) for role in (Role.OPERATOR, Role.REGULATOR)
        }
        people[Role.PRODUCER] = make_actor(session, roles=set(Role) - {Role.OPERATOR, Role.REGULATOR})
        master = FileRef("ab" * 32, 9, FileRole.MASTER, b"a.mp4", "video/mp4", None, {"rate": [25, 1], "frames": 500})
        asset_id = create_draft(
            session, kind=AssetKind.FILM, owner_id=house.id, secrecy=Secrecy.OPEN, files=[master],
            values=[ElementValue("title", TITLE, "person:1", "zh")], by=people[Role.ARCHIVIST], now=clock.now(),
        )  # fmt: skip
        publish_asset(session, asset_id=asset_id, by=people[Role.ARCHIVIST], now=clock.now())
        number = get_asset(session, asset_id=asset_id, by=people[Role.ARCHIVIST], now=clock.now()).number
    yield Hall(services, {str(role): actor for role, actor in people.items()}, number)
    services.database.dispose()


def test_the_regulator_takes_down_and_finds_what_nobody_else_does(hall: Hall) -> None:
    before = hall.found("producer")

    answer = hall.post("regulator")

    assert (before, answer) == (1, 303)
    assert [hall.found(name) for name in ("producer", "regulator", "rights_desk")] == [0, 1, 1]
    assert hall.client("producer").get(f"/assets/{hall.number}").status_code == 404
    assert "Held back" in hall.client("regulator").get("/search", params={"q": TITLE}).text


def test_the_page_says_who_holds_it_back_and_why_to_those_who_may_know(hall: Hall) -> None:
    hall.post("rights_desk", kind="sensitive_span", start="00:00:02:00", end="00:00:04:00", until="2999-12-31")

    page, public = (hall.client(name).get(f"/assets/{hall.number}").text for name in ("cataloguer", "producer"))

    assert "权利人&lt;b&gt;来函&lt;/b&gt;" in page
    assert "00:00:02:00 – 00:00:04:00" in page
    assert "31 December 2999" in page
    assert "Set by 林 (山城档案馆)" in page
    assert "Hold it back" not in page
    assert ("来函" in public, "Holding back" in public) == (False, False)


@pytest.mark.parametrize("name", ["cataloguer", "producer"])
def test_who_may_not_holds_nothing_back(hall: Hall, name: str) -> None:
    api = hall.client(name).post(f"/api/v1/assets/{hall.number}/restrictions", json=REASON)

    assert (hall.post(name), api.status_code, hall.rows()) == (403, 403, [])


def test_the_house_does_not_lift_what_the_exchange_ordered(hall: Hall) -> None:
    hall.post("regulator")
    (row,) = hall.rows()
    url = f"/assets/{hall.number}/restrictions/{row.id}/lift"

    page = hall.client("archivist").get(f"/assets/{hall.number}").text
    refused, by_regulator = hall.client("archivist").post(url), hall.client("operator").post(url)

    assert url not in page
    assert (refused.status_code, by_regulator.status_code) == (403, 303)
    assert [row.lifted_by for row in hall.rows()] == [hall.people["operator"].person_id]
    assert hall.found("producer") == 1


def test_a_restriction_of_another_asset_is_not_lifted(hall: Hall) -> None:
    hall.post("archivist")
    (row,) = hall.rows()
    archivist = hall.people["archivist"]
    with hall.services.database.write() as session:
        assert archivist.organisation_id is not None
        other = create_draft(
            session, kind=AssetKind.RECORD, owner_id=archivist.organisation_id, secrecy=Secrecy.OPEN, by=archivist,
            now=clock.now(),
        )  # fmt: skip

    answer = hall.client("archivist").delete(f"/api/v1/assets/{other}/restrictions/{row.id}")

    assert (answer.status_code, hall.rows()[0].lifted_at) == (404, None)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"reason": " "}, "Give the reason"),
        ({"kind": "whim"}, "Choose why it is held back."),
        ({"from": "tomorrow"}, "Write the day as"),
        ({"from": "2027-02-01", "until": "2027-01-31"}, "has no day."),
        ({"start": "00:00:01:00", "end": "00:00:02:00"}, "Only a sensitive span is a part"),
        ({"kind": "sensitive_span", "start": "00:00:01:00", "end": "00:00:20:01"}, "it ends at 00:00:20:00"),
        ({"kind": "sensitive_span"}, "is not a time code"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(
    hall: Hall, form: dict[str, str], said: str
) -> None:
    typed = {**REASON, "reason": "写下的原因", **form}

    answer = hall.client("archivist").post(f"/assets/{hall.number}/restrictions", data=typed)

    assert (answer.status_code, answer.text.count('aria-invalid="true"')) == (422, 1)
    assert said in answer.text
    assert form.get("reason", "写下的原因") in answer.text
    assert hall.rows() == []


def test_programs_hold_back_list_and_lift(hall: Hall) -> None:
    url = f"/api/v1/assets/{hall.number}/restrictions"
    client = hall.client("rights_desk")

    made = client.post(url, json={"kind": "embargo", "reason": "首映前", "until": "2999-01-01"})
    listed = client.get(url).json()["restrictions"]
    lifted = client.delete(f"{url}/{made.json()['id']}").json()

    assert made.status_code == 201
    assert made.json()["end_day"] == "2999-01-02"
    assert [(one["in_force"], one["authority"], one["set_by"]) for one in listed] == [(True, "山城档案馆", "林")]
    assert (lifted["in_force"], lifted["lifted_by"]) == (False, "林")
    assert hall.client("producer").get(url).status_code == 403


def test_the_index_follows_on_the_day_a_restriction_begins_and_ends(hall: Hall) -> None:
    today = beijing_date(clock.now())
    first, last = today + timedelta(days=3), today + timedelta(days=9)
    hall.found("producer")

    hall.post("archivist", **{"kind": "embargo", "from": first.isoformat(), "until": last.isoformat()})

    assert hall.found("producer") == 1
    with hall.services.database.read() as session:
        waiting = session.exec(select(JobRow).where(JobRow.state == "queued").order_by(col(JobRow.run_after))).all()
    assert [beijing_date(job.run_after) for job in waiting] == [first, last + timedelta(days=1)]


def test_commands_restrict_and_lift(shell: Shell, tmp_path: Path) -> None:
    picture = make_picture(tmp_path / "朝天门.jpg")
    taken = shell("ingest", picture, "--secrecy", "公开", "--publish", "--json").json["rows"][0]["asset"]

    held = shell("asset", "restrict", taken, "--kind", "freeze", "--reason", "核查", "--json").json
    shown = shell("asset", "show", taken, "--json").json["restrictions"]
    wrong = shell("asset", "restrict", taken, "--kind", "freeze", "--reason", " ")
    lifted = shell("asset", "lift", taken, "--json").json["lifted"]
    after = shell("asset", "show", taken, "--json").json["restrictions"]

    assert (held["kind"], held["in_force"], held["authority"]) == ("freeze", True, "本馆")
    assert [one["reason"] for one in shown] == ["核查"]
    assert (wrong.code, wrong.err.count("\n")) == (1, 1)
    assert ([one["id"] for one in lifted], after) == ([held["id"]], [])
