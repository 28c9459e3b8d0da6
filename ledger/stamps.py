"""Reads time stamps of RFC 3161 and checks them with nothing installed: imprint, signed attributes, RSA signature.

Source: RFC 3161 (tokens), RFC 5652 section 5.4 (what is signed), RFC 8017 section 8.2.2 (PKCS #1 v1.5).
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from ledger.der import INTEGER, OCTETS, SEQUENCE, Certificate, Node, bits_of, read_certificate_der, read_der, read_time

SHA256 = "608648016503040201"
TOKEN_KIND = "2a864886f70d0109100104"  # noqa: S105 - an object identifier
_SIGNED_DATA = "2a864886f70d010702"
_CONTENT_KIND, _CONTENT_DIGEST = "2a864886f70d010903", "2a864886f70d010904"
_RSA = {"2a864886f70d010101", "2a864886f70d01010b", "2a864886f70d01010c", "2a864886f70d01010d"}
_HASHES = {SHA256: "sha256", "608648016503040202": "sha384", "608648016503040203": "sha512"}
_PURPOSES, _STAMPING = "551d25", bytes.fromhex("06082b06010505070308")
_MIN_MODULUS_BITS = 2048


class StampRefused(ValueError):
    """The token is none, or its signature does not hold."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a token says: the digest that was stamped, when, and by which certificate (SHA-256 in hex).

    `is_signed` is None where the signature is of an algorithm that is not checked here.
    """

    imprint: bytes
    nonce: int | None
    time: datetime
    certificate_sha256: str
    is_signed: bool | None


def read_stamp(token: bytes) -> Stamp:
    """Return a token's stamp with its signature checked. Raises StampRefused."""
    try:
        return _read(token)
    except StampRefused:
        raise
    except (ValueError, LookupError, ArithmeticError, RecursionError) as error:
        raise StampRefused("no time stamp") from error


def _read(token: bytes) -> Stamp:
    kind, content = read_der(token).inside()
    if kind.body.hex() != _SIGNED_DATA:
        raise StampRefused("no signed data")
    _version, _digests, wrapped, *rest = content.inside()[0].inside()
    inner_kind, inner = wrapped.inside()
    if inner_kind.body.hex() != TOKEN_KIND:
        raise StampRefused("no time stamp inside")
    text = inner.inside()[0]
    certificates = [read_certificate_der(node.raw) for part in rest if part.tag == 0xA0 for node in part.inside()]
    signers = rest[-1].inside()
    if text.tag != OCTETS or len(signers) != 1:
        raise StampRefused("not one signer")
    certificate, is_signed = _check_signer(signers[0], text.body, certificates)
    imprint, nonce, time = _info(read_der(text.body))
    if not certificate.holds_at(time) or _STAMPING not in certificate.extensions.get(_PURPOSES, b""):
        raise StampRefused("its certificate is not for stamping at that time")
    return Stamp(imprint, nonce, time, hashlib.sha256(certificate.raw).hexdigest(), is_signed)


def _info(info: Node) -> tuple[bytes, int | None, datetime]:
    _version, _policy, imprint, _serial, time, *rest = info.inside()
    algorithm, digest = imprint.inside()
    if algorithm.inside()[0].body.hex() != SHA256:
        raise StampRefused("the stamped digest is no SHA-256")
    nonces = [int.from_bytes(node.body, "big") for node in rest if node.tag == INTEGER]
    return digest.body, nonces[0] if nonces else None, read_time(time)


def _check_signer(signer: Node, content: bytes, certificates: list[Certificate]) -> tuple[Certificate, bool | None]:
    """Return the signer's certificate, and whether its signature was checked. Raises StampRefused when it fails."""
    _version, identifier, digest, attributes, algorithm, signature, *_rest = signer.inside()
    found = [one for one in certificates if identifier.tag == SEQUENCE and _names(identifier, one)]
    hash_name = _HASHES.get(digest.inside()[0].body.hex())
    if len(found) != 1 or attributes.tag != 0xA0 or hash_name is None:
        raise StampRefused("its signer's certificate is not inside, or it is signed in an unknown way")
    values = {node.inside()[0].body.hex(): node.inside()[1].inside()[0].body for node in attributes.inside()}
    if values[_CONTENT_KIND].hex() != TOKEN_KIND:
        raise StampRefused("another content was signed")
    if values[_CONTENT_DIGEST] != hashlib.new(hash_name, content).digest():
        raise StampRefused("another content was signed")
    if algorithm.inside()[0].body.hex() not in _RSA:
        return found[0], None
    signed = b"\x31" + attributes.raw[1:]
    if not _is_rsa_signed(found[0].key, hash_name, signed, signature.body):
        raise StampRefused("its signature does not hold")
    return found[0], True


def _names(identifier: Node, certificate: Certificate) -> bool:
    issuer, serial = identifier.inside()
    return (issuer.raw, serial.body) == (certificate.issuer, certificate.serial)


def _is_rsa_signed(key: Node, hash_name: str, message: bytes, signature: bytes) -> bool:
    modulus, exponent = (
        int.from_bytes(node.body, "big") for node in read_der(bits_of(key.inside()[1])).inside()
    )  # fmt: skip
    size = (modulus.bit_length() + 7) // 8
    if modulus.bit_length() < _MIN_MODULUS_BITS or len(signature) != size:
        return False
    digest = hashlib.new(hash_name, message).digest()
    identifier = next(oid for oid, name in _HASHES.items() if name == hash_name)
    head = bytes.fromhex("06") + bytes([len(identifier) // 2]) + bytes.fromhex(identifier) + b"\x05\0"
    info = bytes([0x30, len(head)]) + head + bytes([0x04, len(digest)]) + digest
    body = bytes([0x30, len(info)]) + info
    expected = b"\0\1" + b"\xff" * (size - len(body) - 3) + b"\0" + body
    return pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(size, "big") == expected
