"""The stand-alone page, opened from a file: it shows a capture that third parties attested, and one that nobody did."""

import json
from pathlib import Path

import pytest

from ledger.bundles import CAPTURE
from ledger.papers import spell
from ledger.standalone.packing import write_verifier
from tests.browser.sweep import axe_problems
from tests.ledger.authorities import Stamping
from tests.ledger.page_program import PageProgram, opened
from tests.marketplace.evident import TODAY, Evident
from tests.marketplace.test_evidence import members, sign_again

pytestmark = pytest.mark.browser
STAMP, SIGNED = "固定记录的时间戳", "固定记录的会签"


def show(program: PageProgram, bundle: Path, trust: Path) -> tuple[str, dict[str, tuple[str, str]]]:
    """Choose a bundle and a trust file in the page; return the verdict, and each link's mark and what was found."""
    page = program.page
    page.reload()
    page.set_input_files("#certificate", bundle)
    page.set_input_files("#trust", trust)
    page.fill("#day", str(TODAY))
    page.click("button[type=submit]")
    page.wait_for_selector("#result table")
    rows = page.locator("#result table tr:has(td)").all()
    cells = [[row.locator("th, td").nth(at).inner_text() for at in range(3)] for row in rows]
    verdict = page.locator("#result").inner_text().split("\n")[0]
    return verdict, {name: (mark[0], found) for name, mark, found in cells}


def test_the_page_shows_who_attested_a_capture_and_that_nobody_did(tmp_path: Path) -> None:
    sold = Evident(tmp_path / "evident")
    bare, attested, trust = (tmp_path / name for name in ("bare.zip", "attested.zip", "trust.json"))
    bare.write_bytes(sold.content)
    trust.write_bytes(sold.attest(Stamping(tmp_path / "authority")))
    attested.write_bytes(sold.export(sold.buyer))
    found = members(attested.read_bytes())
    proof = json.loads(found[CAPTURE])
    word = proof["attestation"]
    other = [
        sign_again(sold, found, capture=spell(proof | {"attestation": changed}))
        for changed in (word | {"anchor": word["anchor"][::-1]}, word | {"countersignatures": []})
    ]
    write_verifier(tmp_path / "verifier.html")

    with opened(tmp_path / "verifier.html") as program:
        told = [show(program, bundle, trust) for bundle in (bare, attested)]
        problems = axe_problems(program.page)
        answers = program.ask_bundles([attested.read_bytes(), *other], trust=trust.read_bytes(), today=TODAY)

    assert [verdict for verdict, _ in told] == ["有效", "有效"]
    assert {told[0][1][link] for link in (STAMP, SIGNED)} == {
        ("–", "无时间戳：未经第三方见证"), ("–", "无会签：未经第三方见证"),
    }  # fmt: skip
    mark, stamped = told[1][1][STAMP]
    assert (mark, "由 本地时间戳 加盖时间戳" in stamped) == ("✓", True)
    assert told[1][1][SIGNED] == ("✓", "会签者：重庆档案馆")
    for content, answer in zip((attested.read_bytes(), *other), answers, strict=True):
        checks = sold.verify(content, trust=trust.read_bytes()).checks
        assert answer == [(check.name, check.ok, check.message) for check in checks]
    assert [[ok for name, ok, _ in answer if name.startswith("capture ")] for answer in answers] == [
        [True, True, True], [True, False, False], [True, True, None],
    ]  # fmt: skip
    assert (problems, program.errors) == ([], [])
    assert {url.split(":")[0] for url in program.asked} == {"file"}
