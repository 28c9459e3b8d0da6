"""The question as a form: each refusal by field, time codes to the frame, a link that carries the whole question."""

from datetime import date, timedelta
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asset_hub.core.period import DateRange
from asset_hub.core.rational import FrameRate, Span
from ledger.codebook import COUNTRIES, USES, GrantKind
from marketplace.desk_forms import BadDesk, hundredths, read_prices, write_hundredths
from marketplace.forms import BadTerms, FilmTime, Question, question_of, read_question, terms_of
from marketplace.terms import RESOLUTIONS, LicenceTerms

TODAY = date(2026, 11, 25)
FILM = FilmTime(FrameRate(25), 3000)


def test_a_question_becomes_the_terms_it_asks_for() -> None:
    question = read_question(
        {"use": ["卫视", "streaming"], "territory": ["CN"], "start": ["2026-12-01"], "years": ["5"], "kind": ["sole"],
         "resolution": ["2160"], "in": ["00:00:04:00"], "out": ["00:00:08:12"]}
    )  # fmt: skip

    assert terms_of(question, today=TODAY, time=FILM) == LicenceTerms(
        ("satellite_tv", "streaming"), ("CN",), DateRange(date(2026, 12, 1), date(2031, 12, 1)), GrantKind.SOLE,
        "2160", Span(100, 212),
    )  # fmt: skip


def test_what_is_not_said_is_a_year_from_today_in_mainland_china() -> None:
    terms = terms_of(read_question({"use": ["streaming"]}), today=TODAY)

    assert terms == LicenceTerms(("streaming",), ("CN",), DateRange(TODAY, date(2027, 11, 25)))


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("use", {"use": []}),
        ("use", {"use": ["telepathy"]}),
        ("territory", {"territory": ["ATLANTIS"]}),
        ("start", {"start": ["tomorrow"]}),
        ("start", {"start": ["2026-11-24"]}),
        ("start", {"start": ["9999-01-01"]}),
        ("years", {"years": ["0"]}),
        ("years", {"years": ["51"]}),
        ("years", {"years": ["1.5"]}),
        ("years", {"years": ["²"]}),
        ("kind", {"kind": ["for ever"]}),
        ("resolution", {"resolution": ["8k"]}),
        ("in", {"in": ["00:00:04"]}),
        ("in", {"in": ["00:00:00:25"]}),
        ("in", {"in": ["00:00:60:00"]}),
        ("in", {"in": ["00:00:08:00"], "out": ["00:00:08:00"]}),
        ("in", {"out": ["00:02:00:01"]}),
    ],
)
def test_a_field_that_cannot_be_read_is_named(field: str, values: dict[str, list[str]]) -> None:
    with pytest.raises(BadTerms) as refusal:
        terms_of(read_question({"use": ["streaming"]} | values), today=TODAY, time=FILM)

    assert list(refusal.value.problems) == [field]
    assert refusal.value.members == {"fields": [field]}


def test_every_wrong_field_is_told_at_once() -> None:
    with pytest.raises(BadTerms) as refusal:
        terms_of(Question(years="x", start="x", kind="x"), today=TODAY)

    assert list(refusal.value.problems) == ["use", "start", "years", "kind"]


def test_only_a_film_has_time_codes() -> None:
    with pytest.raises(BadTerms):
        terms_of(Question(uses=("streaming",), start_code="00:00:00:01"), today=TODAY)


def test_the_end_of_the_film_is_where_an_open_part_ends() -> None:
    terms = terms_of(Question(uses=("streaming",), start_code="00:01:59:24"), today=TODAY, time=FILM)

    assert terms.segment == Span(2999, 3000)


@given(st.sampled_from([FrameRate(24), FrameRate(25), FrameRate(30000, 1001), FrameRate(60)]), st.integers(0, 10**7))
def test_a_time_code_is_the_frame_it_names(rate: FrameRate, frame: int) -> None:
    asked = Question(uses=("streaming",), start_code=rate.timecode(frame), end_code=rate.timecode(frame + 1))

    terms = terms_of(asked, today=TODAY, time=FilmTime(rate, frame + 1))

    assert terms.segment == Span(frame, frame + 1)


TERMS = st.builds(
    LicenceTerms,
    uses=st.lists(st.sampled_from([use.code for use in USES]), min_size=1, max_size=4, unique=True).map(tuple),
    territories=st.one_of(
        st.just(("world",)),
        st.lists(st.sampled_from([*COUNTRIES, "CQ"]), min_size=1, max_size=4, unique=True).map(tuple),
    ),
    window=st.builds(
        lambda days, years: DateRange.years_from(TODAY + timedelta(days=days), years),
        st.integers(0, 4000), st.integers(1, 50),
    ),
    kind=st.sampled_from(GrantKind),
    resolution=st.sampled_from(RESOLUTIONS),
    segment=st.one_of(st.none(), st.integers(0, 2998).map(lambda start: Span(start, start + 2))),
)  # fmt: skip


@given(TERMS)
def test_a_link_carries_the_whole_question(terms: LicenceTerms) -> None:
    link = question_of(terms, time=FILM).as_query()

    assert terms_of(read_question(parse_qs(link)), today=TODAY, time=FILM) == terms


@given(st.integers(0, 10**13 - 1))
def test_an_amount_is_read_back_to_the_fen(fen: int) -> None:
    assert hundredths(write_hundredths(fen)) == fen


@pytest.mark.parametrize("text", ["", "-1", "1e3", "1.005", "NaN", "0x10", "1 200", ".", "1.", "元"])
def test_what_is_no_amount_is_none(text: str) -> None:
    assert hundredths(text) is None


def test_a_price_list_is_read_in_fen() -> None:
    typed = {"use:streaming": "1,200.50", "use:press": " ", "floor": "", "exclusive": "on"}

    assert read_prices(typed) == {
        "uses": {"streaming": 120_050}, "floor": 0, "exclusive": True, "subject_to": False, "sublicensing_bps": 0,
    }  # fmt: skip


def test_wrong_amounts_are_named() -> None:
    with pytest.raises(BadDesk) as refusal:
        read_prices({"use:streaming": "0", "use:press": "much", "floor": "-2"})

    assert list(refusal.value.problems) == ["use:streaming", "use:press", "floor"]


def test_a_list_without_prices_is_refused() -> None:
    with pytest.raises(BadDesk) as refusal:
        read_prices({"floor": "200"})

    assert list(refusal.value.problems) == ["uses"]
