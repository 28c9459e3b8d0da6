"""Demo accounts: people whom the demo made, listed in its home; only they can be entered without a password."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

_NAME = "demo-accounts.json"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account to try the product with: its role and what to try (message ids), and where its day begins."""

    login: str
    role: str
    house_zh: str
    house_en: str
    start: str
    what: str = ""


def demo_accounts(home: Path) -> tuple[DemoAccount, ...]:
    """Return the demo accounts of a home; none where the demo never ran."""
    path = home / _NAME
    return tuple(DemoAccount(**row) for row in json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else ()


def write_demo_accounts(home: Path, accounts: tuple[DemoAccount, ...]) -> None:
    """List the accounts that anybody who can open the site may enter."""
    fresh = home / f".{_NAME}"
    fresh.write_text(json.dumps([asdict(account) for account in accounts], ensure_ascii=False), encoding="utf-8")
    fresh.replace(home / _NAME)
