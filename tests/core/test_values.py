"""Value types: money adds up, periods are half-open, time codes are exact, dates reach before the common era."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asset_hub.core.edtf import BadDate, day_number, parse_edtf_span
from asset_hub.core.errors import BadInput
from asset_hub.core.home_secret import (
    PLAIN_NAME,
    SEALED_NAME,
    NoSecret,
    SecretDamaged,
    SecretLost,
    read_home_secret,
    seal_home,
    unseal_home,
)
from asset_hub.core.ids import new_id
from asset_hub.core.money import Money
from asset_hub.core.paging import BadPageToken, decode_cursor, encode_cursor
from asset_hub.core.period import DateRange, EmptyPeriod, add_months
from asset_hub.core.rational import FrameRate
from asset_hub.core.sealed import PASSPHRASE, KeyFileRefused, NoPassphrase, write_once
from asset_hub.core.settings import Settings


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10_000), min_size=1, max_size=9))
def test_split_money_adds_up_to_the_fen(fen: int, weights: list[int]) -> None:
    if sum(weights) == 0:
        with pytest.raises(BadInput):
            Money(fen).split(weights)
        return

    parts = Money(fen).split(weights)

    assert sum(part.fen for part in parts) == fen
    assert all(abs(part.fen - fen * w / sum(weights)) < 1.001 for part, w in zip(parts, weights, strict=True))


def test_tax_is_rounded_half_up() -> None:
    assert Money(1_050).with_tax(600) == (Money(1_050), Money(63), Money(1_113))
    assert Money(25).with_tax(600)[1] == Money(2)
    assert str(Money(-123_456)) == "-¥1,234.56"


def test_different_currencies_do_not_add() -> None:
    with pytest.raises(BadInput):
        Money(1) + Money(1, "USD")


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(1, 4000), st.integers(-4000, 4000))
def test_ranges_overlap_exactly_when_they_share_a_day(start: date, days: int, shift: int) -> None:
    first = DateRange(start, date.fromordinal(start.toordinal() + days))
    moved = start.toordinal() + shift
    second = DateRange(date.fromordinal(moved), date.fromordinal(moved + days))

    assert first.overlaps(second) == (abs(shift) < days)
    assert (first.intersect(second) is not None) == first.overlaps(second)


def test_periods_end_with_their_last_day() -> None:
    window = DateRange.years_from(date(2024, 2, 29), 5)

    assert (window.end, window.last_day) == (date(2029, 3, 1), date(2029, 2, 28))
    assert add_months(date(2026, 12, 31), 2) == date(2027, 3, 1)
    assert DateRange.through(date(2026, 1, 1), date(2026, 1, 1)).days == 1
    with pytest.raises(BadInput):
        DateRange.through(date(2026, 1, 1), date.max)
    with pytest.raises(EmptyPeriod):
        DateRange(date(2026, 1, 1), date(2026, 1, 1))


@given(st.integers(0, 10**7), st.sampled_from([(25, 1), (30_000, 1001), (24_000, 1001), (50, 1), (60, 1)]))
def test_frames_survive_the_way_over_milliseconds(frame: int, rate: tuple[int, int]) -> None:
    assert FrameRate(*rate).from_ms(FrameRate(*rate).to_ms(frame)) == frame


def test_time_code_counts_frames() -> None:
    assert FrameRate(25).timecode(25 * 3661 + 7) == "01:01:01:07"
    assert FrameRate(30_000, 1001).timecode(30) == "00:00:01:00"


@given(st.dates())
def test_day_numbers_agree_with_the_calendar(day: date) -> None:
    assert day_number(day.year, day.month, day.day) == (day - date(1970, 1, 1)).days


def test_dates_reach_before_the_common_era() -> None:
    span = parse_edtf_span("-0299")

    assert span.year == -299
    assert span.last_day - span.first_day == 364
    assert parse_edtf_span("0618/0907").first_day > span.last_day


@pytest.mark.parametrize("text", ["", "yesterday", "2020-02-31", "1985/", "/1985", "1990/1980", "Y-999999", "x" * 99])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(BadDate):
        parse_edtf_span(text)


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = [new_id() for _ in range(5000)]

    assert made == sorted(made)
    assert len(set(made)) == 5000
    assert {value.version for value in made} == {7}


def test_page_tokens_are_ours_or_refused() -> None:
    assert decode_cursor(encode_cursor("渡轮", 7, None), length=3) == ["渡轮", 7, None]
    for token in ("x", "W10", encode_cursor("a"), encode_cursor("a", "b", "c") + "!"):
        with pytest.raises(BadPageToken):
            decode_cursor(token, length=2)


def test_a_sealed_home_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    home, given = tmp_path / "home", {PASSPHRASE: "a long enough one"}
    secret = read_home_secret(home, environ={})
    seal_home(home, passphrase="a long enough one")

    assert [path.name for path in home.iterdir()] == [SEALED_NAME]
    assert secret.hex().encode() not in (home / SEALED_NAME).read_bytes()
    assert read_home_secret(home, environ=given) == secret
    for environ, error in (({}, NoPassphrase), ({PASSPHRASE: "another long one"}, KeyFileRefused)):
        with pytest.raises(error):
            read_home_secret(home, environ=environ)
    with pytest.raises(NoSecret):
        seal_home(home, passphrase="a long enough one")
    unseal_home(home, passphrase="a long enough one")
    assert (read_home_secret(home, environ={}), [path.name for path in home.iterdir()]) == (secret, [PLAIN_NAME])


@pytest.mark.parametrize("content", ["", "ab", "z" * 64, "é" * 64])
def test_a_damaged_secret_gives_no_keys(tmp_path: Path, content: str) -> None:
    (tmp_path / PLAIN_NAME).write_text(content, encoding="utf-8")
    with pytest.raises(SecretDamaged):
        read_home_secret(tmp_path, environ={})


def test_a_home_with_a_database_and_no_secret_invents_none(tmp_path: Path) -> None:
    (tmp_path / "asset_hub.db").write_bytes(b"")
    with pytest.raises(SecretLost):
        read_home_secret(tmp_path, environ={})
    assert not (tmp_path / PLAIN_NAME).exists()


def test_an_interrupted_sealing_is_finished_and_never_loses_the_secret(tmp_path: Path) -> None:
    home = tmp_path / "home"
    secret = read_home_secret(home, environ={})
    plain = (home / PLAIN_NAME).read_bytes()
    seal_home(home, passphrase="a long enough one")
    write_once(home / PLAIN_NAME, plain)

    with pytest.raises(KeyFileRefused):
        seal_home(home, passphrase="another long one")
    assert read_home_secret(home, environ={}) == secret
    seal_home(home, passphrase="a long enough one")
    assert [path.name for path in home.iterdir()] == [SEALED_NAME]


def test_a_home_makes_its_secret_once(tmp_path: object) -> None:
    settings = Settings(home=f"{tmp_path}/home")

    first = settings.secret()

    assert len(first) == 32
    assert Settings(home=settings.home).secret() == first
    assert (settings.home / "secret.key").stat().st_mode & 0o777 == 0o600
