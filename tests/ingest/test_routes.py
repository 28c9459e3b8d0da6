"""Intake for programs: open with a 密级, look, finish; other houses see nothing."""

from pathlib import Path

import pytest
from sqlmodel import select

from asset_hub.accounts import Role
from ingest.models import AccessionNumberRow, AccessionRow, ItemRow
from tests.builders import make_actor
from tests.ingest.desk import Desk, begin_upload, open_desk, send, upload
from tests.media_files import make_picture
from tests.web.pages import client_for


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return open_desk(tmp_path)


def count(desk: Desk) -> tuple[int, int, int]:
    with desk.services.database.read() as session:
        return tuple(len(session.exec(select(row)).all()) for row in (AccessionRow, AccessionNumberRow, ItemRow))  # type: ignore[return-value]


@pytest.mark.parametrize("level", ["秘密", "机密★10年", "绝密级", "", "secret"])
def test_state_secrets_are_refused_before_anything_is_written(desk: Desk, level: str) -> None:
    answer = desk.client.post("/api/v1/accessions", json={"secrecy": level})

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/refused-secrecy"
    assert count(desk) == (0, 0, 0)
    assert list(desk.services.files.digests()) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"secrecy": "内部", "publish": True}, 409),
        ({"secrecy": "公开", "collection_id": "0193e4a6-0000-7000-8000-000000000000"}, 422),
        ({"secrecy": "公开", "owner": "x"}, 422),
        ({}, 422),
    ],
)
def test_an_impossible_intake_is_not_opened(desk: Desk, body: dict[str, object], status: int) -> None:
    assert desk.client.post("/api/v1/accessions", json=body).status_code == status

    assert count(desk) == (0, 0, 0)


def test_an_intake_by_program_ends_in_a_receipt_that_adds_up(desk: Desk, tmp_path: Path) -> None:
    picture = make_picture(tmp_path / "门.jpg").read_bytes()
    opened = desk.client.post("/api/v1/accessions", json={"secrecy": "公开"})
    accession = opened.json()["id"]
    for path, content in (
        ("门.jpg", picture),
        ("copy/门.jpg", picture),
        ("cut.jpg", picture[:900]),
        ("x.bin", b"\0\1" * 99),
    ):
        upload(desk.client, accession, path.encode(), content)
    begin_upload(desk.client, accession, b"never.jpg", 10)

    early = desk.client.post(f"/api/v1/accessions/{accession}/seal")
    sealed = desk.client.post(f"/api/v1/accessions/{accession}/seal", json={"without_unfinished": True})
    desk.services.run_jobs()
    shown = desk.client.get(f"/api/v1/accessions/{accession}").json()

    assert opened.status_code == 201
    assert (early.status_code, early.json()["uploads"]) == (409, ["never.jpg"])
    assert (sealed.json()["is_sealed"], sealed.json()["is_closed"]) == (True, False)
    receipt = shown["receipt"]
    assert shown["is_closed"] is True
    assert {row["path"]: (row["status"], row["reason"]) for row in receipt["rows"]} == {
        "门.jpg": ("accepted", None) if receipt["rows"][-1]["status"] == "accepted" else ("duplicate", "same-bytes"),
        "copy/门.jpg": ("duplicate", "same-bytes")
        if receipt["rows"][-1]["status"] == "accepted"
        else ("accepted", None),
        "cut.jpg": ("rejected", "truncated-file"),
        "x.bin": ("quarantined", "unsupported-format"),
        "never.jpg": ("rejected", "upload-unfinished"),
    }
    assert [receipt[name] for name in ("offered", "accepted", "duplicate", "rejected", "quarantined")] == [
        5,
        1,
        1,
        2,
        1,
    ]
    assert list((desk.services.settings.home / "uploads").iterdir()) == []


def test_a_finished_intake_takes_nothing_more(desk: Desk) -> None:
    accession = desk.client.post("/api/v1/accessions", json={"secrecy": "公开"}).json()["id"]
    url = begin_upload(desk.client, accession, b"late.bin", 4)
    send(desk.client, url, b"12")
    desk.client.post(f"/api/v1/accessions/{accession}/seal", json={"without_unfinished": True})

    assert send(desk.client, url, b"34", offset=2) == 404

    listed = desk.client.get("/api/v1/accessions").json()["accessions"]
    assert [(one["id"], one["is_closed"], one["counts"]["rejected"]) for one in listed] == [(accession, True, 1)]


def test_other_houses_and_roles_have_no_part_in_an_intake(desk: Desk) -> None:
    accession = desk.client.post("/api/v1/accessions", json={"secrecy": "公开"}).json()["id"]
    with desk.services.database.write() as session:
        stranger, producer = make_actor(session, roles={Role.ARCHIVIST}), make_actor(session, roles={Role.PRODUCER})
    other, outside, nobody = (client_for(desk.services, actor) for actor in (stranger, producer, None))

    for address in (f"/api/v1/accessions/{accession}", f"/intake/{accession}", f"/intake/{accession}/receipt.json"):
        assert other.get(address).status_code == 404
    assert other.post(f"/api/v1/accessions/{accession}/seal").status_code == 404
    assert other.post(f"/intake/{accession}/finish").status_code == 404
    assert other.get("/api/v1/accessions").json() == {"accessions": []}
    assert outside.post("/api/v1/accessions", json={"secrecy": "公开"}).status_code == 403
    assert nobody.post("/api/v1/accessions", json={"secrecy": "公开"}).status_code == 401
    assert nobody.get("/intake").headers["location"] == "/sign-in?next=/intake"
    assert desk.client.get(f"/api/v1/accessions/{accession}").json()["is_sealed"] is False
