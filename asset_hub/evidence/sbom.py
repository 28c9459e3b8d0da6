"""The software bill of materials: what this installation runs on, as CycloneDX 1.6 JSON (ECMA-424)."""

import json
import platform
import uuid
from datetime import datetime
from importlib.metadata import Distribution, distributions
from typing import Any

_ID = uuid.UUID("6f4a1c3e-8f4e-5b8e-9a51-0d6a3a1f2b7c")


def write_sbom(*, now: datetime) -> bytes:
    """Return the document: one component per installed distribution, sorted by name."""
    found = {(one.name or "").lower(): one for one in distributions() if one.name}
    components = [_component(found[name]) for name in sorted(found)]
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {
            "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "application", "name": "asset_hub", "version": _own_version(found)},
            "properties": [{"name": "python", "value": platform.python_version()}],
        },
        "components": [one for one in components if one["name"].lower() not in ("asset-hub", "asset_hub")],
    }  # fmt: skip
    content = json.dumps(document, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(_ID, content)}"
    return json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1).encode()


def _component(one: Distribution) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "library", "name": one.name, "version": one.version,
        "purl": f"pkg:pypi/{one.name.lower().replace('_', '-')}@{one.version}",
    }  # fmt: skip
    expression, free = _field(one, "License-Expression"), _field(one, "License")
    if expression:
        made["licenses"] = [{"expression": expression}]
    elif free:
        made["licenses"] = [{"license": {"name": free}}]
    return made


def _field(one: Distribution, name: str) -> str:
    """Return the first line of a field of a distribution's metadata; empty where it has none."""
    text = str(one.metadata[name] or "") if name in one.metadata else ""
    return text.strip().splitlines()[0][:100] if text.strip() else ""


def _own_version(found: dict[str, Distribution]) -> str:
    own = found.get("asset-hub") or found.get("asset_hub")
    return own.version if own else "0"
