"""The stand-alone verifier's command line: certificates in, one verdict each, exit 1 when a link fails.

Runs on a bare Python: standard library only. Chinese first; names and details are English with --json.
"""

import argparse
import io
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from ledger.bundles import is_bundle, verify_bundle
from ledger.likeness import fingerprint_given, read_fingerprint
from ledger.papers import N_
from ledger.verifier import Check, Report, verify_certificate

_MARKS = {True: N_("✓ holds"), False: N_("✕ fails"), None: N_("– not checked")}
_VALID = N_("Valid: every link that was checked holds.")
_NOT_VALID = N_("Not valid. What fails: {names}")
_DATED = N_("Checked for {day} (Beijing). No network was used.")
_BEIJING = timezone(timedelta(hours=8))


def main(chinese: Mapping[str, str], arguments: Sequence[str] | None = None) -> int:
    """Check the named certificates and print what holds; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    asked = _parser().parse_args(arguments)
    words = chinese if asked.language == "zh" and not asked.json else {}
    try:
        reports = [_verify(path, asked) for path in asked.certificates]
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(_as_json(reports) if asked.json else _as_text(reports, asked, words))
    return 0 if all(report.is_valid for report in reports) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="核验授权凭证，不需联网。 Verify licence certificates offline.")
    parser.add_argument(
        "certificates",
        nargs="+",
        type=Path,
        help="授权凭证（JSON）或证据包（ZIP） the certificate, or an evidence bundle",
    )
    parser.add_argument("--file", type=Path, help="交付的文件 the delivered file")
    parser.add_argument(
        "--fingerprint", type=fingerprint_given, help="该文件的相似指纹，由他处算出 the file's, made elsewhere"
    )
    parser.add_argument("--trust", type=Path, help="信任文件：钉住签发者与链 whom to trust")
    parser.add_argument("--status", type=Path, help="状态清单：吊销 a status list")
    parser.add_argument("--on", type=_day, help="核验哪一天 the day to check for: YYYY-MM-DD (default: today, Beijing)")
    parser.add_argument("--json", action="store_true", help="one JSON document; a list for several certificates")
    parser.add_argument("--language", choices=("zh", "en"), default="zh")
    return parser


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _verify(certificate: Path, asked: argparse.Namespace) -> Report:
    trust = asked.trust.read_bytes() if asked.trust else None
    status = asked.status.read_bytes() if asked.status else None
    fingerprint = (lambda _path: asked.fingerprint) if asked.fingerprint else read_fingerprint
    if is_bundle(certificate):
        return verify_bundle(
            certificate, trust=trust, media=asked.file, today=_today(asked), status=status, fingerprint=fingerprint
        )
    return verify_certificate(
        certificate.read_bytes(), media=asked.file, trust=trust, status=status, today=_today(asked),
        fingerprint=fingerprint,
    )  # fmt: skip


def _today(asked: argparse.Namespace) -> date:
    return asked.on or datetime.now(_BEIJING).date()


def _as_json(reports: Sequence[Report]) -> str:
    documents = [
        {
            "valid": report.is_valid,
            "checks": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in report.checks],
        }
        for report in reports
    ]
    return json.dumps(documents if len(documents) > 1 else documents[0], ensure_ascii=False) + "\n"


def _as_text(reports: Sequence[Report], asked: argparse.Namespace, words: Mapping[str, str]) -> str:
    lines: list[str] = []
    for path, report in zip(asked.certificates, reports, strict=True):
        lines += [str(path), *(_line(check, words) for check in report.checks)]
        failed = [words.get(check.name, check.name) for check in report.checks if check.ok is False]
        said = words.get(_NOT_VALID, _NOT_VALID).format(names=", ".join(failed))
        lines += [said if failed else words.get(_VALID, _VALID), ""]
    lines.append(words.get(_DATED, _DATED).format(day=_today(asked)))
    return "\n".join(lines) + "\n"


def _line(check: Check, words: Mapping[str, str]) -> str:
    message = words.get(check.message, check.message)
    detail = message.format(**check.params) if check.params else message
    mark = words.get(_MARKS[check.ok], _MARKS[check.ok])
    return f"  {mark}  {words.get(check.name, check.name)}: {detail}"
