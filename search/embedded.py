"""The default engine: tantivy in a folder of the home. One writer at a time, by a lock that others wait for."""

import fcntl
import json
import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tantivy
from tantivy import FieldType, Occur, Query

from asset_hub.core.ids import new_id
from search.engine import (
    BOOSTS,
    KEYWORDS,
    NUMBERS,
    PHRASED,
    SCHEMA_VERSION,
    STREAMS,
    Clause,
    EngineAnswer,
    EngineHit,
    EngineRequest,
    IndexDocument,
    IndexName,
)

_HEAP = 64 << 20
_FACET_VALUES = 500


class EmbeddedEngine:
    """Folders `<root>/<generation>/<index>`; the file `<root>/current` names the generation in use."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.RLock()
        self._opened: tuple[str, dict[IndexName, tantivy.Index]] | None = None
        root.mkdir(parents=True, exist_ok=True)

    def replace(self, groups: Sequence[str], documents: Mapping[IndexName, Sequence[IndexDocument]]) -> None:
        self._indexes()
        with self._writing():
            for name, index in self._indexes().items():
                _write(index, groups, documents.get(name, ()))

    def search(self, request: EngineRequest) -> EngineAnswer:
        index = self._indexes()[request.index]
        index.reload()
        searcher = index.searcher()
        query = _all_of(index, [_base(index, request), *_filters(index, request.facet_filters)])
        options: dict[str, Any] = {"order_by_field": request.sort, "order": _order(request)} if request.sort else {}
        found = searcher.search(query, limit=max(1, request.size), offset=request.offset, **options)
        hits = [
            EngineHit(str(document["id"][0]), str(document["group"][0]), 0.0 if request.sort else float(score))
            for score, document in ((score, searcher.doc(address)) for score, address in found.hits)
        ]
        facets = {field: _count(index, searcher, request, field) for field in request.facets}
        total = int(found.count)  # type: ignore[attr-defined]
        return EngineAnswer(total, tuple(hits[: request.size]), facets)

    def versions(self, index: IndexName) -> dict[str, int]:
        opened = self._indexes()[index]
        opened.reload()
        searcher = opened.searcher()
        if searcher.num_docs == 0:
            return {}
        found = searcher.search(Query.all_query(), limit=searcher.num_docs)
        documents = (searcher.doc(address) for _, address in found.hits)
        return {str(document["id"][0]): int(document["version"][0]) for document in documents}

    def rebuild(self, batches: Iterable[Mapping[IndexName, Sequence[IndexDocument]]]) -> None:
        with self._writing():
            generation = f"v{SCHEMA_VERSION}-{new_id().hex}"
            fresh = _open(self.root / generation)
            for batch in batches:
                for name, documents in batch.items():
                    _write(fresh[name], (), documents)
            old = self._current()
            self._point_to(generation)
            if old is not None and old != generation:
                shutil.rmtree(self.root / old, ignore_errors=True)

    def close(self) -> None:
        self._opened = None

    def _indexes(self) -> dict[IndexName, tantivy.Index]:
        with self._lock:
            current = self._current()
            if current is None:
                with self._writing():
                    current = self._current() or self._begin()
            if self._opened is None or self._opened[0] != current:
                self._opened = current, _open(self.root / current)
            return self._opened[1]

    def _begin(self) -> str:
        generation = f"v{SCHEMA_VERSION}-{new_id().hex}"
        _open(self.root / generation)
        self._point_to(generation)
        return generation

    def _current(self) -> str | None:
        try:
            name = (self.root / "current").read_text().strip()
        except FileNotFoundError:
            return None
        return name if name.startswith(f"v{SCHEMA_VERSION}-") else None

    def _point_to(self, generation: str) -> None:
        fresh = self.root / f".current.{os.getpid()}"
        fresh.write_text(generation)
        fresh.replace(self.root / "current")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, (self.root / "writer.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _open(folder: Path) -> dict[IndexName, tantivy.Index]:
    opened = {}
    for name in IndexName:
        path = folder / name
        path.mkdir(parents=True, exist_ok=True)
        opened[name] = tantivy.Index(_schema(), path=str(path))
        opened[name].register_tokenizer("spaces", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    return opened


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    for stream in STREAMS:
        option = "position" if stream in PHRASED else "freq"
        builder.add_text_field(stream, tokenizer_name="spaces", index_option=option)
    for keyword in KEYWORDS:
        builder.add_text_field(
            keyword, stored=keyword == "group", fast=True, tokenizer_name="raw", index_option="basic"
        )
    for number in NUMBERS:
        builder.add_integer_field(number, stored=number == "version", indexed=True, fast=True)
    return builder.build()


def _write(index: tantivy.Index, groups: Sequence[str], documents: Sequence[IndexDocument]) -> None:
    writer = index.writer(_HEAP, 1)
    for group in groups:
        writer.delete_documents_by_term("group", group)
    for document in documents:
        writer.add_document(tantivy.Document.from_dict(_fields(document)))
    writer.commit()
    writer.garbage_collect_files()
    writer.wait_merging_threads()


def _fields(document: IndexDocument) -> dict[str, object]:
    return {
        "id": [document.id],
        "group": [document.group],
        "version": [document.version],
        **{name: [text] for name, text in document.streams.items()},
        **{name: list(values) for name, values in document.keywords.items() if values},
        **{name: [value] for name, value in document.numbers.items()},
    }


def _base(index: tantivy.Index, request: EngineRequest) -> Query:
    parts: list[tuple[Occur, Query]] = [(Occur.Must, Query.const_score_query(Query.all_query(), 0.0))]
    parts += [(Occur.Must, _silent(_clause(index, clause))) for clause in request.must]
    parts += [(Occur.MustNot, _clause(index, clause)) for clause in request.must_not]
    for field, (low, high) in request.ranges.items():
        parts.append((Occur.Must, _silent(_range(index, field, low, high))))
    parts += [(Occur.Must, query) for query in _filters(index, request.filters)]
    parts += [(Occur.MustNot, query) for query in _filters(index, request.without)]
    for stream, tokens in request.ranking.items():
        for token in tokens:
            term = Query.term_query(index.schema, stream, token, "freq")
            parts.append((Occur.Should, Query.boost_query(term, BOOSTS[stream])))
    return Query.boolean_query(parts)


def _clause(index: tantivy.Index, clause: Clause) -> Query:
    options = [
        Query.phrase_query(index.schema, clause.stream, list(tokens))
        if len(tokens) > 1
        else Query.term_query(index.schema, clause.stream, tokens[0], "basic")
        for tokens in clause.any_of
    ]
    return options[0] if len(options) == 1 else Query.boolean_query([(Occur.Should, option) for option in options])


def _range(index: tantivy.Index, field: str, low: int | None, high: int | None) -> Query:
    return Query.range_query(index.schema, field, FieldType.Integer, low, high)


def _filters(index: tantivy.Index, filters: Mapping[str, tuple[str, ...]]) -> list[Query]:
    return [
        _silent(Query.term_set_query(index.schema, field, list(values))) if values else Query.empty_query()
        for field, values in filters.items()
    ]


def _silent(query: Query) -> Query:
    return Query.const_score_query(query, 0.0)


def _all_of(_index: tantivy.Index, queries: Sequence[Query]) -> Query:
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Must, query) for query in queries])


def _order(request: EngineRequest) -> "tantivy.Order":
    return tantivy.Order.Desc if request.descending else tantivy.Order.Asc


def _count(index: tantivy.Index, searcher: tantivy.Searcher, request: EngineRequest, field: str) -> dict[str, int]:
    others = {name: values for name, values in request.facet_filters.items() if name != field}
    query = _all_of(index, [_base(index, request), *_filters(index, others)])
    terms = {"field": field, "size": _FACET_VALUES, "segment_size": 10 * _FACET_VALUES}
    answer = searcher.aggregate(query, {"values": {"terms": terms}})
    answer = json.loads(answer) if isinstance(answer, str) else answer
    return {str(bucket["key"]): int(bucket["doc_count"]) for bucket in answer["values"]["buckets"]}
