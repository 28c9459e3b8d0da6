"""How the catalogue speaks on pages: names of elements, what set a value in words, codes by their names."""

from asset_hub.catalogue.tables import name_of
from asset_hub.catalogue.types import ValueView
from asset_hub.core.text import N_, Text

ELEMENT_NAMES: dict[str, str] = {
    "title": N_("Title"),
    "alternative": N_("Other title"),
    "date": N_("Date"),
    "district": N_("District"),
    "place": N_("Place"),
    "people": N_("People"),
    "creator": N_("Creator"),
    "contributor": N_("Contributor"),
    "subject": N_("Subject"),
    "theme": N_("Theme"),
    "description": N_("Description"),
    "identifier": N_("Other numbers"),
    "provenance": N_("Provenance"),
    "language": N_("Language"),
    "rights_statement": N_("Rights statement"),
    "transition": N_("Transition"),
}
_TABLES = {"district": "gbt2260_chongqing", "theme": "chongqing_themes"}
_SOURCES: tuple[tuple[str, str], ...] = (
    ("person:", N_("a person wrote it")),
    ("sheet", N_("the holder's own sheet")),
    ("file:name", N_("the name of the file")),
    ("file:embedded", N_("the file itself says so")),
    ("rule:", N_("a rule found it in the words")),
    ("harvest", N_("harvested")),
)


def value_in_words(value: ValueView, language: str) -> str:
    """Return what a value says; a code is shown by its name in the reader's language."""
    table = _TABLES.get(value.element)
    return name_of(table, value.code, language) if table and value.code else value.value


def source_in_words(source: str) -> Text:
    """Return what set a value, for people; a tool keeps its name and version."""
    for prefix, words in _SOURCES:
        if source.startswith(prefix):
            return Text(words)
    return Text(N_("made by {tool}"), {"tool": source})
