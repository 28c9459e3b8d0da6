"""Evidence bundles as zips that are not the ones that were written: changed in what a zip says of its members."""

import io
import random
import struct
import zipfile


def flips(content: bytes, *, count: int) -> list[bytes]:
    """Return bundles with one bit changed in what a zip says of its members."""
    rng, start = random.Random(11), content.index(b"PK\x01\x02")
    places = rng.sample([*range(30), *range(start, len(content))], count)
    return [content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :] for at in places]


def lying(content: bytes, *, place: int | None = None) -> bytes:
    """Return a bundle that says of its first member, in its list or there, that it is a byte longer than it is."""
    start = content.index(b"PK\x01\x02") + 24 if place is None else place
    longer = struct.unpack_from("<I", content, start)[0] + 1
    return content[:start] + struct.pack("<I", longer) + content[start + 4 :]


def unsigned(content: bytes) -> dict[str, bytes]:
    """Return bundles whose members are as they were signed, with bytes beside them that nobody signed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        infos, start = archive.infolist(), archive.start_dir
    second, end = infos[1].header_offset, len(content) - 22
    listed, behind = content[start:end], content[end:]
    first = listed[: 46 + len(infos[0].filename)]
    rest = listed[len(first) :]

    def whole(members: bytes, listed: bytes, moved: int = 0, **changes: int) -> bytes:
        """Put a zip together; all but the first member lie so many bytes further than before."""
        entries, at = b"", 0
        for info in infos:
            length = 46 + sum(struct.unpack_from("<3H", listed, at + 28))
            place = info.header_offset + (moved if info.header_offset else 0)
            entries += listed[at : at + 42] + struct.pack("<I", place) + listed[at + 46 : at + length]
            at += length
        count = struct.pack("<HH", changes.get("count", len(infos)), len(infos))
        places = struct.pack("<IIH", len(entries), len(members), changes.get("comment", 0))
        return members + entries + behind[:4] + struct.pack("<HH", changes.get("disk", 0), 0) + count + places

    def put(text: bytes, at: int, more: bytes, *, behind: int) -> bytes:
        """Set a length at its place, and put as many bytes behind."""
        return text[:at] + struct.pack("<H", len(more)) + text[at + 2 : behind] + more + text[behind:]

    members, extra = content[:start], struct.pack("<HH", 0x9999, 2) + b"hi"
    name_end = 30 + len(infos[0].filename)
    described = struct.pack("<4s3I", b"PK\x07\x08", infos[0].CRC, infos[0].compress_size, infos[0].file_size)
    flagged = members[:6] + b"\x08\0" + members[8:]
    flagged_list = first[:8] + b"\x08\0" + first[10:] + rest
    swapped = rest[: 46 + len(infos[1].filename)]
    shared = first[:42] + swapped[42:46] + first[46:] + rest
    return {
        "nothing more": whole(members, listed),
        "a gap before the list": whole(members + b"hidden", listed),
        "a gap between members": whole(members[:second] + b"hidden" + members[second:], listed, 6),
        "a comment's length": whole(members, listed, comment=6),
        "another count": whole(members, listed, count=len(infos) + 1), "another disk": whole(members, listed, disk=1),
        "a member's comment": whole(members, put(first, 32, b"hidden", behind=len(first)) + rest),
        "a listed extra field": whole(members, put(first, 30, extra, behind=len(first)) + rest),
        "an extra field of its own": whole(put(members, 28, extra, behind=name_end), listed, len(extra)),
        "extra fields": whole(
            put(members, 28, extra, behind=name_end), put(first, 30, extra, behind=len(first)) + rest, len(extra)
        ),
        "a descriptor": whole(flagged[:second] + described + flagged[second:], flagged_list, len(described)),
        "a descriptor that is not there": whole(flagged, flagged_list),
        "another hour of its own": whole(members[:10] + b"\1" + members[11:], listed),
        "another method of its own": whole(members[:8] + b"\0" + members[9:], listed),
        "inner marks": whole(members, listed[:36] + b"\1" + listed[37:]),
        "shared bytes": members + shared + behind,
        "out of order": members + rest[: len(swapped)] + first + rest[len(swapped) :] + behind,
    }  # fmt: skip
