"""The engine at scale: Elasticsearch 9 with one plain mapping; the same request, the same answer.

Needs no plug-in: text is analysed in our code and split at white space by the built-in analyzer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from elasticsearch import ApiError, Elasticsearch, OrjsonSerializer, TransportError
from elasticsearch.helpers import scan, streaming_bulk

from asset_hub.core.ids import new_id
from asset_hub.core.text import N_
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
from search.errors import SearchUnavailable

_FACET_VALUES = 500
_CHUNK = 1000
_MAX_TERMS = 60_000


class ElasticEngine:
    """Indexes `<prefix>-assets-v1-…` and `-shots-…` behind one alias each; `close` ends the connections."""

    def __init__(self, url: str, *, prefix: str = "asset-hub") -> None:
        self.prefix = prefix
        self.client = Elasticsearch(url, serializer=OrjsonSerializer(), request_timeout=60)
        self._ready = False

    def replace(self, groups: Sequence[str], documents: Mapping[IndexName, Sequence[IndexDocument]]) -> None:
        with _translated():
            self._prepare()
            for name in IndexName:
                fresh = {document.id: document for document in documents.get(name, ())}
                gone = self._ids_of(name, groups) - set(fresh)
                deletes = ({"_op_type": "delete", "_id": key} for key in gone)
                self._bulk(self._alias(name), [*deletes, *(_action(document) for document in fresh.values())])
                self.client.indices.refresh(index=self._alias(name))

    def search(self, request: EngineRequest) -> EngineAnswer:
        with _translated():
            self._prepare()
            found = self.client.search(index=self._alias(request.index), **_body(request))
        hits = tuple(
            EngineHit(hit["_id"], hit["_source"]["group"], 0.0 if request.sort else float(hit["_score"] or 0.0))
            for hit in found["hits"]["hits"]
        )
        facets = {
            field: {str(b["key"]): int(b["doc_count"]) for b in found["aggregations"][field]["values"]["buckets"]}
            for field in request.facets
        }
        return EngineAnswer(int(found["hits"]["total"]["value"]), hits, facets)

    def versions(self, index: IndexName) -> dict[str, int]:
        with _translated():
            self._prepare()
            found = scan(self.client, index=self._alias(index), query={"_source": ["version"]})
            return {hit["_id"]: int(hit["_source"]["version"]) for hit in found}

    def rebuild(self, batches: Iterable[Mapping[IndexName, Sequence[IndexDocument]]]) -> None:
        with _translated():
            self._prepare()
            fresh = {name: self._create(name) for name in IndexName}
            for batch in batches:
                for name, documents in batch.items():
                    self._bulk(fresh[name], [_action(document) for document in documents])
            actions: list[dict[str, Any]] = []
            old = []
            for name, index in fresh.items():
                self.client.indices.refresh(index=index)
                old += list(self.client.indices.get_alias(name=self._alias(name)))
                actions.append({"add": {"index": index, "alias": self._alias(name)}})
            actions += [{"remove_index": {"index": index}} for index in old]
            self.client.indices.update_aliases(actions=actions)

    def close(self) -> None:
        self.client.close()

    def _alias(self, name: IndexName) -> str:
        return f"{self.prefix}-{name}-v{SCHEMA_VERSION}"

    def _prepare(self) -> None:
        if self._ready:
            return
        for name in IndexName:
            if not self.client.indices.exists_alias(name=self._alias(name)):
                index = self._create(name)
                self.client.indices.put_alias(index=index, name=self._alias(name))
        self._ready = True

    def _create(self, name: IndexName) -> str:
        index = f"{self._alias(name)}-{new_id().hex}"
        self.client.indices.create(index=index, mappings=_mappings(), settings={"number_of_replicas": 0})
        return index

    def _ids_of(self, name: IndexName, groups: Sequence[str]) -> set[str]:
        query = {"query": {"terms": {"group": list(groups)}}, "_source": False}
        return {hit["_id"] for hit in scan(self.client, index=self._alias(name), query=query)}

    def _bulk(self, index: str, actions: Sequence[dict[str, Any]]) -> None:
        for ok, item in streaming_bulk(
            self.client, actions, index=index, chunk_size=_CHUNK, max_retries=5, raise_on_error=False
        ):
            if not ok and next(iter(item.values())).get("status") != 404:
                raise SearchUnavailable(N_("Elasticsearch refused a document: {reason}"), reason=str(item)[:300])


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (TransportError, ApiError) as error:
        raise SearchUnavailable(N_("Elasticsearch: {reason}"), reason=str(error)[:300]) from error


def _mappings() -> dict[str, Any]:
    text = {"type": "text", "analyzer": "whitespace", "norms": True}
    streams: dict[str, Any] = {
        stream: text | {"index_options": "positions" if stream in PHRASED else "freqs"} for stream in STREAMS
    }
    return {
        "dynamic": "strict",
        "properties": {
            **streams,
            **{keyword: {"type": "keyword"} for keyword in KEYWORDS},
            **{number: {"type": "long"} for number in NUMBERS},
        },
    }


def _action(document: IndexDocument) -> dict[str, Any]:
    source = {
        "group": document.group, "version": document.version, **document.streams,
        **{name: list(values) for name, values in document.keywords.items()}, **document.numbers,
    }  # fmt: skip
    return {"_op_type": "index", "_id": document.id, "_source": source}


def _body(request: EngineRequest) -> dict[str, Any]:
    chosen = [_terms(field, values) for field, values in request.facet_filters.items()]
    sort: list[Any] = ["_score", {"group": "asc"}]
    if request.sort:
        sort = [
            {request.sort: {"order": "desc" if request.descending else "asc", "missing": "_last"}},
            {"group": "asc"},
        ]
    return {
        "query": _query(request),
        **({"post_filter": {"bool": {"filter": chosen}}} if chosen else {}),
        "aggs": {field: _facet(request, field) for field in request.facets},
        "sort": sort,
        "size": request.size,
        "from_": request.offset,
        "source": ["group"],
        "track_total_hits": True,
    }


def _query(request: EngineRequest) -> dict[str, Any]:
    filters = [_clause(clause) for clause in request.must]
    filters += [_terms(field, values) for field, values in request.filters.items()]
    for field, (low, high) in request.ranges.items():
        bounds = {key: value for key, value in (("gte", low), ("lte", high)) if value is not None}
        filters.append({"range": {field: bounds}})
    return {
        "bool": {
            "must": [{"constant_score": {"filter": {"match_all": {}}, "boost": 0.0}}],
            "filter": filters,
            "must_not": [*(_clause(clause) for clause in request.must_not), *_without(request)],
            "should": [
                {"term": {stream: {"value": token, "boost": BOOSTS[stream]}}}
                for stream, tokens in request.ranking.items()
                for token in tokens
            ],
        }
    }


def _facet(request: EngineRequest, field: str) -> dict[str, Any]:
    others = [_terms(name, values) for name, values in request.facet_filters.items() if name != field]
    inner = {"values": {"terms": {"field": field, "size": _FACET_VALUES}}}
    return {"filter": {"bool": {"filter": others}}, "aggs": inner}


def _clause(clause: Clause) -> dict[str, Any]:
    options = [{"match_phrase": {clause.stream: " ".join(tokens)}} for tokens in clause.any_of]
    return options[0] if len(options) == 1 else {"bool": {"should": options, "minimum_should_match": 1}}


def _without(request: EngineRequest) -> list[dict[str, Any]]:
    return [
        _terms(field, values[start : start + _MAX_TERMS])
        for field, values in request.without.items()
        for start in range(0, len(values), _MAX_TERMS)
    ]


def _terms(field: str, values: Sequence[str]) -> dict[str, Any]:
    return {"terms": {field: list(values)}}
