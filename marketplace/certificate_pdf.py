"""The certificate as a page to print: Chinese first, its facts taken from the JSON certificate and nothing else."""

import hashlib
import io
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import segno
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from asset_hub.core.errors import Unavailable
from asset_hub.core.text import N_
from ledger.certificates import CUSTODY, OWN_KEYS

SERIF = "NotoSerifSC"
_FONT = files("asset_hub.web").joinpath("static", "dist", "fonts", "NotoSerifSC_400Regular.ttf")
_CUSTODY_EN = {
    CUSTODY: "kept by the platform",
    OWN_KEYS: "kept by the members themselves",
    f"许可方{OWN_KEYS}；被许可方{CUSTODY}": "licensor's own; licensee's kept by the platform",
    f"许可方{CUSTODY}；被许可方{OWN_KEYS}": "licensor's kept by the platform; licensee's own",
}
_LINE = 8 * mm
_LEFT = 25 * mm
_ROOM = A4[0] - _LEFT - 42 * mm - 15 * mm


def draw_certificate(certificate: bytes) -> bytes:
    """Return the PDF of a JSON certificate; it carries the digest of that JSON, so that the two belong together."""
    document: dict[str, Any] = json.loads(certificate)
    licence: dict[str, Any] = json.loads(document["licence"])
    digest = hashlib.sha256(certificate).hexdigest()
    register_font()
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    canvas.setTitle(f"{licence['number']}")
    _head(canvas, licence)
    bottom = _facts(canvas, _lines(document, licence))
    _seal(canvas, digest, document, bottom)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


@cache
def register_font() -> None:
    """Make the font of certificates known. Raises Unavailable before `make web`."""
    if not _FONT.is_file():
        raise Unavailable(N_("The font of certificates is missing: run make web."))
    pdfmetrics.registerFont(TTFont(SERIF, str(_FONT)))


def _head(canvas: Canvas, licence: dict[str, Any]) -> None:
    canvas.setFont(SERIF, 26)
    canvas.drawCentredString(A4[0] / 2, A4[1] - 40 * mm, "著作权许可使用证书")
    canvas.setFont(SERIF, 11)
    canvas.drawCentredString(
        A4[0] / 2, A4[1] - 48 * mm, f"Certificate of copyright licence    编号 No. {licence['number']:06d}"
    )


def _lines(document: dict[str, Any], licence: dict[str, Any]) -> list[tuple[str, str]]:
    work, segment = licence["work"], licence["segment_frames"]
    return [
        ("作品 Work", f"{work['title_zh']}  {work['title_en'] if work['title_en'] != work['title_zh'] else ''}"),
        ("档号 Number", work["number"] + (f"  帧 {segment[0]}–{segment[1]}" if segment else "")),
        ("许可方 Licensor", f"{licence['licensor']['name_zh']}  {licence['licensor']['name_en']}"),
        ("被许可方 Licensee", f"{licence['licensee']['name_zh']}  {licence['licensee']['name_en']}"),
        ("使用方式 Uses", "、".join(f"{use['zh']} {use['en']}" for use in licence["uses"])),
        ("地域 Territory", "、".join(f"{place['zh']} {place['en']}" for place in licence["territories"])),
        ("期间 Period", f"{licence['first_day']} 至 {licence['last_day']}（含当日）"),
        ("许可种类 Kind", f"{licence['kind']['zh']}  {licence['kind']['en']}"),
        *([("条件 Conditions", said)] if (said := conditions_of(licence)) else []),
        ("费用 Fee", f"{licence['fee']['shown']}（含税 tax included）"),
        ("交付文件 SHA-256", document["delivery"]["sha256"]),
        ("交付文件 SM3", document["delivery"]["sm3"] or "未提供 not stated"),
        ("链与创世块 Chain", f"{document['chain']['id']}  {document['chain']['genesis'][:32]}…"),
        ("签发 Issuer", f"{document['issuer']['name']}  0x{document['issuer']['address']}"),
        ("签发时间 Issued", document["issued_at"]),
        ("密钥保管 Keys", document["issuer"]["custody"]),
        ("第三方见证 Witness", witness_of(document)),
        ("国密签名 SM2", sm2_of(document)),
    ]


def conditions_of(licence: Mapping[str, Any]) -> str:
    """Return what a licence's text says of other licences, in both languages; empty where it says nothing."""
    said = []
    if licence.get("parent") is not None:
        said.append(
            f"第 {licence['parent']:06d} 号许可项下的转授权，随该许可终止 "
            f"sub-licence under no. {licence['parent']:06d}, ends when that licence ends"
        )
    if licence.get("subject_to") is not None:
        numbers = "、".join(f"{number:06d}" for number in licence["subject_to"]) or "无 none"
        said.append(f"附在先许可 subject to no. {numbers}")
    if licence.get("may_sublicense"):
        said.append("可转授权 with the right to sub-license")
    return "；".join(said)


def custody_in_english(document: Mapping[str, Any]) -> str:
    """Return in English who keeps the keys that licensor and licensee signed with."""
    return _CUSTODY_EN.get(document["issuer"]["custody"], "")


def witness_of(document: Mapping[str, Any]) -> str:
    """Return which third parties vouch for a certificate's day, or that none does."""
    word = document["attestation"]
    if word is None:
        return str(document["issuer"]["witness"])
    day = json.loads(word["day"])["day"]
    stamp = "，可信时间戳 RFC 3161 time stamp" if word["stamp"] else ""
    members = f"，成员副署 countersigned by {count}" if (count := len(word["countersignatures"])) else ""
    return f"{document['issuer']['witness']}  {day}{stamp}{members}"


def sm2_of(document: Mapping[str, Any]) -> str:
    """Return who certifies the SM2 key that signed a certificate (自签: nobody), with the signature's beginning."""
    signed = document["sm2"]
    if signed is None:
        return "未提供 not stated"
    standing = signed["standing"] or f"证书 {len(signed['certificates'])} 张 certificates"
    return f"{standing}  {signed['signature'][:24]}…"


def _facts(canvas: Canvas, lines: list[tuple[str, str]]) -> float:
    top = A4[1] - 66 * mm
    for name, value in lines:
        canvas.setFont(SERIF, 9)
        canvas.drawString(_LEFT, top, name)
        canvas.setFont(SERIF, 10)
        lines_of_value = wrapped(value, room=_ROOM, size=10)
        for part in lines_of_value[:-1]:
            canvas.drawString(_LEFT + 42 * mm, top, part)
            top -= _LINE * 0.7
        canvas.drawString(_LEFT + 42 * mm, top, lines_of_value[-1])
        top -= _LINE
    return float(top)


def wrapped(value: str, *, room: float, size: float) -> list[str]:
    """Return a value in lines no wider than `room` points: Chinese breaks anywhere, and so do digests."""
    found = [""]
    for letter in value:
        if pdfmetrics.stringWidth(found[-1] + letter, SERIF, size) > room:
            found.append("")
        found[-1] += letter
    return found


def _seal(canvas: Canvas, digest: str, document: dict[str, Any], bottom: float) -> None:
    picture = io.BytesIO()
    segno.make(f"asset_hub:certificate:{digest}", error="m").save(picture, kind="png", scale=6, border=2)
    picture.seek(0)
    canvas.drawImage(ImageReader(picture), A4[0] - 60 * mm, max(20 * mm, bottom - 38 * mm), 34 * mm, 34 * mm)
    canvas.setFont(SERIF, 8)
    foot = max(24 * mm, bottom - 12 * mm)
    for offset, line in enumerate(
        (
            "本页由 JSON 证书生成，以 JSON 证书为准；核验：asset-hub certificate verify 证书 --file 文件",
            f"JSON 证书 SHA-256  {digest[:32]}",
            f"                   {digest[32:]}",
            f"签名 {document['signature'][:40]}…",
        )
    ):
        canvas.drawString(_LEFT, foot - offset * 5 * mm, line)
