"""External programs: what they print, what they complain of, and how much of it."""

import pytest

from asset_hub.media.errors import MediaRefused, TruncatedFile
from asset_hub.media.programs import run_program


@pytest.mark.timeout(30)
def test_a_program_that_complains_by_the_megabyte_still_comes_to_its_end() -> None:
    seen: list[str] = []

    output = run_program(["sh", "-c", "head -c 3000000 /dev/zero >&2; echo frame=7"], on_line=seen.append)

    assert (output, seen) == (b"frame=7\n", ["frame=7\n"])


def test_the_last_complaint_is_the_reason() -> None:
    with pytest.raises(MediaRefused) as refused:
        run_program(["sh", "-c", "echo first >&2; echo the last word >&2; exit 3"])

    assert str(refused.value) == "It could not be read: the last word"


def test_a_complaint_about_the_end_is_a_truncated_file() -> None:
    with pytest.raises(TruncatedFile):
        run_program(["sh", "-c", "echo moov atom not found >&2; exit 1"])
