"""One contract for all who sign: the key in custody, a keystore file, a token (PKCS#11)."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest

from ledger.key_errors import KeystoreRefused, TokenRefused
from ledger.keyfiles import ORDER, TokenSigner, make_keystore, read_keystore
from ledger.merkle import keccak
from ledger.recovery import recover_address
from ledger.signing import Keys, Signer, typed_digest
from tests.services.softhsm import Token, find_module, make_token

PASSPHRASE = "朝天门 0123456789"
NO_SOFTHSM = "SoftHSM2 (Debian package softhsm2) is not installed"
needs_token = pytest.mark.skipif(not find_module() and "CI" not in os.environ, reason=NO_SOFTHSM)


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Token:
    return make_token(tmp_path_factory.mktemp("softhsm"))


@pytest.fixture(scope="module")
def keystore(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("keystore") / "house.json"
    make_keystore(target, passphrase=PASSPHRASE, work=1 << 10)
    return target


@pytest.fixture(params=["custody", "keystore", pytest.param("token", marks=needs_token)])
def signer(request: pytest.FixtureRequest) -> Iterator[Signer]:
    with ExitStack() as stack:
        if request.param == "custody":
            yield Keys(b"\1" * 32).custody(UUID(int=1))
        elif request.param == "keystore":
            yield read_keystore(request.getfixturevalue("keystore"), passphrase=PASSPHRASE)
        else:
            token = request.getfixturevalue("token")
            label = f"house {os.urandom(4).hex()}"
            yield stack.enter_context(TokenSigner(token.module, token.label, pin=token.pin, key_label=label, make=True))


def test_every_signer_signs_low_and_is_recovered(signer: Signer) -> None:
    for number in range(16):
        digest = keccak(number.to_bytes(4, "big"))

        signature = signer.sign(digest)

        assert recover_address(digest, signature) == signer.address
        assert 0 < int.from_bytes(signature[32:64], "big") <= ORDER // 2
        assert (len(signature), signature[64] in (27, 28)) == (65, True)
        assert recover_address(keccak(b"another"), signature) != signer.address


def test_every_signer_signs_typed_data(signer: Signer) -> None:
    digest = typed_digest("OrgRegistry", b"\2" * 20, 1, "End(bytes32 opId,uint256 deadline)", ["bytes32", "uint256"],
                          [b"\3" * 32, 9])  # fmt: skip

    assert recover_address(bytes(digest), signer.sign(digest)) == signer.address


def test_a_keystore_opens_by_its_passphrase_only_and_is_never_overwritten(keystore: Path) -> None:
    with pytest.raises(KeystoreRefused):
        read_keystore(keystore, passphrase="朝天门 9876543210")
    with pytest.raises(FileExistsError):
        make_keystore(keystore, passphrase=PASSPHRASE)
    assert keystore.stat().st_mode & 0o077 == 0
    assert read_keystore(keystore, passphrase=PASSPHRASE).secret.hex() not in keystore.read_text()


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"crypto": 1}', '{"crypto": {"kdfparams": {}}, "version": 3}', '{"version": "x"}']
)
def test_what_is_no_keystore_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "key.json").write_text(text)

    with pytest.raises(KeystoreRefused):
        read_keystore(tmp_path / "key.json", passphrase=PASSPHRASE)


def test_a_keystore_that_asks_for_absurd_work_or_names_another_address_is_refused(
    tmp_path: Path, keystore: Path
) -> None:
    document = json.loads(keystore.read_text())
    costly = {
        **document,
        "crypto": {**document["crypto"], "kdfparams": {**document["crypto"]["kdfparams"], "n": 1 << 30}},
    }
    for changed in (costly, {**document, "address": "00" * 20}):
        (tmp_path / "key.json").write_text(json.dumps(changed))
        with pytest.raises(KeystoreRefused):
            read_keystore(tmp_path / "key.json", passphrase=PASSPHRASE)


@needs_token
def test_a_token_keeps_its_key_and_opens_by_its_pin_only(token: Token) -> None:
    with TokenSigner(token.module, token.label, pin=token.pin, key_label="desk", make=True) as made:
        address = made.address
    with TokenSigner(token.module, token.label, pin=token.pin, key_label="desk") as again:
        assert again.address == address
    for changed in ({"pin": "0000"}, {"key_label": "nobody"}, {"token_label": "none"}, {"module": "/nowhere.so"}):
        given = {"module": token.module, "token_label": token.label, "pin": token.pin, "key_label": "desk"} | changed
        with pytest.raises(TokenRefused):
            TokenSigner(given["module"], given["token_label"], pin=given["pin"], key_label=given["key_label"])
    with pytest.raises(TokenRefused):
        TokenSigner(token.module, token.label, pin=token.pin, key_label="desk", make=True)
