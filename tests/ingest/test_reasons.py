"""Reasons are kept, read again in any language, and shown in our words apart from those of a tool."""

import pytest

from asset_hub.core.text import Text
from asset_hub.media.errors import MediaRefused
from asset_hub.web.texts import translator
from ingest.reasons import describe_reason, read_reason, split_reason

RAW = "Command Line Error: Wrong page range given"


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_the_raw_words_of_a_tool_stand_apart_from_our_sentence(depth: int) -> None:
    reason = Text("It could not be read: {reason}", {"reason": RAW})
    for _ in range(depth):
        reason = Text("“{paper}” is missing.", {"paper": reason})
    kept = describe_reason(MediaRefused(reason.message, members=None, **reason.params))

    said, raw = split_reason(read_reason(kept))

    shown = said.render(translator("zh"))
    assert raw == RAW
    assert ("无法读取：文件已损坏，或与其名称不符。" in shown, "Error" in shown) == (True, False)


def test_a_reason_of_our_own_has_no_raw_words() -> None:
    reason = Text("A name has at most {count} characters.", {"count": 200})

    assert split_reason(reason) == (reason, "")
