"""Both engines give the answer of a brute-force scan: hit sets, totals, facets, order, pages, updates, rebuilds."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.elastic import ElasticEngine
from search.embedded import EmbeddedEngine
from search.engine import Clause, EngineRequest, IndexDocument, IndexName, SearchEngine
from search.query import parse_terms
from search.text import join_streams
from tests.drill import grown

WORDS = (
    "朝天门", "黄昏", "轮渡", "长江", "三峡", "夔门", "雾", "夜", "桥", "解放碑", "吊脚楼", "老照片", "ferry", "dusk",
    "river", "Three Gorges", "1983年", "重庆大轰炸", "桥头", "门", "天", "航拍", "纤夫", "川江号子", "neon-light",
)  # fmt: skip
KINDS = ("film", "picture", "sound")
DISTRICTS = ("500103", "500108", "500236", "500106")


def make_documents(count: int, seed: int = 7) -> list[IndexDocument]:
    """Return documents of random words with random facets; half of them readable by everybody."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        texts = [rng.choice(["", "，", " ", "。"]).join(rng.choices(WORDS, k=rng.randint(1, 6))) for _ in range(2)]
        streams = join_streams(texts)
        year = rng.randint(-500, 2026)
        made.append(
            IndexDocument(
                id=f"id-{number:05d}", group=f"group-{number:05d}", version=1,
                streams={
                    "chars": " ".join(streams.chars), "bigrams": " ".join(streams.bigrams),
                    "words": " ".join(streams.words), "title_chars": " ".join(join_streams(texts[:1]).chars),
                    "title_words": " ".join(join_streams(texts[:1]).words),
                },
                keywords={
                    "kind": [rng.choice(KINDS)], "district": rng.sample(DISTRICTS, rng.randint(0, 2)),
                    "readers": [rng.choice(["everybody", "staff:1"])], "decade": [str(year // 10 * 10)],
                },
                numbers={"first_day": year * 365, "last_day": year * 365 + 364},
            )
        )  # fmt: skip
    return made


def holds(document: IndexDocument, clause: Clause) -> bool:
    tokens = document.streams[clause.stream].split()
    return any(
        tokens[start : start + len(phrase)] == list(phrase)
        for phrase in clause.any_of
        for start in range(len(tokens) - len(phrase) + 1)
    )


def scan(documents: list[IndexDocument], request: EngineRequest, *, without: str = "") -> set[str]:
    """The referee: which documents match, one facet's own selection left out if asked."""
    filters = {**request.filters, **{k: v for k, v in request.facet_filters.items() if k != without}}
    found = set()
    for document in documents:
        if not all(holds(document, clause) for clause in request.must):
            continue
        if any(holds(document, clause) for clause in request.must_not):
            continue
        if any(set(document.keywords.get(field, ())) & set(values) for field, values in request.without.items()):
            continue
        if not all(set(document.keywords.get(field, ())) & set(values) for field, values in filters.items()):
            continue
        if not all(
            (low is None or document.numbers[field] >= low) and (high is None or document.numbers[field] <= high)
            for field, (low, high) in request.ranges.items()
        ):
            continue
        found.add(document.id)
    return found


def requests() -> list[EngineRequest]:
    rng = random.Random(11)
    made = []
    typed = [*WORDS, "天门", "门黄", "江 雾", '"dusk ferry"', "-夜 桥", "桥 OR 渡", "不存在的词", "", "light", "大轰"]
    typed += [" ".join(rng.choices(WORDS, k=2)) for _ in range(30)]
    for text in typed:
        terms = parse_terms(text)
        stream = rng.choice(["chars", "chars", "title_chars"])
        tokens = tuple(token for term in terms if not term.is_excluded for phrase in term.any_of for token in phrase)
        made.append(
            EngineRequest(
                index=IndexName.ASSETS,
                must=tuple(Clause(term.any_of, stream) for term in terms if not term.is_excluded),
                must_not=tuple(Clause(term.any_of) for term in terms if term.is_excluded),
                ranking={"chars": tokens} if tokens else {},
                filters={"readers": ("everybody",)},
                without=rng.choice([{}, {}, {"kind": ("sound",)}, {"district": ("500103", "500236")}]),
                facet_filters=rng.choice(
                    [{}, {"kind": ("film",)}, {"kind": ("film", "sound"), "district": ("500103",)}]
                ),
                ranges=rng.choice(
                    [{}, {"first_day": (None, 0)}, {"last_day": (-1000, None), "first_day": (None, 9000)}]
                ),
                facets=("kind", "district"),
                size=grown(1000, 8000),
            )
        )
    return made


@pytest.fixture(params=["embedded", pytest.param("elasticsearch", marks=pytest.mark.elasticsearch)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SearchEngine]:
    opened: SearchEngine
    if request.param == "embedded":
        opened = EmbeddedEngine(tmp_path / "index")
    else:
        opened = ElasticEngine(request.getfixturevalue("elasticsearch_url"), prefix=f"t{tmp_path.name.lower()[-20:]}")
    yield opened
    opened.close()


def fill(engine: SearchEngine, documents: list[IndexDocument]) -> None:
    engine.replace([document.group for document in documents], {IndexName.ASSETS: documents})


def test_answers_are_those_of_a_scan(engine: SearchEngine) -> None:
    documents = make_documents(grown(600, 6000))
    fill(engine, documents)

    for request in requests():
        answer = engine.search(request)
        expected = scan(documents, request)
        assert answer.total == len(expected), request
        assert {hit.id for hit in answer.hits} == expected
        assert [hit.score for hit in answer.hits] == sorted((hit.score for hit in answer.hits), reverse=True)
        for field in request.facets:
            matching = scan(documents, request, without=field)
            counts: dict[str, int] = {}
            for document in documents:
                for value in document.keywords.get(field, ()) if document.id in matching else ():
                    counts[value] = counts.get(value, 0) + 1
            assert dict(answer.facets[field]) == counts, (request, field)


def test_pages_are_disjoint_and_complete(engine: SearchEngine) -> None:
    fill(engine, make_documents(130))
    seen: list[str] = []
    for offset in range(0, 130, 25):
        answer = engine.search(EngineRequest(index=IndexName.ASSETS, size=25, offset=offset))
        assert answer.total == 130
        seen += [hit.id for hit in answer.hits]
    assert len(seen) == len(set(seen)) == 130


def test_an_asset_is_replaced_whole_and_forgotten_whole(engine: SearchEngine) -> None:
    documents = make_documents(20)
    fill(engine, documents)
    fresh = make_documents(1, seed=3)[0]
    newer = IndexDocument("other-id", documents[4].group, 9, fresh.streams, fresh.keywords, fresh.numbers)

    engine.replace([documents[4].group, documents[5].group], {IndexName.ASSETS: [newer]})

    versions = engine.versions(IndexName.ASSETS)
    assert versions.keys() == {d.id for d in documents if d not in documents[4:6]} | {"other-id"}
    assert versions["other-id"] == 9


def test_a_rebuild_replaces_everything_and_readers_see_one_of_the_two(engine: SearchEngine) -> None:
    fill(engine, make_documents(30))
    fresh = make_documents(50, seed=9)

    def batches() -> Iterator[dict[IndexName, list[IndexDocument]]]:
        yield {IndexName.ASSETS: fresh[:25]}
        assert engine.search(EngineRequest(index=IndexName.ASSETS)).total == 30
        yield {IndexName.ASSETS: fresh[25:]}

    engine.rebuild(batches())

    assert engine.search(EngineRequest(index=IndexName.ASSETS)).total == 50


def test_dates_sort_both_ways_and_before_our_era(engine: SearchEngine) -> None:
    documents = make_documents(40)
    fill(engine, documents)
    by_date = sorted(document.numbers["first_day"] for document in documents)
    days = {document.id: document.numbers["first_day"] for document in documents}
    for descending in (False, True):
        answer = engine.search(EngineRequest(index=IndexName.ASSETS, sort="first_day", descending=descending, size=40))
        assert [days[hit.id] for hit in answer.hits] == sorted(by_date, reverse=descending)
