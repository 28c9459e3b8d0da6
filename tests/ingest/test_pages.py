"""The intake and review desks through their forms: what a person does and reads there."""

import io
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from sqlmodel import select

from asset_hub.accounts import Role, get_party
from asset_hub.accounts.models import PartyRow
from asset_hub.catalogue import AssetState, AssetView, Secrecy, create_collection, list_assets
from asset_hub.core import clock
from asset_hub.core.jobs import JobRow, JobState
from ingest.models import AccessionRow, ItemRow
from ingest.receipts import verify_receipt
from tests.builders import make_actor
from tests.ingest.desk import TUS, Desk, begin_upload, metadata, open_desk, open_intake, send, upload
from tests.media_files import make_film, make_picture
from tests.web.pages import client_for


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return open_desk(tmp_path)


def drafts(desk: Desk) -> list[AssetView]:
    with desk.services.database.read() as session:
        return list(list_assets(session, by=desk.archivist, now=clock.now()).assets)


def bring(desk: Desk, *names: str, tmp_path: Path) -> UUID:
    """Bring drawn pictures in and run the jobs; the intake stays open."""
    accession = open_intake(desk.client)
    for shade, name in enumerate(names):
        upload(desk.client, accession, name.encode(), make_picture(tmp_path / "x.jpg", shade=shade * 20).read_bytes())
    desk.services.run_jobs()
    return accession


def form_of(asset: AssetView, **changed: Any) -> dict[str, Any]:
    """Return the review form of an asset as a browser would send it."""
    texts = {
        "title_zh": "", "title_en": "", "date": "", "district": "", "place": "", "people": "", "creator": "",
        "description_zh": "", "description_en": "", "secrecy": str(asset.secrecy), "version": str(asset.row_version),
        "act": "save", "theme": list(asset.codes("theme")),
    }  # fmt: skip
    texts["title_zh"] = next((v.value for v in asset.values if v.element == "title" and v.lang == "zh"), "")
    texts["title_en"] = next((v.value for v in asset.values if v.element == "title" and v.lang == "en"), "")
    texts["date"] = asset.text("date", "zh")
    texts["district"] = next(iter(asset.codes("district")), "")
    return texts | changed


@pytest.mark.parametrize("level", ["秘密", "机密", "绝密"])
def test_a_state_secret_is_refused_before_the_first_byte_and_leaves_nothing(desk: Desk, level: str) -> None:
    offered = desk.client.get("/intake/new").text

    answer = desk.client.post("/intake/new", data={"secrecy": level})

    assert f'value="{level}"' in offered
    assert answer.status_code == 409
    assert "refused before its first byte" in answer.text
    assert "Nothing was sent and nothing was written down." in answer.text
    with desk.services.database.read() as session:
        assert session.exec(select(AccessionRow)).all() == []
    assert list(desk.services.files.digests()) == []


def test_a_level_is_chosen_first_and_the_rest_of_the_form_stays(desk: Desk) -> None:
    answer = desk.client.post("/intake/new", data={"secrecy": " ", "publish": "true"})

    assert (answer.status_code, answer.text.count('class="error"')) == (422, 1)
    assert "Choose a level first." in answer.text
    assert 'name="publish" value="true" checked' in answer.text
    with desk.services.database.read() as session:
        assert session.exec(select(AccessionRow)).all() == []


def test_publishing_at_once_needs_open_material(desk: Desk) -> None:
    answer = desk.client.post("/intake/new", data={"secrecy": "内部", "publish": "true"})

    assert answer.status_code == 409
    with desk.services.database.read() as session:
        assert session.exec(select(AccessionRow)).all() == []


def test_an_intake_is_followed_to_its_receipt(desk: Desk, tmp_path: Path) -> None:
    accession = open_intake(desk.client)
    picture = make_picture(tmp_path / "x.jpg").read_bytes()
    url = begin_upload(desk.client, accession, "卷一/门.jpg".encode(), len(picture))
    send(desk.client, url, picture)
    upload_id = url.rsplit("/", 1)[1]
    waiting = desk.client.get(f"/intake/{accession}").text
    plain = [("files", ("again.jpg", picture)), ("files", ("=HYPERLINK(1).bin", b"\0\1\2\3" * 50))]
    sent = desk.client.post(f"/intake/{accession}/files", files=plain)
    desk.services.run_jobs()

    left = desk.services.settings.home / "uploads" / f"{upload_id}.part"
    left.touch()
    finished = desk.client.post(f"/intake/{accession}/finish")
    page = desk.client.get(f"/intake/{accession}").text
    content = desk.client.get(f"/intake/{accession}/receipt.json")
    book = openpyxl.load_workbook(io.BytesIO(desk.client.get(f"/intake/{accession}/receipt.xlsx").content))

    assert "waits its turn" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    assert (sent.status_code, finished.status_code, left.exists()) == (303, 303, False)
    receipt = json.loads(content.content)
    assert [receipt[name] for name in ("offered", "accepted", "duplicate", "rejected", "quarantined")] == [
        3,
        1,
        1,
        0,
        1,
    ]
    assert content.headers["content-disposition"] == f'attachment; filename="{receipt["accession"]}.json"'
    assert verify_receipt(desk.services.database, desk.services.files, content.content) == []
    assert "Offered = accepted + duplicate + rejected + quarantined: 1 + 1 + 0 + 1 = 3" in page
    (asset,) = drafts(desk)
    assert page.count(f'href="/review/{asset.number}"') == 2
    assert [[cell.value for cell in row[:2]] for row in book["Receipt"].rows] == [
        ["Intake", receipt["accession"]], ["Offered", 3], ["Accepted", 1], ["Duplicate", 1], ["Rejected", 0],
        ["Quarantined", 1],
    ]  # fmt: skip
    cells = [row[0] for row in book["Rows"].rows]
    assert [cell.value for cell in cells] == ["Path", "=HYPERLINK(1).bin", "again.jpg", "卷一/门.jpg"]
    assert {cell.data_type for cell in cells} == {"s"}


def test_the_receipt_says_when_the_ledger_holds_its_digest(desk: Desk) -> None:
    accession = open_intake(desk.client)
    desk.client.post(f"/intake/{accession}/finish")
    before = desk.client.get(f"/intake/{accession}").text

    desk.services.run_jobs()

    assert "Not yet on the ledger" in before
    assert "Anchored on the ledger" in desk.client.get(f"/intake/{accession}").text


def test_finishing_asks_back_while_an_upload_is_incomplete(desk: Desk) -> None:
    accession = open_intake(desk.client)
    url = begin_upload(desk.client, accession, b"half.mp4", 10)
    send(desk.client, url, b"01234")

    asked = desk.client.post(f"/intake/{accession}/finish")
    kept = desk.client.head(url, headers=TUS)
    done = desk.client.post(f"/intake/{accession}/finish", data={"without": "true"})

    assert (asked.status_code, kept.headers["upload-offset"], done.status_code) == (409, "5", 303)
    assert "half.mp4" in asked.text
    receipt = desk.client.get(f"/intake/{accession}/receipt.json").json()
    assert [(row["path"], row["status"], row["reason"]) for row in receipt["rows"]] == [
        ("half.mp4", "rejected", "upload-unfinished")
    ]


LIST = (
    "题名,英文题名,密级,日期,文件名\n朝天门,Chaotianmen,公开,1983,门.jpg\n不可说,,机密,,secret.jpg\n没有,,公开,,gone.jpg\n"
    "记录,A record,,,\n错,,,明天,\n"
)


def test_a_list_before_the_files_describes_and_refuses_them(desk: Desk, tmp_path: Path) -> None:
    accession = open_intake(desk.client)
    sent = desk.client.post(f"/intake/{accession}/list", files={"sheet": ("目录.csv", LIST.encode("gb18030"))})
    upload(desk.client, accession, "卷一/门.jpg".encode(), make_picture(tmp_path / "x.jpg").read_bytes())

    secret = desk.client.post(
        "/uploads", headers={**TUS, "Upload-Length": "5", "Upload-Metadata": metadata(accession, b"secret.jpg")}
    )
    desk.client.post(f"/intake/{accession}/finish")
    desk.services.run_jobs()

    assert sent.status_code == 303
    assert secret.status_code == 409
    assert "refused before its first byte" in secret.json()["detail"]
    receipt = desk.client.get(f"/intake/{accession}/receipt.json").json()
    assert {row["path"]: (row["status"], row["reason"]) for row in receipt["rows"]} == {
        "卷一/门.jpg": ("accepted", None),
        "目录表.csv!3": ("rejected", "wrong-cell"),
        "目录表.csv!4": ("rejected", "file-not-found"),
        "目录表.csv!5": ("accepted", None),
        "目录表.csv!6": ("rejected", "wrong-cell"),
    }
    assert {asset.title("en") for asset in drafts(desk)} == {"Chaotianmen", "A record"}


def test_a_list_after_the_files_describes_their_drafts(desk: Desk, tmp_path: Path) -> None:
    accession = bring(desk, "门.jpg", tmp_path=tmp_path)

    sent = desk.client.post(
        f"/intake/{accession}/list", files={"sheet": ("a.csv", "题名,文件名\n朝天门码头,门.jpg\n".encode())}
    )

    (asset,) = drafts(desk)
    assert sent.status_code == 303
    assert ("朝天门码头", "sheet") in {(value.value, value.source) for value in asset.values}


def test_a_corrected_list_converges(desk: Desk) -> None:
    accession = open_intake(desk.client)
    for date in ("明天", "1983"):
        desk.client.post(f"/intake/{accession}/list", files={"sheet": ("a.csv", f"题名,日期\n记录,{date}\n".encode())})
    desk.services.run_jobs()

    receipt = desk.client.get(f"/intake/{accession}/receipt.json").json()

    assert [(row["path"], row["status"]) for row in receipt["rows"]] == [("目录表.csv!2", "accepted")]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("a.csv", "题名,颜色\n门,红\n".encode(), "颜色"), ("a.xlsx", b"no workbook", "no sound workbook")],
)
def test_a_list_that_cannot_be_read_takes_nothing(desk: Desk, name: str, content: bytes, said: str) -> None:
    accession = open_intake(desk.client)

    answer = desk.client.post(f"/intake/{accession}/list", files={"sheet": (name, content)})

    assert answer.status_code == 422
    assert said in answer.text
    with desk.services.database.read() as session:
        assert session.exec(select(ItemRow)).all() == []


def test_a_failed_examination_can_be_retried_by_the_archivist_only(desk: Desk, tmp_path: Path) -> None:
    accession = open_intake(desk.client)
    upload(desk.client, accession, b"a.jpg", make_picture(tmp_path / "x.jpg").read_bytes())
    with desk.services.database.write() as session:
        job, item = session.exec(select(JobRow)).one(), session.exec(select(ItemRow)).one()
        job.state, job.error = JobState.FAILED, {"slug": "x", "message": "", "params": {}}
        house = session.get_one(PartyRow, desk.archivist.organisation_id)
        cataloguer = make_actor(session, roles={Role.CATALOGUER}, organisation=house)
    address = f"/intake/{accession}/items/{item.id}/retry"

    page = desk.client.get(f"/intake/{accession}").text
    refused = client_for(desk.services, cataloguer).post(address)
    retried = desk.client.post(address)
    desk.services.run_jobs()

    assert "The examination was broken off." in page
    assert address in page
    assert (refused.status_code, retried.status_code) == (403, 303)
    assert len(drafts(desk)) == 1


def test_review_shows_why_and_writes_only_what_changed(desk: Desk, tmp_path: Path) -> None:
    bring(desk, "1983年朝天门.jpg", tmp_path=tmp_path)
    (asset,) = drafts(desk)
    page = desk.client.get(f"/review/{asset.number}").text
    before = {(v.element, v.value): v.source for v in asset.values}

    changed = form_of(asset, title_en="Chaotianmen Gate", people="李明；Wang Fang")
    answer = desk.client.post(f"/review/{asset.number}", data=changed)

    assert "the name of the file" in page
    assert "a rule found it in the words" in page
    assert answer.status_code == 303
    (asset,) = drafts(desk)
    mine = f"person:{desk.archivist.person_id}"
    after = {(v.element, v.value): v.source for v in asset.values}
    assert after == before | {
        ("title", "Chaotianmen Gate"): mine, ("people", "李明"): mine, ("people", "Wang Fang"): mine,
    }  # fmt: skip
    assert {v.lang for v in asset.values if v.element == "people"} == {"zh", "en"}
    assert [v.accepted_at is not None for v in asset.values if v.source != mine] == [False] * len(before)


def test_a_wrong_date_keeps_what_was_typed_and_saves_nothing(desk: Desk, tmp_path: Path) -> None:
    bring(desk, "门.jpg", tmp_path=tmp_path)
    (asset,) = drafts(desk)
    typed = form_of(asset, title_zh="新题名<i>", date="1983-99-99", act="publish")

    answer = desk.client.post(f"/review/{asset.number}", data=typed)

    assert answer.status_code == 422
    assert 'value="新题名&lt;i&gt;"' in answer.text
    assert 'value="1983-99-99"' in answer.text
    assert 'id="e-date"' in answer.text
    assert drafts(desk) == [asset]


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"title_zh": "", "title_en": ""}, "title_zh"), ({"district": "999999"}, "district"), ({"theme": ["99"]}, "theme"),
     ({"description_zh": "长" * 20_001}, "description_zh"), ({"secrecy": "机密"}, "secrecy")],
)  # fmt: skip
def test_a_field_that_cannot_be_taken_says_so_beside_itself(
    desk: Desk, tmp_path: Path, changed: dict[str, Any], field: str
) -> None:
    bring(desk, "门.jpg", tmp_path=tmp_path)
    (asset,) = drafts(desk)

    answer = desk.client.post(f"/review/{asset.number}", data=form_of(asset, **changed))

    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert drafts(desk) == [asset]


def test_two_people_do_not_overwrite_each_other(desk: Desk, tmp_path: Path) -> None:
    bring(desk, "门.jpg", tmp_path=tmp_path)
    (asset,) = drafts(desk)
    desk.client.post(f"/review/{asset.number}", data=form_of(asset, title_zh="先"))

    late = desk.client.post(f"/review/{asset.number}", data=form_of(asset, title_zh="后"))

    assert late.status_code == 409
    assert 'value="后"' in late.text
    assert drafts(desk)[0].title("zh") == "先"


def test_accept_and_publish_goes_on_to_the_next_draft(desk: Desk, tmp_path: Path) -> None:
    accession = bring(desk, "一.jpg", "二.jpg", tmp_path=tmp_path)
    second, first = drafts(desk)
    listed = desk.client.get(f"/review?intake={accession}").text

    answer = desk.client.post(f"/review/{second.number}?intake={accession}", data=form_of(second, act="publish"))

    assert f"/review/{first.number}" in listed
    assert answer.headers["location"] == f"/review/{first.number}?intake={accession}"
    found = {asset.number: asset for asset in drafts(desk)}
    assert (found[second.number].state, found[first.number].state) == (AssetState.PUBLISHED, AssetState.DRAFT)
    assert all(value.accepted_by for value in found[second.number].values)
    assert {value.source for value in found[second.number].values} == {value.source for value in second.values}


def test_publishing_wants_a_level_and_as_many_reviewers_as_the_collection(desk: Desk, tmp_path: Path) -> None:
    owner = desk.archivist.organisation_id
    assert owner is not None
    with desk.services.database.write() as session:
        collection = create_collection(
            session, owner_id=owner, name_zh="三审库", reviewers=3, by=desk.archivist, now=clock.now()
        )
        assert get_party(session, organisation_id=owner).id == owner
    accession = open_intake(desk.client, "未审", collection=str(collection.id))
    upload(desk.client, accession, "门.jpg".encode(), make_picture(tmp_path / "x.jpg").read_bytes())
    desk.services.run_jobs()
    (asset,) = drafts(desk)

    unreviewed = desk.client.post(f"/review/{asset.number}", data=form_of(asset, act="publish"))
    agreed = desk.client.post(f"/review/{asset.number}", data=form_of(asset, secrecy="公开", act="publish"))
    page = desk.client.get(f"/review/{asset.number}").text

    assert (unreviewed.status_code, agreed.status_code) == (409, 303)
    assert 'id="e-secrecy"' in unreviewed.text
    (asset,) = drafts(desk)
    assert (asset.state, asset.secrecy) == (AssetState.DRAFT, Secrecy.OPEN)
    assert "1 of 3 reviewers agreed" in page


def test_shots_get_titles_and_keep_their_spans_and_stills(desk: Desk, tmp_path: Path) -> None:
    accession = open_intake(desk.client)
    upload(desk.client, accession, b"film.mp4", make_film(tmp_path / "film.mp4", cuts=3).read_bytes())
    desk.services.run_jobs()
    (asset,) = drafts(desk)

    answer = desk.client.post(
        f"/review/{asset.number}",
        data=form_of(
            asset, **{"shot-1-zh": "黄昏的码头", "shot-1-en": "Dusk at the pier", "shot-0-zh": "", "shot-0-en": ""}
        ),
    )

    assert answer.status_code == 303
    (after,) = drafts(desk)
    assert [(part.span, part.rate, part.source, part.confidence) for part in after.parts] == [
        (part.span, part.rate, part.source, part.confidence) for part in asset.parts
    ]
    stills = {file.id: file.sha256 for file in (*asset.files, *after.files)}
    assert [stills[part.picture_id] for part in after.parts if part.picture_id] == [
        stills[part.picture_id] for part in asset.parts if part.picture_id
    ]
    assert [part.text("title", "zh") for part in after.parts] == ["", "黄昏的码头", ""]
    assert {v.source for v in after.parts[1].values if v.element == "title"} == {f"person:{desk.archivist.person_id}"}


def test_drafts_of_another_house_are_not_there(desk: Desk, tmp_path: Path) -> None:
    accession = bring(desk, "门.jpg", tmp_path=tmp_path)
    (asset,) = drafts(desk)
    with desk.services.database.write() as session:
        stranger = make_actor(session, roles={Role.ARCHIVIST})
    other = client_for(desk.services, stranger)

    assert other.get(f"/review/{asset.number}").status_code == 404
    assert other.post(f"/review/{asset.number}", data=form_of(asset, title_zh="偷")).status_code == 404
    assert asset.number not in other.get(f"/review?intake={accession}").text
    assert drafts(desk) == [asset]


def test_every_reason_is_said_in_chinese(desk: Desk, tmp_path: Path) -> None:
    accession = open_intake(desk.client)
    upload(desk.client, accession, b"cut.jpg", make_picture(tmp_path / "x.jpg").read_bytes()[:900])
    sheet = {"sheet": ("a.csv", "题名,日期,密级\n门,明天,机密\n".encode())}
    desk.client.post(f"/intake/{accession}/list", files=sheet)
    desk.services.run_jobs()
    chinese = client_for(desk.services, desk.archivist, language="zh")

    page = chinese.get(f"/intake/{accession}").text
    book = openpyxl.load_workbook(io.BytesIO(chinese.get(f"/intake/{accession}/receipt.xlsx").content))

    assert page.count("拒收</span>") + page.count("拒收</dt>") >= 2
    assert "文件不完整：缺少一部分内容。" in page
    cells = "目录表.csv!B2：“明天”不是日期。；目录表.csv!C2：标有“机密”的材料，在接收第一个字节之前即予拒收。"
    assert cells in page
    assert [row[3].value for row in book["明细"].rows][2] == cells
