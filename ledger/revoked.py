"""Which licences are revoked: the list that the operator keeps in the home with `asset-hub certificate status`."""

import json
from pathlib import Path

NAME = "status.json"


def read_revoked(home: Path) -> list[int]:
    """Return the numbers of the licences that <home>/status.json revokes; none where there is no such file."""
    path = home / NAME
    if not path.is_file():
        return []
    return sorted(int(number) for number in json.loads(path.read_text(encoding="utf-8"))["revoked"])
