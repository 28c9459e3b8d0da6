"""Opens the engine that the settings name."""

from pathlib import Path
from urllib.parse import urlsplit

from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_
from search.engine import SearchEngine


def open_search(url: str, *, home: Path) -> SearchEngine:
    """Open "embedded" (in the home) or http(s)://host:port of an Elasticsearch 9 cluster. Raises BadInput."""
    if url == "embedded":
        from search.embedded import EmbeddedEngine

        return EmbeddedEngine(home / "index")
    if urlsplit(url).scheme in ("http", "https"):
        from search.elastic import ElasticEngine

        return ElasticEngine(url)
    raise BadInput(N_("“{url}” is no address for search: use embedded or http(s)://."), url=url)
