"""Packs the verifier's own sources into one file: an archive (.pyz), a script (.py) or a page (.html).

The archive holds the product's modules unchanged; only the module of compiled primitives is replaced by its twin.
"""

import ast
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from asset_hub.core.errors import BadInput, Unavailable
from asset_hub.core.text import N_
from asset_hub.web.texts import chinese

_LEDGER = Path(__file__).resolve().parents[1]
_STATIC = _LEDGER.parent / "asset_hub" / "web" / "static"
_PACKED = ("__init__", "standalone/__init__", "curves", "standalone/pure")
_RULES = (
    "recovery", "merkle", "trie", "papers", "blocks", "sm", "der", "stamps", "witnesses",
    "jpeg_blocks", "rasters", "likeness", "verifier", "zips", "bundles", "standalone/program",
)  # fmt: skip
_STAMP = (2026, 1, 1, 0, 0, 0)
_START = """\
import sys

from ledger.standalone.program import main

CHINESE = {words}

if __name__ == "__main__":
    sys.exit(main(CHINESE))
"""
PAGE = frozenset(
    {
        N_("Verify a certificate"), N_("Certificate (JSON) or evidence bundle (ZIP)"),
        N_("The delivered file"), N_("Trust file"),
        N_("Status list"), N_("Day"), N_("Verify"), N_("Link"), N_("Result"), N_("What was found"), N_("Valid"),
        N_("Not valid"), N_("What fails:"), N_("Every link that was checked holds."), N_("being computed …"),
        N_("Links of the proof"), N_("Choose the certificate first."), N_("What the certificate says"),
        N_("Licence number"), N_("Work"), N_("Licensor"), N_("Licensee"), N_("Uses"), N_("Territories"),
        N_("First day"), N_("Last day, included"), N_("Delivered file"),
        N_("This page works without any network: what you choose stays on this computer."),
        N_("Without a trust file the page cannot say whether the issuer is the one you rely on."),
    }
)  # fmt: skip
_HEAD = """\
#!/usr/bin/env python3
\"\"\"核验授权凭证的独立程序：Python 3.11 以上即可运行，不需安装任何包，不联网。
Verifies licence certificates: a bare Python 3.11 or newer, nothing installed, no network. `--help` says how.

The texts in SOURCES are modules of asset_hub (Apache-2.0), unchanged; the end of this file loads and runs them.
\"\"\"
"""
_LOADER = """\

for name, (is_package, source) in SOURCES.items():
    module = types.ModuleType(name)
    if is_package:
        module.__path__ = []
    sys.modules[name] = module
    parent, _, own = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], own, module)
    exec(compile(source, f"<{name}>", "exec"), module.__dict__)

exec(compile(START, "<start>", "exec"), {"__name__": "__main__"})
"""


def write_verifier(target: Path) -> None:
    """Write the stand-alone verifier in the form that the target's ending names. Raises BadInput, Unavailable."""
    match target.suffix.lower():
        case ".pyz":
            target.write_bytes(pack_archive())
        case ".py":
            target.write_text(pack_script(), encoding="utf-8", newline="\n")
        case ".html":
            target.write_text(pack_page(), encoding="utf-8", newline="\n")
        case _:
            raise BadInput(N_("The verifier is written as .pyz, .py or .html."))


def pack_archive() -> bytes:
    """Return a zip that Python runs; equal sources give equal bytes."""
    packed = io.BytesIO()
    packed.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, source in {**sources(), "__main__": _start()}.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.py", _STAMP), source, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def pack_script() -> str:
    """Return one Python source that carries every module as text."""
    modules = [_as_literal(name, source) for name, source in sources().items()]
    body = "".join(["import sys\nimport types\n\nSOURCES = {\n", *modules, "}\nSTART = ", _quoted(_start()), "\n"])
    return _HEAD + body + _LOADER


def pack_page() -> str:
    """Return the page with its program, style and words inside. Raises Unavailable before `make web`."""
    program = _STATIC / "dist" / "verifier.js"
    if not program.is_file():
        raise Unavailable(N_("The page's program is missing: run make web."))
    template = (_LEDGER / "standalone" / "page.html").read_text(encoding="utf-8")
    words = json.dumps(_words(messages() | PAGE), ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")
    script = program.read_text(encoding="utf-8").replace("</script", "<\\/script")
    return template.replace("{{ words }}", words).replace("{{ program }}", script)


def sources() -> Mapping[str, str]:
    """Return the modules of the verifier by their path, in the order in which they need each other."""
    found = {f"ledger/{name}": (_LEDGER / f"{name}.py").read_text(encoding="utf-8") for name in (*_PACKED, *_RULES)}
    packed = {name: found[name] for name in (f"ledger/{one}" for one in _PACKED)}
    packed["ledger/standalone/native"] = found["ledger/standalone/pure"]
    return {**packed, **{f"ledger/{name}": found[f"ledger/{name}"] for name in _RULES}}


def messages() -> frozenset[str]:
    """Return every message that the packed modules may say."""
    return frozenset(
        node.args[0].value
        for source in sources().values()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "N_"
        if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    )


def _start() -> str:
    pairs = "".join(f"    {message!r}: {text!r},\n" for message, text in sorted(_words(messages()).items()))
    return _START.replace("{words}", "{\n" + pairs + "}")


def _words(wanted: frozenset[str]) -> Mapping[str, str]:
    table = chinese()
    return {message: table[message] for message in wanted if message in table}


def _as_literal(name: str, source: str) -> str:
    path = name.removesuffix("/__init__")
    return f"{path.replace('/', '.')!r}: ({path != name}, {_quoted(source)}),\n"


def _quoted(source: str) -> str:
    if "'''" in source:
        return repr(source)
    return f"r'''{source}'''"
