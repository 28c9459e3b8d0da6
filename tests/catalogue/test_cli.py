"""The commands asset show and collection add: the record as its owner may read it, and 三审."""

from pathlib import Path

from asset_hub.accounts import actor_of_login
from asset_hub.app import open_home
from asset_hub.catalogue import find_asset, get_asset
from asset_hub.core import clock
from asset_hub.core.settings import Settings
from tests.commands import Shell, shell
from tests.media_files import make_picture
from tests.web.pages import client_for

__all__ = ["shell"]


def test_an_asset_is_shown_with_what_set_each_value(shell: Shell, tmp_path: Path) -> None:
    picture = make_picture(tmp_path / "朝天门.jpg")
    taken = shell("ingest", picture, "--secrecy", "未审", "--json").json["rows"][0]

    record = shell("asset", "show", taken["asset"], "--json").json
    sheet = shell("asset", "show", record["number"])

    assert record["id"] == taken["asset"]
    assert (record["kind"], record["state"], record["secrecy"]) == ("picture", "draft", "未审")
    assert {file["role"] for file in record["files"]} == {"master", "preview", "thumbnail"}
    assert {value["source"] for value in record["values"] if value["element"] == "district"} == {"rule:classify/1"}
    assert sheet.out.startswith(f"{record['number']}  picture  draft  未审")


def test_what_is_no_asset_ends_in_a_sentence(shell: Shell) -> None:
    unknown = shell("asset", "show", "nonsense", "--json")
    not_text = shell("asset", "show", "\udcff")

    assert (unknown.code, unknown.json["error"]) == (1, "asset-not-found")
    assert (not_text.code, not_text.err.count("\n")) == (2, 1)


def test_a_collection_with_three_reviews_publishes_with_the_third_person(shell: Shell, tmp_path: Path) -> None:
    picture = make_picture(tmp_path / "朝天门.jpg")

    made = shell("collection", "add", "三审库", "--reviewers", 3, "--json").json
    again = shell("collection", "add", "三审库", "--reviewers", 1, "--json")
    two = shell("collection", "add", "二审库", "--reviewers", 2)
    ingest = ("ingest", picture, "--secrecy", "公开", "--collection", "三审库", "--publish", "--json")
    taken = shell(*ingest).json["rows"][0]["asset"]
    number = shell("asset", "show", taken, "--json").json["number"]
    states = [shell("asset", "show", taken, "--json").json["state"]]
    for login in ("second", "third"):
        shell("person", "add", login, "--name", login, "--role", "auditor")
        states.append(_agree(tmp_path, login, number))

    assert (made["reviewers"], again.json["error"], two.code) == (3, "collection-there", 2)
    assert states == ["draft", "draft", "published"]
    assert [one["name_zh"] for one in shell("collection", "list", "--json").json["collections"]] == ["三审库"]


def _agree(folder: Path, login: str, number: str) -> str:
    """Agree to a draft at the review desk, as a browser would; return its state then."""
    services = open_home(Settings(home=folder / "home"))
    with services.database.read() as session:
        actor = actor_of_login(session, login=login)
        asset = get_asset(session, asset_id=find_asset(session, text=number), by=actor, now=clock.now())
    form = {"version": asset.row_version, "secrecy": asset.secrecy, "act": "publish"}
    assert client_for(services, actor).post(f"/review/{number}", data=form).status_code == 303
    with services.database.read() as session:
        state = get_asset(session, asset_id=asset.id, by=actor, now=clock.now()).state
    services.database.dispose()
    return str(state)
