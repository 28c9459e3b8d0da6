"""The evidence report to read: Chinese first, every fact from the JSON members that prevail."""

import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from asset_hub.core.clock import BEIJING
from asset_hub.evidence.review import UNKNOWN
from marketplace.certificate_pdf import SERIF, register_font, sm2_of, witness_of, wrapped

_LEFT, _TOP, _FOOT = 22 * mm, A4[1] - 24 * mm, 22 * mm
_NAME_ROOM = 40 * mm
_ROOM = A4[0] - 2 * _LEFT - _NAME_ROOM
_ACTS = {
    "register": "作品登记 work registered", "grant": "许可登记 licence granted", "anchor": "摘要上链 digests anchored",
    "title": "权属登记 title recorded", "order": "订单结算 order settled",
}  # fmt: skip


class _Page:
    """A canvas on which lines flow down and onto the next page."""

    def __init__(self, title: str) -> None:
        register_font()
        self.out = io.BytesIO()
        self.canvas = Canvas(self.out, pagesize=A4, invariant=1)
        self.canvas.setTitle(title)
        self.top, self.number = _TOP, 1

    def room_for(self, height: float) -> None:
        if self.top - height < _FOOT:
            self.end()
            self.canvas.showPage()
            self.top, self.number = _TOP, self.number + 1

    def end(self) -> None:
        self.canvas.setFont(SERIF, 8)
        self.canvas.drawCentredString(A4[0] / 2, 12 * mm, f"– {self.number} –")

    def heading(self, text: str, *, size: float = 13) -> None:
        self.room_for(18 * mm)
        self.top -= 4 * mm
        self.canvas.setFont(SERIF, size)
        self.canvas.drawString(_LEFT, self.top, text)
        self.top -= 7 * mm

    def text(self, text: str) -> None:
        for line in wrapped(text, room=A4[0] - 2 * _LEFT, size=9):
            self.room_for(5 * mm)
            self.canvas.setFont(SERIF, 9)
            self.canvas.drawString(_LEFT, self.top, line)
            self.top -= 5 * mm

    def fact(self, name: str, value: str) -> None:
        names = wrapped(name, room=_NAME_ROOM - 3 * mm, size=9)
        values = wrapped(value or UNKNOWN, room=_ROOM, size=9)
        for number in range(max(len(names), len(values))):
            self.room_for(5 * mm)
            self.canvas.setFont(SERIF, 9)
            if number < len(names):
                self.canvas.drawString(_LEFT, self.top, names[number])
            if number < len(values):
                self.canvas.drawString(_LEFT + _NAME_ROOM, self.top, values[number])
            self.top -= 5 * mm
        self.top -= 1 * mm

    def finish(self) -> bytes:
        self.end()
        self.canvas.showPage()
        self.canvas.save()
        return self.out.getvalue()


def draw_report(
    certificate: Mapping[str, Any], *, number: int, capture: Mapping[str, Any] | None,
    reception: Mapping[str, Any] | None, word: Mapping[str, Any] | None, transactions: Sequence[Mapping[str, Any]],
    points: Sequence[Mapping[str, Any]], now: datetime,
) -> bytes:  # fmt: skip
    """Return the PDF. What the software does not know reads 未提供. Raises Unavailable before `make web`."""
    page = _Page(f"Evidence {number:06d}")
    page.heading(f"电子证据报告  Evidence report    许可证 No. {number:06d}", size=17)
    page.text("本报告由软件依包内 JSON 成员生成，以 JSON 成员为准；未知之处写“未提供”。")
    page.text("Made by software from the JSON members of the bundle, which prevail; what is not known reads 未提供.")
    page.fact("出具时间 Made", _beijing(now))
    _draw_licence(page, certificate)
    _draw_capture(page, capture, reception, word)
    page.heading("三、上链记录  On the ledger")
    for one in transactions:
        moment = _beijing(datetime.fromtimestamp(int(one["block_time"]), UTC))
        page.fact(
            _ACTS.get(one["act"], one["act"]),
            f"区块 block {one['block']}，{moment}，交易 transaction {one['transaction']}",
        )
    _draw_keys(page, certificate)
    page.heading("五、法院审查要点  The four points of review")
    for position, point in enumerate(points, 1):
        page.text(f"{position}. {point['article']}：{point['point_zh']}")
        page.text(f"    {point['point_en']}")
        for name, value in point["facts"].items():
            page.fact(f"    {name}", _said(value))
    page.heading("六、如何复核  How to check")
    page.text("从包中取出 verifier.pyz，在任何装有 Python 3.11 以上的电脑上运行（不联网）：")
    page.text(f"python verifier.pyz evidence-{number:06d}.zip --trust 信任文件 --file 交付的文件")
    page.text("信任文件应另行取得；包内 trust.json 只是运营者的自述。Get the trust file from elsewhere.")
    return page.finish()


def _draw_licence(page: _Page, certificate: Mapping[str, Any]) -> None:
    licence: dict[str, Any] = json.loads(certificate["licence"])
    page.heading("一、许可  The licence")
    page.fact("作品 Work", f"{licence['work']['title_zh']}  {licence['work']['number']}")
    page.fact("许可方 Licensor", licence["licensor"]["name_zh"])
    page.fact("被许可方 Licensee", licence["licensee"]["name_zh"])
    page.fact("使用方式 Uses", "、".join(use["zh"] for use in licence["uses"]))
    page.fact("地域 Territory", "、".join(place["zh"] for place in licence["territories"]))
    page.fact("期间 Period", f"{licence['first_day']} 至 {licence['last_day']}（含当日）")
    page.fact("交付文件 SHA-256", certificate["delivery"]["sha256"])
    page.fact("交付文件 SM3", certificate["delivery"]["sm3"])


def _draw_capture(
    page: _Page, capture: Mapping[str, Any] | None, reception: Mapping[str, Any] | None, word: Mapping[str, Any] | None
) -> None:
    page.heading("二、固定记录（上链之前）  Capture, before anchoring")
    if capture is None or reception is None:
        page.fact("固定记录", UNKNOWN)
        return
    page.fact("文件 SHA-256", capture["sha256"])
    page.fact("收入编号 Intake", capture["accession"])
    page.fact("经手人、机构 By", f"{capture['person']}（账号 account），{capture['organisation']}")
    page.fact("完成时间 Finished", capture["finished_at"])
    for name, key in (("设备 Device", "device"), ("时钟 Clock", "clock"), ("工具 Tools", "tools")):
        page.fact(name, _said(reception[key]))
    refused = capture["refused_under_this_name"]
    page.fact("同名被拒 Refused", _said(refused) if refused else "无 none")
    page.fact("第三方见证 Witness", f"经第三方见证，{json.loads(word['day'])['day']}" if word else "未经第三方见证")


def _draw_keys(page: _Page, certificate: Mapping[str, Any]) -> None:
    page.heading("四、签名与见证  Signatures and witnesses")
    page.fact("链与创世块 Chain", f"{certificate['chain']['id']}  {certificate['chain']['genesis']}")
    page.fact("签发者 Issuer", f"{certificate['issuer']['name']}  0x{certificate['issuer']['address']}")
    for key in certificate["issuer"]["keys"]:
        until = _beijing(datetime.fromtimestamp(key["until"], UTC)) if key["until"] else "今 now"
        since = _beijing(datetime.fromtimestamp(key["from"], UTC))
        page.fact("密钥 Key", f"0x{key['address']}，{since} 至 {until}")
    page.fact("密钥保管 Custody", certificate["issuer"]["custody"])
    page.fact("第三方见证 Witness", witness_of(certificate))
    page.fact("国密签名 SM2", sm2_of(certificate))


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Mapping):
        return "；".join(f"{name}：{_said(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return "；".join(_said(inner) for inner in value)
    return str(value)


def _beijing(moment: datetime) -> str:
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S +08:00")
