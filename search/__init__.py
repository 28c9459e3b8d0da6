"""The read side: text, facets, shots; knows every domain root, is known by none."""

from search.engine import SearchEngine
from search.find import SearchHit, SearchPage, search_assets
from search.open import open_search
from search.query import SearchQuery, read_query
from search.text import mark_terms

__all__ = [
    "SearchEngine", "SearchHit", "SearchPage", "SearchQuery", "mark_terms", "open_search", "read_query",
    "search_assets",
]  # fmt: skip
