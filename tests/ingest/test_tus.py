"""The upload endpoint: tus 1.0.0 word by word, ownership, and a server killed in the middle of a file."""

import base64
import hashlib
import http.client
import multiprocessing
import random
import socket
import threading
import time
from pathlib import Path
from uuid import UUID

import pytest
import uvicorn
from sqlmodel import select

from asset_hub.accounts import Role
from asset_hub.accounts.deps import SESSION_COOKIE
from asset_hub.app import create_app, open_home
from asset_hub.core.files import read_blob
from asset_hub.core.settings import Settings
from ingest.models import ItemRow, UploadRow
from tests.builders import make_actor
from tests.ingest.desk import BYTES, TUS, Desk, begin_upload, metadata, open_desk, open_intake, send, upload
from tests.web.pages import client_for


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return open_desk(tmp_path)


def items(desk: Desk) -> dict[bytes, ItemRow]:
    with desk.services.database.read() as session:
        return {item.key: item for item in session.exec(select(ItemRow))}


def parts(desk: Desk) -> list[str]:
    folder = desk.services.settings.home / "uploads"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_the_server_says_what_it_can_do(desk: Desk) -> None:
    answer = desk.client.options("/uploads")

    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-extension"] == "creation,termination"


def test_a_file_comes_in_pieces_and_is_written_down_once(desk: Desk) -> None:
    accession = open_intake(desk.client)
    url = begin_upload(desk.client, accession, "卷一/门.jpg".encode(), 10)
    assert send(desk.client, url, b"01234") == 204

    head = desk.client.head(url, headers=TUS)
    last = desk.client.patch(url, headers={**BYTES, "Upload-Offset": "5"}, content=b"56789")
    again = desk.client.patch(url, headers={**BYTES, "Upload-Offset": "10"}, content=b"")

    assert (head.headers["upload-offset"], head.headers["upload-length"]) == ("5", "10")
    assert head.headers["cache-control"] == "no-store"
    assert (last.status_code, last.headers["upload-offset"], last.headers["tus-resumable"]) == (204, "10", "1.0.0")
    assert (again.status_code, again.headers["upload-offset"]) == (204, "10")
    (item,) = items(desk).values()
    assert read_blob(desk.services.files, str(item.sha256)) == b"0123456789"
    assert parts(desk) == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Offset": "0"}, 412),
        ({**BYTES, "Tus-Resumable": "0.2.2", "Upload-Offset": "0"}, 412),
        ({**TUS, "Content-Type": "text/plain", "Upload-Offset": "0"}, 415),
        (BYTES, 422),
        ({**BYTES, "Upload-Offset": "-1"}, 422),
        ({**BYTES, "Upload-Offset": "3"}, 409),
    ],
)
def test_a_request_outside_the_protocol_changes_nothing(desk: Desk, headers: dict[str, str], status: int) -> None:
    url = begin_upload(desk.client, open_intake(desk.client), b"a.bin", 10)

    answer = desk.client.patch(url, headers=headers, content=b"xxxxx")

    assert answer.status_code == status
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert ("tus-version" in answer.headers) == (status == 412)
    assert answer.headers["content-type"] == "application/problem+json"
    assert desk.client.head(url, headers=TUS).headers["upload-offset"] == "0"


@pytest.mark.parametrize(
    ("length", "told", "status"),
    [
        ("10", "", 422),
        ("10", "path !!!", 422),
        ("10", f"path {base64.b64encode(b'a').decode()}", 422),
        ("10", f"accession {base64.b64encode(b'x').decode()},path {base64.b64encode(b'a').decode()}", 422),
        ("10", metadata(UUID(int=7), b"a"), 404),
        ("", "of", 422),
        ("abc", "of", 422),
        (str(1 << 41), "of", 413),
        ("10", "twice", 422),
        ("10", "long", 413),
    ],
)
def test_a_bad_announcement_leaves_nothing_behind(desk: Desk, length: str, told: str, status: int) -> None:
    accession = open_intake(desk.client)
    known = {"of": metadata(accession, b"a"), "twice": metadata(accession, b"a") + ",path YQ==",
             "long": metadata(accession, b"a" * 5000)}  # fmt: skip

    answer = desk.client.post(
        "/uploads", headers={**TUS, "Upload-Length": length, "Upload-Metadata": known.get(told, told)}
    )

    assert answer.status_code == status
    with desk.services.database.read() as session:
        assert session.exec(select(UploadRow)).all() == []
    assert parts(desk) == []


def test_more_than_announced_is_refused(desk: Desk) -> None:
    url = begin_upload(desk.client, open_intake(desk.client), b"a.bin", 4)

    assert send(desk.client, url, b"0123456789") == 413

    assert desk.client.head(url, headers=TUS).headers["upload-offset"] == "0"
    assert items(desk) == {}


def test_an_empty_file_is_complete_when_it_is_announced(desk: Desk) -> None:
    accession = open_intake(desk.client)

    begin_upload(desk.client, accession, b"empty.txt", 0)

    assert [item.bytes_count for item in items(desk).values()] == [0]


def test_names_are_bytes_and_never_a_path_here(desk: Desk) -> None:
    accession = open_intake(desk.client)
    names = [
        b"two\nlines.jpg",
        b"../../../etc/passwd",
        b"/abs.jpg",
        b"\xd6\xd8\xc7\xec.jpg",
        b"<b>x</b>.jpg",
        b"nul\0.x",
    ]

    for number, name in enumerate(names):
        upload(desk.client, accession, name, b"content %d" % number)

    assert sorted(items(desk)) == sorted(names)
    home = desk.services.settings.home
    assert {path.name for path in home.parent.iterdir()} == {"home"}
    page = desk.client.get(f"/intake/{accession}").text
    assert "two\\x0alines.jpg" in page
    assert "\\xd6\\xd8\\xc7\\xec.jpg" in page
    assert "&lt;b&gt;x&lt;/b&gt;.jpg" in page
    assert "<b>x</b>" not in page


def test_the_same_path_with_other_bytes_is_another_item(desk: Desk) -> None:
    accession = open_intake(desk.client)

    upload(desk.client, accession, b"a.jpg", b"one")
    upload(desk.client, accession, b"a.jpg", b"two")
    upload(desk.client, accession, b"a.jpg", b"one")

    assert {(item.key, item.name) for item in items(desk).values()} == {(b"a.jpg", b"a.jpg"), (b"a.jpg [2]", b"a.jpg")}


def test_an_upload_can_be_given_up(desk: Desk) -> None:
    url = begin_upload(desk.client, open_intake(desk.client), b"a.bin", 10)
    send(desk.client, url, b"01234")

    assert desk.client.delete(url, headers=TUS).status_code == 204

    assert desk.client.head(url, headers=TUS).status_code == 404
    assert parts(desk) == []


def test_an_upload_belongs_to_one_person(desk: Desk) -> None:
    accession = open_intake(desk.client)
    url = begin_upload(desk.client, accession, b"a.bin", 10)
    with desk.services.database.write() as session:
        stranger = make_actor(session, roles={Role.ARCHIVIST})
    other = client_for(desk.services, stranger)
    nobody = client_for(desk.services)
    begin = {**TUS, "Upload-Length": "1", "Upload-Metadata": metadata(accession, b"a")}
    go_on = {**BYTES, "Upload-Offset": "0"}

    for client, status in ((other, 404), (nobody, 401)):
        assert client.post("/uploads", headers=begin).status_code == status
        assert client.head(url, headers=TUS).status_code == status
        assert client.patch(url, headers=go_on, content=b"x").status_code == status
        assert client.delete(url, headers=TUS).status_code == status
    assert desk.client.head(url, headers=TUS).headers["upload-offset"] == "0"


def test_two_writers_of_one_upload_do_not_mix(desk: Desk) -> None:
    url = begin_upload(desk.client, open_intake(desk.client), b"a.bin", 2_000_000)
    halves = (b"a" * 1_000_000, b"b" * 1_000_000)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda half=half: statuses.append(send(desk.client, url, half))) for half in halves
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses)[0] == 204
    assert sorted(statuses)[1] in (409, 423)
    assert desk.client.head(url, headers=TUS).headers["upload-offset"] == "1000000"
    (part,) = (desk.services.settings.home / "uploads").iterdir()
    assert part.read_bytes() in halves


def test_a_server_that_died_after_the_last_byte_writes_the_file_down_when_asked(desk: Desk) -> None:
    url = begin_upload(desk.client, open_intake(desk.client), b"a.bin", 5)
    folder = desk.services.settings.home / "uploads"
    folder.mkdir(exist_ok=True)
    (folder / f"{url.rsplit('/', 1)[1]}.part").write_bytes(b"01234")

    head = desk.client.head(url, headers=TUS)

    assert head.headers["upload-offset"] == "5"
    assert [item.bytes_count for item in items(desk).values()] == [5]


def _serve(home: Path, port: int) -> None:
    app = create_app(open_home(Settings(home=home)), with_worker=False)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


class Server:
    """A real server of a home in its own process."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        forked = multiprocessing.get_context("fork")
        self.process = forked.Process(target=_serve, args=(home, self.port), daemon=True)
        self.process.start()
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer


def test_a_server_killed_in_the_middle_goes_on_with_identical_bytes(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    accession = open_intake(desk.client)
    cookie = {"Cookie": f"{SESSION_COOKIE}={desk.client.cookies[SESSION_COOKIE]}"}
    content = random.Random(7).randbytes(12_000_000)
    server = Server(desk.services.settings.home)
    begin = {**TUS, **cookie, "Upload-Length": str(len(content)), "Upload-Metadata": metadata(accession, b"film.mp4")}
    url = server.ask("POST", "/uploads", begin).headers["Location"]
    line = socket.create_connection(("127.0.0.1", server.port))
    head = "".join(f"{key}: {value}\r\n" for key, value in {**BYTES, **cookie, "Upload-Offset": "0"}.items())
    line.sendall(f"PATCH {url} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(content)}\r\n{head}\r\n".encode())
    line.sendall(content[:7_000_000])
    part = desk.services.settings.home / "uploads" / f"{url.rsplit('/', 1)[1]}.part"
    until = time.monotonic() + 10
    while (not part.exists() or part.stat().st_size < 5_000_000) and time.monotonic() < until:
        time.sleep(0.02)

    server.kill()
    line.close()
    server = Server(desk.services.settings.home)
    try:
        stands = int(server.ask("HEAD", url, {**TUS, **cookie}).headers["Upload-Offset"])
        rest = server.ask("PATCH", url, {**BYTES, **cookie, "Upload-Offset": str(stands)}, content[stands:])
    finally:
        server.kill()

    assert 5_000_000 <= stands <= 7_000_000
    assert (rest.status, rest.headers["Upload-Offset"]) == (204, str(len(content)))
    (item,) = items(Desk(open_home(Settings(home=desk.services.settings.home)), desk.archivist, desk.client)).values()
    assert item.sha256 == hashlib.sha256(content).hexdigest()
    assert hashlib.sha256(read_blob(desk.services.files, str(item.sha256))).hexdigest() == item.sha256
    assert UUID(url.rsplit("/", 1)[1])
