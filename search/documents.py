"""From an asset to what the indexes hold of it: one document for the asset, one for each of its shots."""

from collections.abc import Mapping, Sequence

from asset_hub.catalogue import AssetState, AssetView, PartLevel, PartView, Secrecy
from asset_hub.core.edtf import BadDate, EdtfSpan, parse_edtf_span
from search.engine import IndexDocument, IndexName
from search.text import Streams, join_streams

EVERYBODY = "everybody"
OVERSEER = "overseer"
_AFTER_THE_TIME = 80  # a UUIDv7 begins with 48 bits of milliseconds (RFC 9562, 5.7)
_SPOKEN = (
    "title", "alternative", "description", "subject", "place", "district", "people", "creator", "contributor",
    "theme", "identifier", "provenance",
)  # fmt: skip


def build_documents(
    asset: AssetView, *, is_held_back: bool, offer: Sequence[str] = ()
) -> Mapping[IndexName, Sequence[IndexDocument]]:
    """Return what the indexes should hold; drafts and withdrawn assets are held for their house's staff.

    `offer`: the uses that the holder offers (marketplace.availability.offered_uses).
    """
    keywords = _keywords(asset, is_held_back) | {"offer": list(offer)}
    return {
        IndexName.ASSETS: [_asset_document(asset, keywords)],
        IndexName.SHOTS: [
            _shot_document(asset, part, keywords) for part in asset.parts if part.level == PartLevel.SHOT
        ],
    }


def readers_of(asset: AssetView, *, is_held_back: bool) -> list[str]:
    """Return the tokens of those who may know of it; must agree with `catalogue.visible_to` (tested)."""
    houses = [str(asset.owner_id), *([str(asset.custodian_id)] if asset.custodian_id else [])]
    readers = [f"staff:{house}" for house in houses]
    if asset.secrecy != Secrecy.INTERNAL:
        readers.append(OVERSEER)
    if asset.state == AssetState.PUBLISHED and asset.secrecy != Secrecy.UNREVIEWED and not is_held_back:
        readers += [f"house:{house}" for house in houses] if asset.secrecy == Secrecy.INTERNAL else [EVERYBODY]
    return readers


def _asset_document(asset: AssetView, keywords: Mapping[str, list[str]]) -> IndexDocument:
    spoken = _texts(asset) + [value.value for part in asset.parts for value in part.values if _is_text(value.element)]
    return IndexDocument(
        id=str(asset.id), group=str(asset.id), version=asset.row_version,
        streams=_streams(join_streams(spoken), join_streams(asset.all_texts("title"))),
        keywords=keywords, numbers=_numbers(asset),
    )  # fmt: skip


def _shot_document(asset: AssetView, part: PartView, keywords: Mapping[str, list[str]]) -> IndexDocument:
    own = [value.value for value in part.values if _is_text(value.element)]
    return IndexDocument(
        id=str(part.id), group=str(asset.id), version=asset.row_version,
        streams=_streams(join_streams([*own, *_texts(asset)]), join_streams(own)),
        keywords=keywords, numbers={**_numbers(asset), "start_ms": part.start_ms},
    )  # fmt: skip


def _texts(asset: AssetView) -> list[str]:
    return [asset.number, *(value.value for value in asset.values if value.element in _SPOKEN)]


def _is_text(element: str) -> bool:
    return element in _SPOKEN


def _streams(whole: Streams, title: Streams) -> dict[str, str]:
    return {
        "chars": " ".join(whole.chars),
        "bigrams": " ".join(whole.bigrams),
        "words": " ".join(whole.words),
        "title_chars": " ".join(title.chars),
        "title_words": " ".join((*title.words, *title.bigrams)),
    }


def _keywords(asset: AssetView, is_held_back: bool) -> dict[str, list[str]]:
    span = _span(asset)
    return {
        "kind": [str(asset.kind)],
        "district": list(asset.codes("district")),
        "theme": list(asset.codes("theme")),
        "owner": [str(asset.owner_id)],
        "decade": [str(span.year // 10 * 10)] if span else [],
        "language": sorted({value.lang for value in asset.values if value.element == "title" and value.lang}),
        "readers": readers_of(asset, is_held_back=is_held_back),
    }


def _numbers(asset: AssetView) -> dict[str, int]:
    span = _span(asset)
    days = {"first_day": span.first_day, "last_day": span.last_day} if span else {}
    return {"added": asset.id.int >> _AFTER_THE_TIME, **days}


def _span(asset: AssetView) -> EdtfSpan | None:
    for text in asset.all_texts("date"):
        try:
            return parse_edtf_span(text)
        except BadDate:
            continue
    return None
