"""An act in the words of both languages, for whoever has to sign it; drawn from the entry, as its call is."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import select

from asset_hub.accounts import get_party
from asset_hub.catalogue import halts_in_force
from asset_hub.core.clock import BEIJING
from asset_hub.core.db import ReadSession
from asset_hub.core.money import Money
from ledger.addresses import show_address
from ledger.carried import AUTHORITY_SIGNS
from ledger.case_models import CaseRow, CaseStepRow, ObjectionRow
from ledger.codebook import USES, GrantKind, rights_of_mask
from ledger.deployment import OPERATOR_ROLES
from ledger.grants import (
    Words,
    day_as_date,
    end_day,
    kind_of,
    may_be_sublicensed,
    parent_of,
    read_words,
    start_day,
)
from ledger.key_models import KeyRow, RoleChangeRow
from ledger.models import DeedRow, EntryRow, GrantRow, WorkRow
from ledger.order_models import SettlementRow
from ledger.signing import AUTHORITY, Office
from ledger.terms import lapse_of
from ledger.types import DeedKind, EntryKind, KeyState
from ledger.waiting import PURPOSE_ACTS

_EVERY = (1 << 96) - 1
_PERCENT = 100
_MOST_TEXT = 300
_HALTED = 2
KIND_WORDS: Mapping[GrantKind, tuple[str, str]] = {
    GrantKind.NON_EXCLUSIVE: ("普通许可", "a non-exclusive licence"),
    GrantKind.SOLE: ("排他许可", "a sole licence"),
    GrantKind.EXCLUSIVE: ("独占许可", "an exclusive licence"),
}


@dataclass(frozen=True, slots=True)
class Said:
    """The same sentence twice."""

    zh: str
    en: str


_AUTHORITY = Said("主管部门", "The authority")


def say(session: ReadSession, entry: EntryRow) -> Said:
    """Say in both languages what the parties of an entry sign."""
    said = _SAY[EntryKind(entry.kind)](session, entry)
    deed = session.exec(select(DeedRow).where(DeedRow.entry_id == entry.id)).first()
    why = str(deed.args.get("instrument_text", "")) if deed is not None else ""
    return Said(f"{said.zh}（依据：{why}）", f"{said.en} (by: {why})") if why else said


def say_consent(session: ReadSession, deed: DeedRow) -> Said:
    """Say in both languages what a co-owner or pledgee consents to."""
    who, licensor = _house(session, deed.sides[0]), _house(session, deed.args["licensor"])
    work, until = _work(session, deed.asset_id), _moment(int(deed.expires_at.timestamp()))
    return Said(
        f"{who.zh}同意{licensor.zh}许可他人使用{work.zh}，至 {until}。",
        f"{who.en} consents, until {until} Beijing time, to licences by {licensor.en} of {work.en}.",
    )


def _register(session: ReadSession, entry: EntryRow) -> Said:
    work = _work(session, entry.subject_id)
    who = _house(session, entry.args["registrar"])
    return Said(f"{who.zh}登记作品{work.zh}。", f"{who.en} registers the work {work.en}.")


def _title(session: ReadSession, entry: EntryRow) -> Said:
    args, work = entry.args, _work(session, UUID(entry.args["asset"]))
    kind = DeedKind(args["act"])
    if kind in (DeedKind.TRANSFER, DeedKind.PLEDGE):
        giver, taker = _house(session, args["giver"]), _house(session, args["taker"])
        rights = _rights(int(args["rights"], 16))
        if kind == DeedKind.PLEDGE:
            return Said(
                f"{giver.zh}将{work.zh}的{rights.zh}质押给{taker.zh}。",
                f"{giver.en} pledges to {taker.en}: {rights.en} of {work.en}.",
            )
        share = f"{int(args['bps']) / _PERCENT:g}%"
        return Said(
            f"{giver.zh}将{work.zh}的{rights.zh}转让给{taker.zh}，份额 {share}。",
            f"{giver.en} transfers to {taker.en} a share of {share}: {rights.en} of {work.en}.",
        )
    if kind == DeedKind.RELEASE:
        index = int(args["index"])
        pledgor, pledgee, mask = args["before"]["pledges"][index]
        giver, taker, rights = _house(session, pledgor), _house(session, pledgee), _rights(int(mask, 16))
        return Said(
            f"{taker.zh}解除{giver.zh}对{work.zh}的质押：{rights.zh}。",
            f"{taker.en} releases the pledge by {giver.en} on {work.en}: {rights.en}.",
        )
    listed = _listed(session, work, args["after"]["shares"])
    if kind != DeedKind.CORRECT:
        return listed
    ended = bool(args["before"] and args["before"]["pledges"]) and not args["after"]["pledges"]
    more = ("其上质押一并消灭。", " Every pledge on it ends.") if ended else ("", "")
    return Said(f"依决定更正权属。{listed.zh}{more[0]}", f"By decision: {listed.en}{more[1]}")


def _listed(session: ReadSession, work: Said, shares: list[list[Any]]) -> Said:
    zh, en = [], []
    for holder, mask, bps in shares:
        rights = _rights(int(mask, 16))
        who = _house(session, holder) if holder else Said("权利人不明", "holder unknown")
        zh.append(f"{rights.zh}：{who.zh} {int(bps) / _PERCENT:g}%")
        en.append(f"{rights.en}: {who.en} {int(bps) / _PERCENT:g}%")
    return Said(f"登记{work.zh}的权属：{'；'.join(zh)}。", f"Title of {work.en} is recorded: {'; '.join(en)}.")


def _grant(session: ReadSession, entry: EntryRow) -> Said:
    args, words = entry.args, read_words(entry.args["words"])
    giver, taker = _house(session, args["licensor"]), _house(session, args["licensee"])
    what, work = _terms(words), _work(session, UUID(args["asset"]))
    kind, more = KIND_WORDS[kind_of(words)], _conditions(words, args)
    return Said(
        f"{giver.zh}就{work.zh}授予{taker.zh}{kind[0]}（第 {args['number']} 号）：{what.zh}{more.zh}。",
        f"{giver.en} grants {taker.en} {kind[1]} (no. {args['number']}) of {work.en}: {what.en}{more.en}.",
    )


def _conditions(words: Words, args: Mapping[str, Any]) -> Said:
    """What of a licence depends on others: the one above, those it is subject to, those that may be given under it."""
    zh, en = "", ""
    if parent_of(words):
        zh, en = f"；系第 {parent_of(words)} 号许可项下的转授权", f"; given under licence no. {parent_of(words)}"
    if args.get("subject_to"):
        numbers = [str(number) for number in args.get("disclosed", ())]
        zh += f"；附在先许可：第 {'、'.join(numbers)} 号" if numbers else "；附在先许可（目前没有）"
        en += f"; subject to licences no. {', '.join(numbers)}" if numbers else "; subject to earlier licences (none)"
    if may_be_sublicensed(words):
        zh, en = f"{zh}；可转授权", f"{en}; with the right to sub-license"
    return Said(zh, en)


def _hold(session: ReadSession, entry: EntryRow) -> Said:
    args, words = entry.args, read_words(entry.args["words"])
    giver, taker = _house(session, args["licensor"]), _house(session, args["licensee"])
    what, work = _terms(words), _work(session, UUID(args["asset"]))
    lapses = _moment(lapse_of(words))
    return Said(
        f"{giver.zh}就{work.zh}为{taker.zh}预留权利至 {lapses}：{what.zh}。",
        f"{giver.en} holds for {taker.en} until {lapses} Beijing time, of {work.en}: {what.en}.",
    )


def _end(session: ReadSession, entry: EntryRow) -> Said:
    row = session.get_one(GrantRow, int(entry.args["number"]))
    giver, taker = _house(session, str(row.licensor_id)), _house(session, str(row.licensee_id))
    work = _work(session, row.asset_id)
    by = ("依主管部门决定", "By decision of the authority, l") if entry.args.get("by_authority") else ("", "L")
    return Said(
        f"{by[0]}终止{giver.zh}就{work.zh}给予{taker.zh}的第 {row.number} 号许可或预留。",
        f"{by[1]}icence or hold no. {row.number} by {giver.en} to {taker.en} of {work.en} ends.",
    )


_KEY_ACTS: Mapping[str, tuple[str, str]] = {
    "AddKey": ("增加密钥", "adds the key"),
    "RetireKey": ("停用密钥", "retires the key"),
    "CancelRecovery": ("反对恢复密钥", "objects to the recovery key"),
    "ProposeRecovery": ("拟恢复密钥", "is to recover by the key"),
    "Recover": ("恢复密钥", "recovers by the key"),
}


def _key(session: ReadSession, entry: EntryRow) -> Said:
    who, (zh, en) = _house(session, str(entry.subject_id)), _KEY_ACTS[entry.args["act"]]
    address = show_address(bytes.fromhex(entry.args["address"]))
    if entry.args.get("custody"):
        return Said(
            f"更换平台为{who.zh}托管的密钥：新密钥为 {address}，账本收录后停用原托管密钥。",
            f"The exchange renews the key that it keeps for {who.en}: {address} takes the place of the one before.",
        )
    if "reason" in entry.args:
        return _key_ended(session, entry, who)
    until = int(entry.args.get("valid_until") or 0)
    more = (f"，有效至 {_moment(until)}", f", valid until {_moment(until)} Beijing time") if until else ("", "")
    return Said(f"{who.zh}{zh} {address}{more[0]}。", f"{who.en} {en} {address}{more[1]}.")


def _key_ended(session: ReadSession, entry: EntryRow, who: Said) -> Said:
    key, reason = bytes.fromhex(entry.args["address"]), entry.args["reason"]
    others = select(KeyRow).where(
        KeyRow.organisation_id == entry.subject_id, KeyRow.state == KeyState.LIVE,
        KeyRow.address != key,
    )  # fmt: skip
    is_last = not any(row.purpose & PURPOSE_ACTS for row in session.exec(others))
    more = (
        ("此后该机构没有可用密钥，须经恢复才能签署。", "No other key speaks for it: it then needs a recovery. ")
        if is_last
        else ("", "")
    )
    return Said(
        f"交易所作为登记人停用{who.zh}的密钥 {show_address(key)}。{more[0]}理由：{reason}",
        f"The exchange, as registrar, ends the key {show_address(key)} of {who.en}. {more[1]}Why: {reason}",
    )


_CASE_ACTS: Mapping[str, tuple[str, str]] = {
    "Decide": ("裁决争议", "decides the dispute"),
    "OpenCase": ("提起争议", "opens the dispute"),
    "Respond": ("答复争议", "answers the dispute"),
    "Appeal": ("就争议上诉", "appeals in the dispute"),
    "Withdraw": ("撤回争议", "withdraws the dispute"),
    "Settle": ("就争议和解", "settle the dispute"),
}


def _freeze_words(args: Mapping[str, Any]) -> tuple[str, str]:
    """Say whether a work is frozen or freed, by an order or by what follows from it."""
    values = args["values"]
    is_frozen = values["is_frozen"] if "is_frozen" in values else int(values["status"]) == _HALTED
    return (
        ("冻结作品，争议", "freezes the work in the dispute")
        if is_frozen
        else ("解除作品冻结，争议", "frees the work in the dispute")
    )


def _office(session: ReadSession, entry: EntryRow) -> Said:
    """Only what the authority's key signs is asked of anybody: a work frozen by an order, or freed."""
    work, why = _work(session, entry.subject_id), _why_halted(session, entry)
    if int(entry.args["values"]["status"]) == _HALTED:
        return Said(
            f"主管部门冻结{work.zh}：交易所或主管部门已停止其交易。{why.zh}",
            f"The authority freezes {work.en}: its trade is halted.{why.en}",
        )
    return Said(f"主管部门解除对{work.zh}的冻结。", f"The authority frees {work.en}: its trade goes on.")


def _why_halted(session: ReadSession, entry: EntryRow) -> Said:
    """Give the reasons of the orders that halt the trade of a work, for who signs its freeze."""
    of_cases = set(session.exec(select(CaseRow.restriction_id).where(CaseRow.asset_id == entry.subject_id)))
    halts = halts_in_force(session, asset_id=entry.subject_id, now=entry.created_at)
    why = _clipped("；".join(text for halt, text in halts.items() if halt not in of_cases and text))
    return Said(f"理由：{why}", f" Why: {why}") if why else Said("", "")


def _case(session: ReadSession, entry: EntryRow) -> Said:
    case = session.get_one(CaseRow, entry.subject_id)
    step = session.exec(select(CaseStepRow).where(CaseStepRow.entry_id == entry.id)).first()
    who, work = _houses(session, entry.args["signers"]), _work(session, case.asset_id)
    zh, en = _CASE_ACTS.get(entry.args["act"]) or _freeze_words(entry.args)
    about = case.licence_number
    over = (f"第 {about} 号许可", f"licence no. {about}") if about is not None else (work.zh, work.en)
    text = step.text if step else _why_frozen(session, case, entry)
    more = (f"：{_clipped(text)}", f": {_clipped(text)}") if text else ("", "")
    shown = len(step.exhibits) if step else 0
    seen = (f"（证据 {shown} 件）", f" ({shown} exhibits)") if shown else ("", "")
    return Said(
        f"{who.zh}{zh}“{case.title}”（{over[0]}）{more[0]}{seen[0]}",
        f"{who.en} {en} “{case.title}” ({over[1]}){more[1]}{seen[1]}",
    )


def _why_frozen(session: ReadSession, case: CaseRow, entry: EntryRow) -> str:
    """Return the words of the order from which it follows that a work is frozen; empty where that is not known."""
    if int(entry.args["values"].get("status", 0)) != _HALTED or case.restriction_id is None:
        return ""
    return halts_in_force(session, asset_id=case.asset_id, now=entry.created_at).get(case.restriction_id, "")


def _statement(session: ReadSession, entry: EntryRow) -> Said:
    values = entry.args["values"]
    who, month = _houses(session, entry.args["signers"]), str(values["period"])
    period, revision = f"{month[:4]}-{month[4:]}", values["revision"]
    row = session.exec(select(ObjectionRow).where(ObjectionRow.entry_id == entry.id)).first()
    more = (f"：{_clipped(row.text)}", f": {_clipped(row.text)}") if row else ("", "")
    return Said(
        f"{who.zh}对 {period} 结算单第 {revision} 版提出异议{more[0]}",
        f"{who.en} objects to revision {revision} of its statement of {period}{more[1]}",
    )


_ORDER_ACTS: Mapping[str, tuple[str, str]] = {
    "OpenOrder": ("订立订单", "agree on the order"),
    "Deliver": ("确认已交付订单", "has delivered the order"),
    "Accept": ("验收订单", "accepts the order"),
    "CloseTogether": ("共同了结订单", "end the order"),
}


def _order(session: ReadSession, entry: EntryRow) -> Said:
    row = session.get(SettlementRow, entry.subject_id)
    who, (zh, en) = _houses(session, entry.args["signers"]), _ORDER_ACTS[entry.args["act"]]
    if row is None:
        return Said(f"{who.zh}{zh} {entry.subject_id}。", f"{who.en} {en} {entry.subject_id}.")
    work, price = _work(session, row.asset_id), Money(row.fen)
    buyer, seller = _house(session, str(row.buyer_id)), _house(session, str(row.seller_id))
    return Said(
        f"{who.zh}{zh} {row.id}：{buyer.zh}向{seller.zh}购买{work.zh}的许可，价款 {price}。",
        f"{who.en} {en} {row.id}: {buyer.en} buys a licence of {work.en} from {seller.en} for {price}.",
    )


def _role(session: ReadSession, entry: EntryRow) -> Said:
    row = session.get_one(RoleChangeRow, entry.subject_id)
    first, *_more = entry.args.get("steps") or row.steps
    address = show_address(bytes.fromhex(first[2]))
    if row.office:
        zh, en = _OFFICES[Office(row.office)]
        if row.office == Office.OPERATOR and OPERATOR_ROLES[AUTHORITY] not in {int(step[1]) for step in row.steps}:
            zh, en = "登记与公证", "registrar and notary"
        return Said(
            f"更换交易所的{zh}密钥：新密钥为 {address}，公告两日后生效。理由：{row.reason}",
            f"The exchange changes the key of its {en}: the new one is {address}, and speaks two days after it is "
            f"announced. Why: {row.reason}",
        )
    name = next(name for name, code in OPERATOR_ROLES.items() if code == int(first[1]))
    name_zh = f"{_ROLES_ZH[name]}（{name}）"
    if len(row.steps) > 1:
        whose = (
            ("由主管部门自管的密钥", "a key of the authority")
            if row.keeper_id
            else ("交易所自己的密钥", "the exchange")
        )
        return Said(
            f"“{name_zh}”角色改由 {address}（{whose[0]}）行使，公告两日后生效。理由：{row.reason}",
            f"The role {name} goes to {address} ({whose[1]}), two days after it is announced. Why: {row.reason}",
        )
    if first[0] == "grant":
        return Said(
            f"授予 {address} “{name_zh}”角色，公告两日后生效。理由：{row.reason}",
            f"The role {name} is given to {address} two days after it is announced. Why: {row.reason}",
        )
    return Said(
        f"收回 {address} 的“{name_zh}”角色，公告两日后生效。理由：{row.reason}",
        f"The role {name} is taken from {address} two days after it is announced. Why: {row.reason}",
    )


_ROLES_ZH: Mapping[str, str] = {
    "REGISTRAR": "登记人",
    "NOTARY": "公证人",
    "AUTHORITY": "主管部门",
    "PAYMENT_OPERATOR": "收款确认",
    "PAUSER": "暂停交易",
}
_OFFICES: Mapping[Office, tuple[str, str]] = {
    Office.RELAYER: ("交易中继", "carrier of transactions"),
    Office.OPERATOR: ("登记、公证与裁决", "registrar, notary and authority"),
    Office.CASHIER: ("收款复核", "second look at payments"),
    Office.ADMINISTRATOR: ("权限管理", "administrator of roles"),
}


_SAY: Mapping[EntryKind, Callable[[ReadSession, EntryRow], Said]] = {
    EntryKind.REGISTER: _register,
    EntryKind.TITLE: _title,
    EntryKind.GRANT: _grant,
    EntryKind.HOLD: _hold,
    EntryKind.END: _end,
    EntryKind.KEY: _key,
    EntryKind.CASE: _case,
    EntryKind.STATEMENT: _statement,
    EntryKind.ORDER: _order,
    EntryKind.ROLE: _role,
    EntryKind.OFFICE: _office,
}


def _terms(words: Words) -> Said:
    uses = _uses(words[0] >> 160)
    last = day_as_date(end_day(words)) - timedelta(days=1)
    first = day_as_date(start_day(words))
    places = words[1].bit_count()
    return Said(f"{uses.zh}，{first} 至 {last}，{places} 个地区", f"{uses.en}, {first} to {last}, {places} territories")


def _uses(mask: int) -> Said:
    if mask == _EVERY:
        return Said("全部用途", "all uses")
    found = [use for bit, use in enumerate(USES) if mask >> bit & 1]
    return Said("、".join(one.name_zh for one in found), ", ".join(one.name_en for one in found))


def _rights(mask: int) -> Said:
    if mask == _EVERY:
        return Said("全部财产权", "all rights")
    found = rights_of_mask(mask)
    return Said("、".join(one.name_zh for one in found), ", ".join(one.name_en for one in found))


def _house(session: ReadSession, organisation_id: str) -> Said:
    found = get_party(session, organisation_id=UUID(organisation_id))
    return Said(f"“{found.name_zh}”", found.name("en"))


def _houses(session: ReadSession, signers: Sequence[str]) -> Said:
    """Name those who sign an act of people, not the keys of the exchange."""
    found = [_AUTHORITY if one == AUTHORITY_SIGNS else _house(session, one) for one in signers]
    return Said("与".join(one.zh for one in found), " and ".join(one.en for one in found))


def _clipped(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"


def _work(session: ReadSession, asset_id: UUID) -> Said:
    row = session.get(WorkRow, asset_id)
    stated = json.loads(row.statement) if row else {}
    number, zh, en = stated.get("number", asset_id), stated.get("title_zh", ""), stated.get("title_en", "")
    return Said(f"《{zh or en}》（{number}）", f"“{en or zh}” ({number})")


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")
