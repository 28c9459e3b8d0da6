"""SM3 and SM2 meet their published vectors, agree with OpenSSL, and a certificate carries them with chain or 自签."""

import hashlib
import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SM3, Hash
from hypothesis import given, settings
from hypothesis import strategies as st

from asset_hub.core.sealed import KeyFileRefused, NoPassphrase, read_passphrase, read_sealed, write_sealed
from ledger.certificates import Pinned, Sm2Signer, trust_file
from ledger.der import SEQUENCE, read_der, write_der, write_whole
from ledger.papers import sm2_message, spell
from ledger.sm import PureSm3, is_signed, new_secret, public_of, sign, sm3
from ledger.sm_keys import CHAIN_NAME, ChainRefused, make_sm2_key, read_pem, read_sm2_signer
from ledger.verifier import signing_digest, verify_certificate
from tests.drill import grown
from tests.ledger.authorities import Sm2Authority, openssl
from tests.ledger.issued import TODAY, Issued

PASSPHRASE = "three words and more"
STANDARD_SECRET = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
STANDARD_NONCE = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Sm2Authority:
    return Sm2Authority(tmp_path_factory.mktemp("sm2") / "authority")


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return Issued(tmp_path_factory.mktemp("issued"))


def test_sm3_meets_the_vectors_of_its_standard() -> None:
    for message, digest in (
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ):
        made = PureSm3()
        made.update(message)
        assert made.digest().hex() == sm3(message).hex() == digest


@settings(deadline=None, max_examples=grown(60, 2000))
@given(st.lists(st.binary(max_size=150), max_size=4))
def test_sm3_is_the_same_in_pieces_and_in_openssl(pieces: list[bytes]) -> None:
    made, other = PureSm3(), Hash(SM3())
    for piece in pieces:
        made.update(piece)
        other.update(piece)
    assert made.digest() == other.finalize()


def test_sm2_meets_the_vector_of_its_standard() -> None:
    public = public_of(STANDARD_SECRET)
    signature = sign(STANDARD_SECRET, b"message digest", nonce=STANDARD_NONCE)

    assert public.hex().startswith("0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce2")
    assert signature.hex() == (
        "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
        "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
    )
    assert is_signed(public, signature, b"message digest")


@settings(deadline=None, max_examples=grown(10, 300))
@given(st.binary(max_size=40), st.integers(0, 63), st.integers(1, 255))
def test_a_changed_signature_message_or_key_is_refused(message: bytes, at: int, mask: int) -> None:
    secret = new_secret()
    public, signature = public_of(secret), sign(secret, message)
    changed = bytes([*signature[:at], signature[at] ^ mask, *signature[at + 1 :]])

    assert is_signed(public, signature, message)
    assert not is_signed(public, changed, message)
    assert not is_signed(public, signature, message + b"\0")
    assert not is_signed(public_of(new_secret()), signature, message)


@pytest.mark.parametrize("key", [b"", bytes(65), b"\x04" + bytes(64), b"\x04" + b"\xff" * 64])
def test_what_is_no_key_signs_nothing(key: bytes) -> None:
    assert not is_signed(key, sign(STANDARD_SECRET, b"x"), b"x")


def test_openssl_accepts_our_signature_and_we_its(authority: Sm2Authority, tmp_path: Path) -> None:
    message = "重庆".encode() * 20
    (tmp_path / "message").write_bytes(message)
    name = ("-pkeyopt", "digest:sm3", "-pkeyopt", "distid:1234567812345678", "-rawin", "-in", "message")
    key = authority.folder / "leaf.key"
    openssl(tmp_path, "pkeyutl", "-sign", "-inkey", key, *name, "-out", "theirs")
    numbers = _numbers((tmp_path / "theirs").read_bytes())
    (tmp_path / "ours").write_bytes(_der(sign(authority.secret, message)))

    verified = openssl(tmp_path, "pkeyutl", "-verify", "-inkey", key, *name, "-sigfile", "ours")

    assert "Success" in verified
    assert is_signed(public_of(authority.secret), numbers, message)


def _numbers(der: bytes) -> bytes:
    return b"".join(int.from_bytes(node.body, "big").to_bytes(32, "big") for node in read_der(der).inside())


def _der(signature: bytes) -> bytes:
    return write_der(SEQUENCE, *(write_whole(int.from_bytes(signature[at : at + 32], "big")) for at in (0, 32)))


def outcome(issued: Issued, certificate: bytes, name: str, *, trust: bytes | None = None) -> tuple[bool | None, str]:
    report = verify_certificate(
        certificate, media=issued.media, trust=trust or issued.trust, status=issued.clear, today=TODAY
    )
    return next((check.ok, check.detail) for check in report.checks if check.name == name)


def test_a_certificate_states_the_sm3_of_its_file(issued: Issued, tmp_path: Path) -> None:
    digest = hashlib.new("sm3", issued.media.read_bytes()).hexdigest()
    true, false = issued.issue(delivered_sm3=digest), issued.issue(delivered_sm3="ab" * 32)

    assert outcome(issued, true, "SM3") == (True, "its SM3 agrees")
    assert outcome(issued, false, "SM3") == (False, "the file is not the delivered one: its SM3 differs")
    assert outcome(issued, false, "file")[0]


def test_without_certificates_the_sm2_key_says_that_it_is_self_signed(issued: Issued) -> None:
    certificate = issued.issue(sm2=Sm2Signer(new_secret()))

    assert json.loads(certificate)["sm2"]["standing"] == "自签"
    assert outcome(issued, certificate, "SM2 signature") == (
        True, "signed with SM2 by a key of its own, without certificate",
    )  # fmt: skip


def test_a_certified_sm2_key_is_as_good_as_its_pinned_root(issued: Issued, authority: Sm2Authority) -> None:
    certificate = issued.issue(sm2=Sm2Signer(authority.secret, authority.chain))
    with issued.session() as session:
        pinned = trust_file(
            session, issued.keys, issuer_name="测试交易所", authorities=[Pinned("国密根", authority.root_sha256)]
        )

    assert outcome(issued, certificate, "SM2 signature", trust=pinned) == (True, "signed with SM2, certified by 国密根")
    assert outcome(issued, certificate, "SM2 signature") == (
        None, "signed with SM2; its certificates end at a root that no trust file names",
    )  # fmt: skip


def test_a_chain_that_does_not_lead_to_its_root_is_refused(
    issued: Issued, authority: Sm2Authority, tmp_path: Path
) -> None:
    other = Sm2Authority(tmp_path / "other")
    leaf, root = authority.chain
    forged = bytearray(leaf)
    forged[-1] ^= 1
    for chain in ((root,), (leaf,), (leaf, other.chain[1]), (root, leaf), (bytes(forged), root), (b"\x30\x00", root)):
        certificate = issued.issue(sm2=Sm2Signer(authority.secret, chain))
        assert outcome(issued, certificate, "SM2 signature") == (False, "the SM2 certificates do not hold"), chain


def test_a_key_without_the_right_to_certify_certifies_nothing(
    issued: Issued, authority: Sm2Authority, tmp_path: Path
) -> None:
    folder = authority.folder
    openssl(folder, "ecparam", "-name", "SM2", "-genkey", "-noout", "-out", "below.key")
    name = ("-sigopt", "distid:1234567812345678")
    openssl(
        folder, "req", "-new", "-key", "below.key", "-sm3", *name, "-subj", "/CN=below", "-config", "sm2.cnf",
        "-out", "below.csr",
    )  # fmt: skip
    openssl(
        folder, "x509", "-req", "-in", "below.csr", "-CA", "leaf.pem", "-CAkey", "leaf.key", "-CAcreateserial", "-sm3",
        *name, "-vfyopt", "distid:1234567812345678", "-days", 30, "-out", "below.pem",
    )  # fmt: skip
    chain = (*read_pem((folder / "below.pem").read_text()), *authority.chain)
    openssl(folder, "ec", "-in", "below.key", "-outform", "DER", "-out", "below.der")
    secret = int.from_bytes(read_der((folder / "below.der").read_bytes()).inside()[1].body, "big")

    certificate = issued.issue(sm2=Sm2Signer(secret, chain))

    assert outcome(issued, certificate, "SM2 signature") == (False, "the SM2 certificates do not hold")


def test_the_issuer_alone_cannot_change_what_sm2_signed(issued: Issued) -> None:
    document = json.loads(issued.issue(sm2=Sm2Signer(new_secret())))
    document["delivery"]["name"] = "other.jpg"
    document["signature"] = issued.keys.first.operator.sign(signing_digest(document)).hex()

    assert outcome(issued, spell(document), "signature")[0]
    assert outcome(issued, spell(document), "SM2 signature")[0] is False
    assert b'"sm2":{' in sm2_message(document)


def test_a_sealed_key_opens_only_with_its_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    secret = b"\x07" * 32
    write_sealed(path, secret, kind="sm2", passphrase=PASSPHRASE)

    assert read_sealed(path, kind="sm2", passphrase=PASSPHRASE) == secret
    assert secret.hex() not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for kind, passphrase in (("sm2", PASSPHRASE + "!"), ("other", PASSPHRASE)):
        with pytest.raises(KeyFileRefused):
            read_sealed(path, kind=kind, passphrase=passphrase)
    with pytest.raises(FileExistsError):
        write_sealed(path, secret, kind="sm2", passphrase=PASSPHRASE)
    assert read_sealed(path, kind="sm2", passphrase=PASSPHRASE) == secret


def test_a_changed_key_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    write_sealed(path, b"\x07" * 32, kind="sm2", passphrase=PASSPHRASE)
    document = json.loads(path.read_text())
    for member in ("salt", "nonce", "sealed"):
        changed = {**document, member: ("00" if document[member][:2] != "00" else "11") + document[member][2:]}
        path.write_text(json.dumps(changed))
        with pytest.raises(KeyFileRefused):
            read_sealed(path, kind="sm2", passphrase=PASSPHRASE)


def test_the_passphrase_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    kept = tmp_path / "passphrase"
    kept.write_text(PASSPHRASE + "\n")

    assert read_passphrase({"ASSET_HUB_KEY_PASSPHRASE": PASSPHRASE}) == PASSPHRASE
    assert read_passphrase({"ASSET_HUB_KEY_PASSPHRASE_FILE": str(kept)}) == PASSPHRASE
    for environ in ({}, {"ASSET_HUB_KEY_PASSPHRASE": "short"}):
        with pytest.raises(NoPassphrase):
            read_passphrase(environ)


def test_the_home_s_sm2_key_is_read_with_its_own_chain_only(tmp_path: Path, authority: Sm2Authority) -> None:
    assert read_sm2_signer(tmp_path, passphrase=PASSPHRASE) is None
    public = make_sm2_key(tmp_path, passphrase=PASSPHRASE)
    signer = read_sm2_signer(tmp_path, passphrase=PASSPHRASE)
    assert signer is not None
    assert (public_of(signer.secret), signer.certificates) == (public, ())
    (tmp_path / CHAIN_NAME).write_text((authority.folder / "leaf.pem").read_text())
    with pytest.raises(ChainRefused):
        read_sm2_signer(tmp_path, passphrase=PASSPHRASE)
