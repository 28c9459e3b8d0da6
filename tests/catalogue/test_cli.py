"""The command asset show: the record as its owner may read it."""

from pathlib import Path

from tests.commands import Shell, shell
from tests.media_files import make_picture

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
