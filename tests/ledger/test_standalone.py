"""The verifier as one file: nothing installed, no network, the same verdict per check as the product's own."""

import dataclasses
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from asset_hub.core.errors import BadInput
from asset_hub.core.text import Text
from asset_hub.web.texts import chinese
from ledger.signing import Key
from ledger.standalone import native, pure
from ledger.standalone.cli import verifier
from ledger.standalone.packing import messages, pack_archive, write_verifier
from tests.drill import grown
from tests.ledger.attested import Attested
from tests.ledger.authorities import Sm2Authority
from tests.ledger.issued import FINGERPRINT, TODAY, Issued
from tests.ledger.page_program import PageProgram, opened
from tests.ledger.vectors import (
    SIMILAR,
    Question,
    Verdict,
    attested_questions,
    likeness_questions,
    mutations,
    questions,
    verdict_of,
)


class Program:
    """A packed verifier, run by a Python that sees nothing but its own standard library."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.parent / f"asked-{path.suffix[1:]}"
        self.folder.mkdir()

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", "-S", str(self.path), *map(str, arguments)], capture_output=True, text=True,
            cwd=self.folder, env={}, timeout=200, encoding="utf-8",
        )  # fmt: skip

    def options(self, question: Question) -> list[object]:
        options: list[object] = ["--on", question.today]
        for name, content in (("trust", question.trust), ("status", question.status)):
            if content is not None:
                given_ = self.folder / f"{name}.json"
                given_.write_bytes(content)
                options += [f"--{name}", given_]
        return [*options, "--file", question.media] if question.media else options

    def ask(self, question: Question) -> tuple[int, Verdict]:
        code, checks = self.checks(question)
        return code, {check["name"]: check["ok"] for check in checks}

    def ask_in_words(self, question: Question) -> tuple[int, dict[str, Any]]:
        """Return what it says of the file."""
        code, checks = self.checks(question)
        return code, next(check for check in checks if check["name"] == "file")

    def checks(self, question: Question) -> tuple[int, list[dict[str, Any]]]:
        certificate = self.folder / "certificate.json"
        certificate.write_bytes(question.certificate)
        ran = self.run(certificate, *self.options(question), "--json")
        assert ran.stderr == ""
        return ran.returncode, json.loads(ran.stdout)["checks"]


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return Issued(tmp_path_factory.mktemp("issued"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return Issued(tmp_path_factory.mktemp("other"), is_foreign=True)


@pytest.fixture(scope="module")
def attested(tmp_path_factory: pytest.TempPathFactory) -> Attested:
    return Attested(tmp_path_factory.mktemp("attested"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Sm2Authority:
    return Sm2Authority(tmp_path_factory.mktemp("sm2") / "root")


@pytest.fixture(scope="module")
def full(attested: Attested, root: Sm2Authority) -> Question:
    """A question about a certificate that carries all there is."""
    return attested_questions(attested, root)["full"][0]


@pytest.fixture(scope="module", params=["pyz", "py"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    path = tmp_path_factory.mktemp("program") / f"verifier.{request.param}"
    verifier(["write", str(path)], standalone_mode=False)
    return Program(path)


def test_the_programs_say_what_the_product_says(
    program: Program, issued: Issued, other: Issued, tmp_path: Path
) -> None:
    assert_agreement(program, questions(issued, other, tmp_path))


def test_the_programs_agree_on_what_third_parties_attest(
    program: Program, attested: Attested, root: Sm2Authority
) -> None:
    assert_agreement(program, attested_questions(attested, root))


def test_the_programs_say_of_another_file_whether_it_is_similar_and_never_that_it_holds(
    program: Program, issued: Issued, tmp_path: Path
) -> None:
    for name, (question, said) in likeness_questions(issued, tmp_path).items():
        [fails] = [check for check in question.answered().checks if check.ok is False]

        code, told = program.ask_in_words(question)

        assert (fails.name, fails.message, code) == ("file", said, 1), name
        assert (told["ok"], told["detail"]) == (False, fails.detail), name


def test_a_fingerprint_made_elsewhere_stands_for_a_file_that_the_bare_program_cannot_read(
    program: Program, issued: Issued
) -> None:
    path, media = program.folder / "one.json", program.folder / "picture.tif"
    path.write_bytes(issued.certificate)
    media.write_bytes(b"II*\0 no picture that a bare Python reads")

    near, bad = (
        program.run(path, "--file", media, "--on", TODAY, "--fingerprint", one)
        for one in ("0" + FINGERPRINT[1:], "ZZ")
    )  # fmt: skip

    assert (near.returncode, "相似，非同一：256 位中有 1 位不同" in near.stdout) == (1, True)
    assert (bad.returncode, bad.stdout) == (2, "")


def assert_agreement(program: Program, asked: Mapping[str, tuple[Question, set[str]]]) -> None:
    for name, (question, failing) in asked.items():
        report = question.answered()

        code, verdict = program.ask(question)

        assert verdict == verdict_of(report), name
        assert {check for check, ok in verdict.items() if ok is False} == failing, name
        assert code == (1 if failing else 0), name


def test_no_mutation_divides_or_crashes_them(program: Program, full: Question) -> None:
    asked = mutated(full.certificate)
    paths = [program.folder / f"mutation-{number:05d}.json" for number in range(len(asked))]
    for path, content in zip(paths, asked, strict=True):
        path.write_bytes(content)

    ran = program.run(*paths, *program.options(full), "--json")

    assert (ran.returncode, ran.stderr, len(asked)) == (1, "", grown(200, 3000))
    for content, told in zip(asked, json.loads(ran.stdout), strict=True):
        report = dataclasses.replace(full, certificate=content).answered()
        assert {check["name"]: check["ok"] for check in told["checks"]} == verdict_of(report), content
        assert not told["valid"], content


def mutated(certificate: bytes) -> list[bytes]:
    """Return as many mutations as this run is long; each differs from the certificate."""
    found: dict[bytes, None] = {}

    @settings(
        database=None, deadline=None, max_examples=grown(600, 9000), phases=[Phase.generate], derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(mutations(certificate))
    def collect(content: bytes) -> None:
        if content != certificate:
            found[content] = None

    collect()
    return list(found)[: grown(200, 3000)]


def test_one_certificate_takes_well_under_a_second(full: Question, tmp_path: Path) -> None:
    path = tmp_path / "verifier.pyz"
    write_verifier(path)
    program = Program(path)
    seconds = []
    for _ in range(3):
        before = os.times()
        program.ask(full)
        after = os.times()
        seconds.append(after.children_user + after.children_system - before.children_user - before.children_system)

    assert 0 < min(seconds) < 1, seconds


def test_it_speaks_chinese_first_and_english_when_asked(program: Program, issued: Issued) -> None:
    path = program.folder / "one.json"
    path.write_bytes(issued.certificate)

    zh, en = (program.run(path, "--on", "2031-12-01", "--language", language) for language in ("zh", "en"))

    assert (zh.returncode, en.returncode) == (1, 1)
    assert "✕ fails  period: expired: the last day was 2031-11-30" in en.stdout
    assert "不成立" in zh.stdout
    assert re.findall("fails|holds|licence|signed|pinned|Valid", zh.stdout) == []
    assert messages() - chinese().keys() == frozenset()


def test_a_missing_file_is_said_not_thrown(program: Program) -> None:
    ran = program.run(program.folder / "none.json")

    assert (ran.returncode, ran.stdout, "Traceback" in ran.stderr) == (2, "", False)


def test_the_archive_holds_the_product_s_own_rule_and_is_the_same_each_time(tmp_path: Path) -> None:
    path = tmp_path / "verifier.pyz"
    path.write_bytes(pack_archive())
    ledger = Path(native.__file__).parents[1]
    with zipfile.ZipFile(path) as archive:
        packed = {name: archive.read(name).decode() for name in archive.namelist() if name.startswith("ledger/")}

    assert path.read_bytes() == pack_archive()
    replaced = packed.pop("ledger/standalone/native.py")
    assert replaced == (ledger / "standalone" / "pure.py").read_text()
    assert packed == {name: (ledger.parent / name).read_text() for name in packed}
    assert "ledger/verifier.py" in packed


def test_another_ending_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        write_verifier(tmp_path / "verifier.exe")
    assert list(tmp_path.iterdir()) == []


@settings(deadline=None, max_examples=grown(100, 3000))
@given(st.binary(max_size=600))
def test_keccak_is_the_same_in_both(data: bytes) -> None:
    assert pure.keccak(data) == native.keccak(data)


def test_keccak_meets_its_published_vectors() -> None:
    assert pure.keccak(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert pure.keccak(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"


@settings(deadline=None, max_examples=grown(30, 1000))
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.integers(0, 63), st.integers(0, 1))
def test_recovery_is_the_same_in_both(secret: bytes, digest: bytes, at: int, parity: int) -> None:
    signed = Key((int.from_bytes(secret, "big") % (2**255) + 1).to_bytes(32, "big")).sign(digest)
    broken = bytes([*signed[:at], signed[at] ^ 1, *signed[at + 1 : 64]])
    asked = ((signed[:64], signed[64] - 27), (signed[:64], parity), (broken, parity), (bytes(64), parity))

    answers = [[_recovered(twin, digest, *one) for one in asked] for twin in (pure, native)]

    assert answers[0] == answers[1]
    assert answers[0][0] is not None


def _recovered(twin: object, digest: bytes, r_and_s: bytes, parity: int) -> bytes | None:
    try:
        return twin.recover_public(digest, r_and_s, parity)  # type: ignore[attr-defined,no-any-return]
    except ValueError:
        return None


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageProgram]:
    path = tmp_path_factory.mktemp("page") / "verifier.html"
    verifier(["write", str(path)], standalone_mode=False)
    with opened(path) as program:
        yield program


@pytest.mark.browser
def test_the_page_says_what_the_product_says_and_asks_no_network(
    page: PageProgram, issued: Issued, other: Issued, attested: Attested, root: Sm2Authority, tmp_path: Path
) -> None:
    zh = chinese()
    for name, (question, failing) in {
        **questions(issued, other, tmp_path), **attested_questions(attested, root),
    }.items():  # fmt: skip
        report = question.answered()

        rows = page.fill(question, tmp_path)

        assert [(one, ok) for one, ok, _ in rows] == [(zh[check.name], check.ok) for check in report.checks], name
        details = [Text(check.message, dict(check.params)).render(lambda m: zh[m]) for check in report.checks]
        assert [found for _, _, found in rows] == details, name
        assert {check.name for check in report.checks if check.ok is False} == failing, name
        verdict = page.page.locator("#result h2").first.inner_text()
        assert verdict == ("无效" if failing else "有效"), name
    assert {url.split(":")[0] for url in page.asked} == {"file"}
    assert page.errors == []


@pytest.mark.browser
def test_the_page_says_of_another_picture_whether_it_is_similar_and_never_that_it_holds(
    page: PageProgram, issued: Issued, tmp_path: Path
) -> None:
    zh = chinese()
    for name, (question, said) in likeness_questions(issued, tmp_path).items():
        rows = page.fill(question, tmp_path)

        [(link, found)] = [(one, found) for one, ok, found in rows if ok is False]
        words = re.escape(zh[said]).replace(r"\{distance\}", r"(?P<distance>\d+)")
        told = re.fullmatch(words.replace(r"\{bits\}", "256").replace(r"\{most\}", "31"), found)
        assert told is not None, (name, found)
        assert link == zh["file"]
        assert said != SIMILAR or int(told["distance"]) <= 31
        assert page.page.locator("#result h2").first.inner_text() == "无效"


@pytest.mark.browser
def test_the_page_agrees_on_every_mutation(page: PageProgram, full: Question) -> None:
    asked = mutated(full.certificate)

    verdicts = page.ask(asked, full)

    assert (len(verdicts), page.errors) == (grown(200, 3000), [])
    for content, verdict in zip(asked, verdicts, strict=True):
        assert verdict == verdict_of(dataclasses.replace(full, certificate=content).answered()), content


@pytest.mark.browser
def test_the_page_turns_english_and_shows_the_licence(page: PageProgram, issued: Issued, tmp_path: Path) -> None:
    page.fill(Question(issued.certificate, issued.media, issued.trust, issued.clear), tmp_path)
    assert "朝天门" not in page.page.locator("#result table").inner_text()

    page.page.click("#language")

    text = page.page.locator("body").inner_text()
    assert "Every link that was checked holds." in text
    assert re.findall("[一-鿿]", re.sub("中文|测试交易所", "", text)) == []
    assert page.page.locator("#result dl").inner_text().split("\n")[:2] == ["Licence number", str(issued.number)]


@pytest.mark.browser
def test_a_file_longer_than_a_slice_is_hashed_whole(page: PageProgram, issued: Issued, tmp_path: Path) -> None:
    content = bytes(range(256)) * 16_500
    long, cut = tmp_path / "long.jpg", tmp_path / "cut.jpg"
    long.write_bytes(content)
    cut.write_bytes(content[:-1])
    certificate = issued.issue(delivered_sha256=sha256(content).hexdigest(), delivered_bytes=len(content))
    question = Question(certificate, long, issued.trust, issued.clear)

    [whole] = page.ask([certificate], question)
    [shorter] = page.ask([certificate], dataclasses.replace(question, media=cut))

    assert (whole["file"], shorter["file"]) == (True, False)


def test_the_page_never_says_what_has_no_chinese() -> None:
    folder = Path(native.__file__).parents[2] / "asset_hub" / "web" / "frontend" / "src" / "verifier"
    said = {
        text
        for name in ("verify.ts", "papers.ts", "blocks.ts", "witnesses.ts", "zip.ts", "bundles.ts")
        for text in re.findall(
            r'(?:Refused\(|return \[(?:true|false|null), |text: )\s*"([^"]+)"', (folder / name).read_text()
        )
    }

    assert len(said) > 60
    assert said - messages() == set()
