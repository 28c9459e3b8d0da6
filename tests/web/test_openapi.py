"""The JSON API as it is published: docs/openapi.json is what the application says, so that no route changes unseen.

After a change on purpose: `make openapi` (or `python -m tests.web.test_openapi --write`), and commit the file.
"""

import difflib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from asset_hub.app import create_app, open_home
from asset_hub.core.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
PUBLISHED = PROJECT / "docs" / "openapi.json"
HOW = "The JSON API changed. If on purpose: make openapi, then commit docs/openapi.json.\n"
_ROOT = "/api/v1/"
_REF = "#/components/schemas/"


def describe_api(folder: Path) -> str:
    """Return the description of /api/v1 as JSON text: its paths and only the schemas that they use."""
    app = create_app(open_home(Settings(home=folder)), with_worker=False)
    whole = app.openapi()
    paths = {path: methods for path, methods in whole["paths"].items() if path.startswith(_ROOT)}
    schemas = whole.get("components", {}).get("schemas", {})
    used = _used(paths, schemas)
    kept = {name: schema for name, schema in schemas.items() if name in used}
    document = {"openapi": whole["openapi"], "info": whole["info"], "paths": paths, "components": {"schemas": kept}}
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _used(value: Any, schemas: dict[str, Any]) -> set[str]:
    """Return the names of all schemas that a part of the description refers to, however far."""
    found: set[str] = set()
    waiting = _names_in(value)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= _names_in(schemas[name]) - found
    return found


def _names_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"].removeprefix(_REF)} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(_names_in, value.values()))
    return set().union(*map(_names_in, value)) if isinstance(value, list) else set()


def test_the_published_api_is_what_the_application_says(tmp_path: Path) -> None:
    told = describe_api(tmp_path / "home")

    published = PUBLISHED.read_text(encoding="utf-8")
    changes = list(
        difflib.unified_diff(published.splitlines(), told.splitlines(), "published", "now", n=2, lineterm="")
    )
    assert told == published, HOW + "\n".join(changes[:60])


def test_every_path_says_what_it_does(tmp_path: Path) -> None:
    paths = json.loads(describe_api(tmp_path / "home"))["paths"]

    silent = [
        f"{method} {path}" for path, acts in paths.items() for method, act in acts.items() if not act.get("description")
    ]
    assert len(paths) >= 20
    assert silent == []


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        text = describe_api(Path(folder) / "home")
    if "--write" in sys.argv:
        PUBLISHED.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
