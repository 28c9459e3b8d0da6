"""Rate of indexing beside a bare tantivy writer, and a page query beside a bare top-20 query, in the same run.

Ours includes the analysis of the text; the bare writer gets the same tokens ready made. One engine, one process.
"""

from bench import Figures, measured  # first: it takes this folder off the path

# isort: split
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import tantivy

from search.embedded import EmbeddedEngine
from search.engine import PHRASED, STREAMS, Clause, EngineRequest, IndexDocument, IndexName
from search.query import parse_terms
from search.text import join_streams

DOCUMENTS, BATCH, QUERIES = 4000, 500, 200
WORDS = (
    "朝天门", "黄昏", "轮渡", "长江", "三峡", "夔门", "雾", "夜", "桥", "解放碑", "吊脚楼", "老照片", "纤夫", "号子",
    "索道", "梯坎", "码头", "火锅", "茶馆", "航拍", "1983年", "ferry", "dusk", "river", "monorail", "stilt house",
)  # fmt: skip
ASKED = ("朝天门", "黄昏", "桥", "三峡 雾", "吊脚楼", "river dusk", "码头", "茶馆 夜")


def main() -> None:
    """Print both ratios."""
    figures, rng = Figures(), random.Random(7)
    texts = [("，".join(rng.choices(WORDS, k=4)), "。".join(rng.choices(WORDS, k=40))) for _ in range(DOCUMENTS)]
    with tempfile.TemporaryDirectory() as folder:
        engine = EmbeddedEngine(Path(folder) / "ours")
        bare = open_bare(Path(folder) / "bare")
        measure_indexing(figures, engine, bare, texts)
        measure_queries(figures, engine, bare)
    figures.finish()


def measure_indexing(
    figures: Figures, engine: EmbeddedEngine, bare: tantivy.Index, texts: Sequence[tuple[str, str]]
) -> None:
    """Index the same texts: analysed into streams with facets, in durable batches; and by the bare writer."""
    with measured() as ours:
        for start in range(0, len(texts), BATCH):
            made = [document_of(start + n, *pair) for n, pair in enumerate(texts[start : start + BATCH])]
            engine.replace([document.group for document in made], {IndexName.ASSETS: made})
    analysed = [document_of(number, *pair) for number, pair in enumerate(texts)]
    with measured() as theirs:
        writer = bare.writer(64 << 20, 1)
        for number, document in enumerate(analysed, start=1):
            writer.add_document(tantivy.Document(id=document.id, **document.streams))
            if number % BATCH == 0:
                writer.commit()
        writer.wait_merging_threads()
    figures.put("index: documents/s", len(texts) / ours.seconds, "five streams, facets, durable every 500")
    figures.put(
        "index: bare tantivy documents/s",
        len(texts) / theirs.seconds,
        "the same streams, analysed beforehand; no facets",
    )
    figures.put("index: ratio", theirs.seconds / ours.seconds, "1 would be the bare writer")


def measure_queries(figures: Figures, engine: EmbeddedEngine, bare: tantivy.Index) -> None:
    """Ask the same words: a page with exact total, ranking and four facets; and the bare top 20."""
    bare.reload()
    requests = [request_of(ASKED[n % len(ASKED)]) for n in range(QUERIES)]
    questions = [bare.parse_query(" ".join(request.ranking["words"]), ["words", "title_words"]) for request in requests]
    with measured() as ours:
        found = [engine.search(request).total for request in requests]
    with measured() as theirs:
        for question in questions:
            searcher = bare.searcher()
            for _, address in searcher.search(question, limit=20).hits:
                searcher.doc(address)
    if not all(found):
        raise SystemExit("a word of the collection was not found")
    figures.put("query: page ms", 1000 * ours.seconds / QUERIES, "total, top 20, four facets")
    figures.put("query: bare top-20 ms", 1000 * theirs.seconds / QUERIES)
    figures.put("query: ratio", ours.seconds / theirs.seconds, "times the bare query")


def open_bare(folder: Path) -> tantivy.Index:
    """Return an index with the same streams and nothing else."""
    folder.mkdir()
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw")
    for stream in STREAMS:
        builder.add_text_field(
            stream, tokenizer_name="spaces", index_option="position" if stream in PHRASED else "freq"
        )
    index = tantivy.Index(builder.build(), path=str(folder))
    index.register_tokenizer("spaces", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    return index


def document_of(number: int, title: str, text: str) -> IndexDocument:
    """Return the document that our indexer would make of these texts."""
    whole, named, rng = join_streams([title, text]), join_streams([title]), random.Random(number)
    return IndexDocument(
        id=f"id-{number:05d}", group=f"id-{number:05d}", version=1,
        streams={
            "chars": " ".join(whole.chars), "bigrams": " ".join(whole.bigrams), "words": " ".join(whole.words),
            "title_chars": " ".join(named.chars), "title_words": " ".join(named.words),
        },
        keywords={
            "kind": [rng.choice(["film", "picture", "sound"])], "district": [rng.choice(["500103", "500236"])],
            "theme": [rng.choice(["01", "02", "07"])], "decade": [str(rng.randrange(1900, 2030, 10))],
        },
        numbers={},
    )  # fmt: skip


def request_of(text: str) -> EngineRequest:
    """Return the compiled page query."""
    terms = [term for term in parse_terms(text) if not term.is_excluded]
    words = join_streams([text])
    return EngineRequest(
        IndexName.ASSETS, must=tuple(Clause(term.any_of) for term in terms),
        ranking={"chars": words.chars, "words": words.words, "title_words": words.words},
        facets=("kind", "district", "theme", "decade"),
    )  # fmt: skip


if __name__ == "__main__":
    main()
