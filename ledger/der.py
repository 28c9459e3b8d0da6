"""Reads the DER that time stamps and certificates are written in, and writes the little that a request needs. Pure.

Source: ITU-T X.690 (DER), RFC 5280 (certificates).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

INTEGER, BITS, OCTETS, NULL, OID, SEQUENCE, SET = 0x02, 0x03, 0x04, 0x05, 0x06, 0x30, 0x31
UTC_TIME, GENERAL_TIME = 0x17, 0x18
_BASIC_CONSTRAINTS = "551d13"
_MAX_NODES = 4000


@dataclass(frozen=True, slots=True)
class Node:
    """One value: its tag, what is inside, and the whole as it was written."""

    tag: int
    body: bytes
    raw: bytes

    def inside(self) -> list["Node"]:
        """Return the values within. Raises ValueError where they are no DER."""
        return list(_nodes(self.body))


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is needed of an X.509 certificate; `extensions` by the hex of their identifier."""

    raw: bytes
    signed: bytes
    serial: bytes
    issuer: bytes
    subject: bytes
    begins: datetime
    ends: datetime
    key: Node
    algorithm: str
    signature: bytes
    extensions: dict[str, bytes]

    @property
    def is_authority(self) -> bool:
        content = self.extensions.get(_BASIC_CONSTRAINTS)
        return content is not None and [node.body for node in read_der(content).inside()][:1] == [b"\xff"]

    def holds_at(self, moment: datetime) -> bool:
        return self.begins <= moment <= self.ends


def read_der(content: bytes) -> Node:
    """Return the one value that fills the content. Raises ValueError."""
    nodes = list(_nodes(content))
    if len(nodes) != 1:
        raise ValueError("not one DER value")
    return nodes[0]


def write_der(tag: int, *parts: bytes) -> bytes:
    """Return a value of a tag around its parts."""
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    count = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(count)]) + count + body


def write_whole(value: int) -> bytes:
    """Return a whole number ≥ 0 as DER."""
    return write_der(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def read_certificate_der(content: bytes) -> Certificate:
    """Return what an X.509 certificate says; its signature is not checked. Raises ValueError."""
    whole = read_der(content)
    signed, algorithm, signature = whole.inside()
    fields = signed.inside()
    if fields[0].tag == 0xA0:
        fields = fields[1:]
    serial, _inner, issuer, validity, subject, key, *rest = fields
    begins, ends = (read_time(node) for node in validity.inside())
    extensions = next((node for node in rest if node.tag == 0xA3), None)
    return Certificate(
        whole.raw, signed.raw, serial.body, issuer.raw, subject.raw, begins, ends, key,
        algorithm.inside()[0].body.hex(), bits_of(signature), _extensions(extensions),
    )  # fmt: skip


def bits_of(node: Node) -> bytes:
    """Return the whole bytes of a bit string. Raises ValueError."""
    if node.tag != BITS or node.body[:1] != b"\0":
        raise ValueError("no bit string of whole bytes")
    return node.body[1:]


def read_time(node: Node) -> datetime:
    """Return a time, fractions dropped. Raises ValueError."""
    text = node.body.decode("ascii")
    if node.tag == UTC_TIME:
        text = ("20" if text[:2] < "50" else "19") + text
    elif node.tag != GENERAL_TIME:
        raise ValueError("no time")
    digits = text[:14]
    if not (digits.isdecimal() and len(digits) == 14 and text.endswith("Z")):
        raise ValueError("no time in UTC")
    parts = [int(digits[:4]), *(int(digits[at : at + 2]) for at in range(4, 14, 2))]
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def _extensions(node: Node | None) -> dict[str, bytes]:
    if node is None:
        return {}
    found = {}
    for extension in node.inside()[0].inside():
        name, *_critical, content = extension.inside()
        found[name.body.hex()] = content.body
    return found


def _nodes(content: bytes) -> Iterator[Node]:
    at, count = 0, 0
    while at < len(content):
        count += 1
        start, size = _length(content, at)
        if count > _MAX_NODES or start + size > len(content):
            raise ValueError("no DER: it ends early")
        yield Node(content[at], content[start : start + size], content[at : start + size])
        at = start + size


def _length(content: bytes, at: int) -> tuple[int, int]:
    """Return where the body starts and how long it is."""
    if at + 2 > len(content) or content[at] & 0x1F == 0x1F:
        raise ValueError("no DER: a tag of more bytes, or no length")
    first = content[at + 1]
    if first < 0x80:
        return at + 2, first
    start = at + 2 + (first & 0x7F)
    spelled = content[at + 2 : start]
    size = int.from_bytes(spelled, "big")
    if not 0 < len(spelled) <= 4 or len(spelled) != first & 0x7F or spelled[0] == 0 or size < 0x80:
        raise ValueError("no DER: its length is not in its shortest form")
    return start, size
