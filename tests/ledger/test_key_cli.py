"""A house's own key by commands: made and used away from the home, asked for, signed and handed in."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from asset_hub.accounts import require_person
from asset_hub.accounts.models import PersonRow
from asset_hub.app import open_home
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.settings import Settings
from ledger.attest import state_day
from tests.commands import Ran, Shell, shell
from tests.ledger.houses import make_house
from tests.ledger.test_deed_cli import give_all
from tests.ledger.test_signers import needs_token, token
from tests.services.softhsm import Token

__all__ = ["shell", "token"]
PASSPHRASE = "朝天门 0123456789"


@pytest.fixture
def asset(tmp_path: Path) -> str:
    """A home with a house whose rights desk is called `desk`; return the id of its work."""
    opened = make_house(tmp_path)
    with opened.services.database.write() as session:
        session.get_one(PersonRow, require_person(opened.seller)).login = "desk"
    opened.services.database.dispose()
    return str(opened.asset_id)


def sign_all(shell: Shell, folder: Path, *key: object) -> list[Ran]:
    """Have the operator confirm what waits; then sign it where the key is, and hand it in."""
    give_all(shell)
    shell("key", "pending", "--write", folder, "--by", "desk")
    done = []
    for asked in sorted(folder.glob("to-sign-*.json")):
        signed = shell("key", "sign", asked, folder / "signed.json", *key, "--yes")
        assert signed.code == 0, signed.err
        done.append(shell("key", "submit", folder / "signed.json", "--by", "desk", "--json"))
        asked.unlink()
    return done


def keys_of(shell: Shell) -> dict[str, str]:
    facts = shell("key", "list", "山城档案馆", "--json").json
    return {one["custody"]: one["state"] for one in facts["keys"]}


def test_a_title_is_signed_by_a_file_that_the_exchange_never_sees(
    shell: Shell, asset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSET_HUB_KEY_PASSPHRASE", PASSPHRASE)
    made = shell("key", "make", "house.json")
    key = ("--keystore", "house.json")
    assert shell("key", "address", *key).out == made.out
    assert shell("key", "make", "house.json").code != 0
    assert shell("key", "add", made.out.strip(), "--by", "desk").code == 0
    assert shell("key", "add", made.out.strip(), "--by", "desk").code == 1
    assert [one.json["state"] for one in sign_all(shell, tmp_path / "a", *key)] == ["recorded"]
    assert [one.json["state"] for one in sign_all(shell, tmp_path / "b", *key)] == ["recorded"]
    assert keys_of(shell) == {"custody": "retired", "own": "live"}

    shell("deed", "title", asset, "--share", "all=山城档案馆:100", "--instrument", "合同", "--by", "desk")
    assert shell("deed", "show", asset, "--json").json["head"] is None
    (waiting,) = shell("key", "pending", "--by", "desk", "--json").json["pending"]
    assert (waiting["kind"], waiting["typed_data"]["primaryType"]) == ("title", "RecordTitle")
    status = shell("ledger", "status", "--json").json
    assert status["unsigned"] == {"count": 1, "oldest_hours": 0, "of_authority": 0, "houses": ["山城档案馆"]}
    assert status["keepers"] == {"own": 1, "custody": 0}
    assert [one.json["state"] for one in sign_all(shell, tmp_path / "c", *key)] == ["recorded"]
    assert shell("deed", "show", asset, "--json").json["head"]


def test_what_is_no_request_or_no_signature_of_ours_is_refused(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSET_HUB_KEY_PASSPHRASE", PASSPHRASE)
    shell("key", "make", "house.json")
    typed = {"domain": {"name": "Somebody's Coin"}, "message": {}, "types": {}, "primaryType": "Permit"}
    request = {"type": "asset_hub/to-sign/1", "id": "0" * 32, "typed_data": typed}
    for text in ("", "[]", '{"type": "asset_hub/to-sign/1"}', json.dumps(request)):
        (tmp_path / "x.json").write_text(text)
        assert shell("key", "sign", tmp_path / "x.json", "y.json", "--keystore", "house.json", "--yes").code == 1
        assert shell("key", "submit", tmp_path / "x.json").code == 1
    assert not Path("y.json").exists()


def test_a_day_is_countersigned_by_the_key_of_the_house(
    shell: Shell, asset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asset
    monkeypatch.setenv("ASSET_HUB_KEY_PASSPHRASE", PASSPHRASE)
    key = ("--keystore", "house.json")
    monkeypatch.setenv("ASSET_HUB_HOME", str(tmp_path / "home"))
    made = shell("key", "make", "house.json").out.strip()
    day = beijing_date(clock.now()) + timedelta(days=1)
    with open_home(Settings(home=tmp_path / "home")).database.read() as session:
        text = state_day(session, day=day, now=clock.now() + timedelta(days=3))
    Path("day.json").write_text(text, encoding="utf-8")

    assert shell("key", "countersign", "day.json", "c.json", *key).code == 0
    before = shell("attest", "add", "day.json", "c.json")
    shell("key", "add", made, "--purpose", "countersign", "--by", "desk")
    sign_all(shell, tmp_path / "a", *key)
    after = shell("attest", "add", "day.json", "c.json")

    assert (before.code, "no house has" in before.out) == (0, True)
    assert "山城档案馆" in after.out
    assert keys_of(shell) == {"custody": "live", "own": "live"}
    forged = json.loads(Path("c.json").read_text()) | {"address": "11" * 20}
    Path("c.json").write_text(json.dumps(forged))
    assert shell("attest", "add", "day.json", "c.json").code == 1


@needs_token
def test_a_token_signs_what_waits(
    shell: Shell, asset: str, tmp_path: Path, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSET_HUB_TOKEN_PIN", token.pin)
    key = ("--pkcs11", token.module, "--token", token.label, "--key", "rights desk")
    made = shell("key", "make", *key)
    assert shell("key", "add", made.out.strip(), "--until", "2099-12-31", "--by", "desk").code == 0
    assert [one.json["state"] for one in sign_all(shell, tmp_path / "a", *key)] == ["recorded"]
    assert [one.json["state"] for one in sign_all(shell, tmp_path / "b", *key)] == ["recorded"]
    assert keys_of(shell) == {"custody": "retired", "own": "live"}
    monkeypatch.setenv("ASSET_HUB_TOKEN_PIN", "0000")
    assert shell("key", "address", *key).code == 1
