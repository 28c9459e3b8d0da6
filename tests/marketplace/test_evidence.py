"""Evidence bundles: whole and checked anywhere; one changed byte, a missing member, a hostile zip are refused."""

import io
import json
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from asset_hub.accounts import ANONYMOUS, Role
from asset_hub.accounts.models import PersonRow
from ledger.attest import FOLDER
from ledger.bundles import CAPTURE, CERTIFICATE, MANIFEST, MEMBERS, verify_bundle
from ledger.certificates import status_list, trust_file
from ledger.likeness import MOST_SIMILAR, distance_of
from ledger.papers import signing_digest, spell
from ledger.pictured import fingerprint_file
from ledger.signing import Key, Office
from ledger.sm import sm3
from ledger.standalone.packing import pack_archive, write_verifier
from marketplace.errors import LicenceNotFound
from tests.builders import make_actor
from tests.commands import Shell, shell
from tests.ledger.authorities import Stamping
from tests.ledger.page_program import PageProgram, opened
from tests.ledger.rotated import rotate
from tests.marketplace.evident import TODAY, Evident, failed
from tests.marketplace.zips import flips, lying, unsigned
from tests.web.pages import client_for

__all__ = ["shell"]


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Evident:
    return Evident(tmp_path_factory.mktemp("evidence"))


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(found: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in found.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_a_bundle_is_whole_and_every_link_of_it_holds(sold: Evident) -> None:
    found = members(sold.content)
    report = sold.verify(sold.content, trust=sold.trust)

    assert set(found) == MEMBERS | {MANIFEST}
    assert failed(report) == []
    assert {check.name for check in report.checks if check.ok} >= {
        "bundle", "manifest", "members", "one issuer", "capture record", "signature", "issuer", "revocation",
    }  # fmt: skip
    assert sold.content == sold.export(sold.buyer)
    stated = json.loads(found["certificate.json"])["delivery"]["fingerprint"]["value"]
    assert distance_of(stated, fingerprint_file(sold.folder / "media" / "夔门.jpg")) <= MOST_SIMILAR
    unpinned = {check.name: check.ok for check in sold.verify(sold.content).checks}
    assert (unpinned["issuer"], unpinned["capture record"]) == (None, True)


def test_the_capture_record_says_who_by_what_and_what_was_refused(sold: Evident) -> None:
    proof = json.loads(members(sold.content)[CAPTURE])
    session, record = json.loads(proof["session"]), json.loads(proof["record"])

    assert (record["asset"], record["person"]) == (str(sold.asset.id), str(sold.seller.person_id))
    assert [one["status"] for one in record["refused_under_this_name"]] == ["rejected"]
    assert session["outcomes"]["accepted"] == session["outcomes"]["rejected"] == 1
    assert set(record["received"]) == {"device", "clock", "tools"}
    assert set(record["received"]["clock"]) == {"read_by", "source", "synchronised", "offset_us", "max_error_us"}
    assert "pyvips" in record["received"]["tools"]
    assert set(session["closed_on"]) == {"device", "clock"}


def test_the_four_points_are_the_rules_and_what_is_not_known_is_said(sold: Evident) -> None:
    points = json.loads(members(sold.content)["review.json"])["points"]

    assert [point["article"].split()[-1] for point in points] == ["17(1)", "17(2)", "17(3)", "17(4)"]
    assert points[0]["facts"]["网信部门区块链信息服务备案编号"] == "未提供"
    assert "未提供" in points[1]["facts"]["与当事人的利害关系"]


def test_no_path_of_this_machine_and_no_secret_is_in_a_bundle(sold: Evident) -> None:
    secret = sold.services.settings.secret()
    for name, content in members(sold.content).items():
        for word in (str(sold.folder).encode(), secret, secret.hex().encode()):
            assert word not in content, name


@pytest.mark.parametrize("name", sorted(MEMBERS | {MANIFEST}))
def test_one_changed_byte_in_any_member_is_refused_by_its_name(sold: Evident, name: str) -> None:
    found = members(sold.content)
    place = len(found[name]) // 2
    found[name] = found[name][:place] + bytes([found[name][place] ^ 1]) + found[name][place + 1 :]

    ((link, detail),) = failed(sold.verify(packed(found)))

    assert (link, f"“{name}”" in detail) == (("manifest", False) if name == MANIFEST else ("members", True))


def test_members_that_are_missing_added_or_there_twice_are_refused(sold: Evident) -> None:
    found = members(sold.content)
    lacking = {name: content for name, content in found.items() if name != CAPTURE}
    twice = io.BytesIO(sold.content)
    with zipfile.ZipFile(twice, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(CAPTURE, b"{}")

    answers = [
        failed(sold.verify(content)) for content in (packed(lacking), packed(found | {"x": b""}), twice.getvalue())
    ]

    assert [[link for link, _ in answer] for answer in answers] == [["bundle"]] * 3
    assert "capture.json" in answers[0][0][1]


def test_a_bundle_signed_by_another_is_refused(sold: Evident) -> None:
    found, other = members(sold.content), Key(b"\x07" * 32)
    manifest = json.loads(found[MANIFEST]) | {"issuer": other.address.hex()}
    manifest["signature"] = other.sign(signing_digest(manifest)).hex()

    assert [link for link, _ in failed(sold.verify(packed(found | {MANIFEST: spell(manifest)})))] == ["one issuer"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/b.json", "manifest.json/", "CERTIFICATE.JSON"])
def test_hostile_names_are_refused_and_nothing_is_written(sold: Evident, tmp_path: Path, name: str) -> None:
    before = sorted(sold.folder.iterdir())

    ((link, _),) = failed(sold.verify(packed(members(sold.content) | {name: b"x"})))

    assert link == "bundle"
    assert sorted(sold.folder.iterdir()) == sorted({*before, sold.folder / "bundle.zip"})


def test_a_bomb_a_link_and_what_is_no_zip_are_refused(sold: Evident) -> None:
    found = members(sold.content)
    bomb = packed(found | {CAPTURE: bytes(17 << 20)})
    linked = io.BytesIO()
    with zipfile.ZipFile(linked, "w") as archive:
        for name, content in found.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o120777 << 16 if name == CAPTURE else 0
            archive.writestr(info, content)

    for content in (bomb, linked.getvalue(), sold.content[:-30], b"PK\x03\x04 and nothing", b""):
        assert [link for link, _ in failed(sold.verify(content))] == ["bundle"]


def test_a_changed_byte_of_the_zip_itself_never_ends_in_a_crash(sold: Evident) -> None:
    rng = random.Random(7)
    for _ in range(150):
        place = rng.randrange(len(sold.content))
        changed = (
            sold.content[:place] + bytes([sold.content[place] ^ 1 << rng.randrange(8)]) + sold.content[place + 1 :]
        )
        assert sold.verify(changed).checks
    assert [link for link, _ in failed(sold.verify(b"x" + sold.content))] == ["bundle"]
    assert [link for link, _ in failed(sold.verify(sold.content + b"x"))] == ["bundle"]
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in members(sold.content).items():
            archive.writestr(name, content)
    assert [link for link, _ in failed(sold.verify(other.getvalue()))] == ["bundle"]


def test_a_byte_that_nobody_signed_is_refused_wherever_it_lies(sold: Evident) -> None:
    found = {name: failed(sold.verify(content)) for name, content in unsigned(sold.content).items()}

    assert found.pop("nothing more") == []
    assert {name: [link for link, _ in answer] for name, answer in found.items()} == {
        name: ["bundle"] for name in found
    }
    for reason in ("bytes before or after it", "bytes that belong to no member", "a member is damaged"):
        assert any(reason in detail for ((_, detail),) in found.values()), reason


def sign_again(sold: Evident, found: dict[str, bytes], **changes: bytes) -> bytes:
    """Return a bundle that the operator itself would have falsified."""
    found = found | {f"{name}.json": content for name, content in changes.items()}
    manifest = json.loads(found[MANIFEST])
    for member in manifest["members"]:
        content = found[member["name"]]
        member |= {"bytes": len(content), "sha256": sha256(content).hexdigest(), "sm3": sm3(content).hex()}
    manifest["signature"] = sold.services.keys.first.operator.sign(signing_digest(manifest)).hex()
    return packed(found | {MANIFEST: spell(manifest)})


def test_a_record_of_another_work_and_made_up_transactions_are_refused(sold: Evident) -> None:
    found = members(sold.content)
    proof = json.loads(found[CAPTURE])
    other = proof | {"record": proof["record"].replace(sold.asset.number, "CQ-1999-000001")}
    listed = json.loads(found["transactions.json"])["transactions"]
    wrong = [one | {"raw": one["raw"][:-2] + "00"} for one in listed]

    def answer(**changes: bytes) -> list[str]:
        return [link for link, _ in failed(sold.verify(sign_again(sold, found, **changes)))]

    assert answer() == []
    assert answer(capture=spell(other)) == ["capture record"]
    assert answer(transactions=json.dumps({"transactions": wrong}).encode()) == ["transactions"]
    assert answer(transactions=b'{"transactions": []}') == ["transactions"]


def test_a_day_that_third_parties_attest_covers_the_capture_record_s_block(sold: Evident, tmp_path: Path) -> None:
    before = {
        check.name: check.detail for check in sold.verify(sold.content, trust=sold.trust).checks if check.ok is None
    }
    trust = sold.attest(Stamping(tmp_path / "authority"))
    try:
        found = members(sold.export(sold.buyer))
    finally:
        shutil.rmtree(sold.services.settings.home / FOLDER)
    proof = json.loads(found[CAPTURE])
    word = proof["attestation"]

    def answer(**changes: object) -> dict[str, bool | None]:
        changed = spell(proof | {"attestation": word | changes})
        report = sold.verify(sign_again(sold, found, capture=changed), trust=trust)
        return {check.name: check.ok for check in report.checks if check.name.startswith("capture ")}

    assert before["capture time stamp"] == "no time stamp: not attested by a third party"
    stamp, signed = "capture time stamp", "capture countersignatures"
    assert answer() == {"capture record": True, stamp: True, signed: True}
    assert answer(anchor=word["anchor"][::-1]) == {"capture record": True, stamp: False, signed: False}
    assert answer(stamp=word["stamp"][:-2] + "00") == {"capture record": True, stamp: False, signed: True}
    assert answer(stamp=word["stamp"].upper()) == {"capture record": False, stamp: False, signed: False}
    assert answer(countersignatures=[], stamp="") == {"capture record": True, stamp: None, signed: None}


def test_a_capture_proof_of_the_earlier_type_holds(sold: Evident) -> None:
    found = members(sold.content)
    proof = json.loads(found[CAPTURE])
    before = {name: one for name, one in proof.items() if name != "attestation"} | {"type": "asset_hub/capture-proof/1"}

    answers = [
        [link for link, _ in failed(sold.verify(sign_again(sold, found, capture=spell(one))))]
        for one in (before, before | {"attestation": None}, before | {"type": proof["type"]})
    ]

    assert answers[0] == []
    assert all("capture record" in answer for answer in answers[1:])


def test_a_bundle_of_a_licence_from_before_a_change_of_keys_has_one_issuer(tmp_path: Path) -> None:
    sold = Evident(tmp_path)
    ready = rotate(sold.services, Office.OPERATOR, now=sold.now + timedelta(minutes=1))
    content = sold.export(sold.buyer, now=ready + timedelta(hours=1))
    with sold.services.database.read() as session:
        trust = trust_file(session, sold.services.keys, issuer_name="asset_hub")

    reports = [sold.verify(one, trust=given) for one in (content, sold.content) for given in (None, trust)]

    assert [failed(report) for report in reports] == [[], [], [], []]
    before, after = (json.loads(members(one)[CERTIFICATE]) for one in (sold.content, content))
    assert before["issuer"]["address"] != after["issuer"]["address"] == json.loads(members(content)[MANIFEST])["issuer"]
    assert [before[name] for name in ("licence", "grant", "anchor")] == [
        after[name] for name in ("licence", "grant", "anchor")
    ]
    assert after["sm2"] is not None


def test_a_newer_status_list_takes_the_place_of_the_bundles_own(sold: Evident) -> None:
    path = sold.folder / "bundle.zip"
    path.write_bytes(sold.content)
    newer = status_list(sold.services.keys.first, revoked=[sold.licence.number], now=sold.now)

    report = verify_bundle(path, trust=sold.trust, media=None, today=TODAY, status=newer)

    assert [link for link, _ in failed(report)] == ["revocation"]


def test_a_bare_python_checks_a_bundle_with_the_program_inside_it(sold: Evident, tmp_path: Path) -> None:
    found = members(sold.content)
    program, bundle, trust = tmp_path / "verifier.pyz", tmp_path / "evidence.zip", tmp_path / "trust.json"
    program.write_bytes(found["verifier.pyz"])
    bundle.write_bytes(sold.content)
    trust.write_bytes(sold.trust)
    command = [sys.executable, "-I", "-S", *map(str, (program, bundle, "--trust", trust)), "--on", "2026-12-02"]

    held = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    bundle.write_bytes(packed(found | {"README.txt": b"other"}))
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert found["verifier.pyz"] == pack_archive()
    assert (held.returncode, refused.returncode) == (0, 1), held.stdout + held.stderr
    assert ("固定记录" in held.stdout, "README.txt" in refused.stdout) == (True, True)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageProgram]:
    path = tmp_path_factory.mktemp("page") / "verifier.html"
    write_verifier(path)
    with opened(path) as program:
        yield program


def hostile(sold: Evident) -> dict[str, bytes]:
    """Return bundles of which each is broken in one way."""
    found = members(sold.content)
    changed = {
        name: found | {name: content[:9] + bytes([content[9] ^ 1]) + content[10:]} for name, content in found.items()
    }
    linked, twice, other = io.BytesIO(), io.BytesIO(sold.content), io.BytesIO()
    with zipfile.ZipFile(linked, "w") as archive:
        for name, content in found.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o120777 << 16 if name == CAPTURE else 0
            archive.writestr(info, content)
    with zipfile.ZipFile(twice, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(CAPTURE, b"{}")
    with zipfile.ZipFile(other, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in found.items():
            archive.writestr(name, content)
    marked = {"\ufeff" * (name == CAPTURE) + name: content for name, content in found.items()}
    proof, listed = json.loads(found[CAPTURE]), json.loads(found["transactions.json"])["transactions"]
    stranger = {"issuer": Key(b"\x07" * 32).address.hex()}
    return {
        **{name: packed(one) for name, one in changed.items()},
        "link": linked.getvalue(), "twice": twice.getvalue(), "another packing": other.getvalue(),
        "missing": packed({name: content for name, content in found.items() if name != CAPTURE}),
        "added": packed(found | {"../../etc/passwd": b"x"}), "bomb": packed(found | {CAPTURE: bytes(17 << 20)}),
        "lies of its length": lying(sold.content), "lies twice of its length": lying(lying(sold.content), place=22),
        **unsigned(sold.content), "a mark before a name": packed(marked),
        "before": b"x" + sold.content, "after": sold.content + b"x",
        "cut": sold.content[:-30], "no zip": b"PK\x03\x04 and nothing",
        "another signer": packed(found | {MANIFEST: spell(json.loads(found[MANIFEST]) | stranger)}),
        "another spelling": packed(found | {MANIFEST: found[MANIFEST] + b" "}),
        "another work": sign_again(
            sold, found, capture=spell(proof | {"record": proof["record"].replace(sold.asset.number, "CQ-1")})
        ),
        "another salt": sign_again(sold, found, capture=spell(proof | {"salts": proof["salts"][::-1]})),
        "no capture": sign_again(sold, found, capture=spell(proof | {"anchor": None})),
        "no transactions": sign_again(sold, found, transactions=b'{"transactions": []}'),
        "other transactions": sign_again(
            sold, found, transactions=json.dumps({"transactions": [one | {"raw": "00"} for one in listed]}).encode()
        ),
    }  # fmt: skip


@pytest.mark.browser
def test_the_page_says_of_every_bundle_what_the_product_says(sold: Evident, page: PageProgram) -> None:
    asked = {"whole": sold.content, **hostile(sold)}

    told = page.ask_bundles(list(asked.values()), trust=sold.trust, today=TODAY)
    [unpinned] = page.ask_bundles([sold.content], trust=None, today=TODAY)

    for (name, content), found in zip(asked.items(), told, strict=True):
        report = sold.verify(content, trust=sold.trust)
        assert found == [(check.name, check.ok, check.message) for check in report.checks], name
        assert report.is_valid == (name in ("whole", "nothing more", "no capture")), name
    assert [(check.name, check.ok) for check in sold.verify(sold.content).checks] == [one[:2] for one in unpinned]
    flipped = flips(sold.content, count=40)
    for content, found in zip(flipped, page.ask_bundles(flipped, trust=sold.trust, today=TODAY), strict=True):
        checks = sold.verify(content, trust=sold.trust).checks
        assert found == [(check.name, check.ok, check.message) for check in checks], content[-900:].hex()
    assert page.errors == []


@pytest.mark.browser
def test_a_person_chooses_a_bundle_in_the_page_and_reads_the_verdict(sold: Evident, page: PageProgram) -> None:
    whole, changed = sold.folder / "whole.zip", sold.folder / "changed.zip"
    whole.write_bytes(sold.content)
    changed.write_bytes(packed(members(sold.content) | {"README.txt": b"other"}))
    read = []
    for path in (whole, changed):
        page.page.reload()
        page.page.set_input_files("#certificate", path)
        page.page.fill("#day", str(TODAY))
        page.page.click("button[type=submit]")
        page.page.wait_for_selector("#result table")
        read.append(page.page.locator("#result").inner_text())

    assert [text.split("\n")[0] for text in read] == ["有效", "无效"]
    assert ("固定记录" in read[0], "许可证号" in read[0] or "夔门" in read[0]) == (True, True)
    assert "README.txt" in read[1]
    assert {url.split(":")[0] for url in page.asked} == {"file"}


def test_the_commands_export_verify_and_record(
    sold: Evident, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSET_HUB_HOME", str(sold.services.settings.home))
    seller, trust, bundle = login_of(sold), tmp_path / "trust.json", tmp_path / "bundle.zip"
    trust.write_bytes(sold.trust)

    named = shell("evidence", "export", "1", "--to", bundle, "--by", seller)
    by_id = shell("evidence", "export", sold.licence.id, "--by", seller)
    none = shell("evidence", "export", "77", "--by", seller)
    record = shell("evidence", "record", sold.asset.number, "--by", seller)
    held = shell("evidence", "verify", bundle, "--trust", trust, "--json")
    told = shell("evidence", "verify", bundle)
    certificate = tmp_path / "certificate.json"
    certificate.write_bytes(members(sold.content)["certificate.json"])
    alone = shell("certificate", "verify", certificate)
    bundle.write_bytes(packed(members(sold.content) | {"README.txt": b"other"}))
    changed = shell("evidence", "verify", bundle)

    assert [ran.code for ran in (named, by_id, none, record, held, told, alone, changed)] == [0, 0, 1, 0, 0, 0, 0, 1]
    assert (named.out.strip(), by_id.out.strip()) == (str(bundle), "evidence-000001.zip")
    assert failed(sold.verify(Path("evidence-000001.zip").read_bytes(), trust=sold.trust)) == []
    assert record.json["record"]["asset"] == str(sold.asset.id)
    assert (held.json["valid"], len(held.json["checks"])) == (True, len(sold.verify(sold.content).checks))
    last = "what was checked holds; not checked: "
    assert [ran.out.splitlines()[-1].startswith(last) for ran in (told, alone)] == [True, True]
    assert changed.out.splitlines()[-2:] == [
        f"FAIL  {'members':<18} “README.txt” was changed: its SHA-256 differs",
        "NOT valid",
    ]


def login_of(sold: Evident) -> str:
    with sold.services.database.read() as session:
        return session.get_one(PersonRow, sold.seller.person_id).login


def test_parties_and_overseers_get_it_and_nobody_else(sold: Evident) -> None:
    with sold.services.database.write() as session:
        operator, stranger = (make_actor(session, roles={role}) for role in (Role.OPERATOR, Role.PRODUCER))
    path = f"/licences/{sold.licence.id}/evidence.zip"
    allowed = [client_for(sold.services, by).get(path) for by in (sold.buyer, sold.seller, operator)]

    assert [answer.status_code for answer in allowed] == [200] * 3
    assert failed(sold.verify(allowed[0].content)) == []
    assert client_for(sold.services, stranger).get(path).status_code == 404
    assert client_for(sold.services).get(f"/api/v1{path.removesuffix('.zip')}").status_code == 401
    for by in (stranger, ANONYMOUS):
        with pytest.raises(LicenceNotFound):
            sold.export(by)


def test_the_houses_of_a_work_and_overseers_read_its_capture_record_and_nobody_else(sold: Evident) -> None:
    with sold.services.database.write() as session:
        operator, stranger = (make_actor(session, roles={role}) for role in (Role.OPERATOR, Role.PRODUCER))
    path = f"/assets/{sold.asset.number}/capture"
    kept = json.loads(members(sold.content)[CAPTURE])

    answers = [client_for(sold.services, by).get(f"/api/v1{path}").json() for by in (sold.seller, operator)]
    page = client_for(sold.services, sold.seller).get(path).text
    trails = [client_for(sold.services, by).get(f"/assets/{sold.asset.number}/ledger").text for by in
              (sold.seller, sold.buyer)]  # fmt: skip

    assert answers == [{"session": json.loads(kept["session"]), "record": json.loads(kept["record"])}] * 2
    assert all(word in page for word in (sold.asset.title("zh"), "pyvips", "Refused under this name", "夔门.jpg"))
    assert "Macro" not in page
    assert [path in one for one in trails] == [True, False]
    assert [client_for(sold.services, by).get(f"/api/v1{path}").status_code for by in (stranger, sold.buyer)] == [
        403
    ] * 2
    assert client_for(sold.services).get(f"/api/v1{path}").status_code == 401
