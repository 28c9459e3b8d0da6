"""Dates as people write them."""

from pathlib import Path

import pytest

from asset_hub.accounts import Role, require_organisation
from asset_hub.app import open_home
from asset_hub.catalogue import AssetKind, ElementValue, Secrecy, create_draft, publish_asset
from asset_hub.catalogue.words import date_in_words
from asset_hub.core import clock
from asset_hub.core.settings import Settings
from tests.builders import make_actor
from tests.web.pages import client_for


@pytest.mark.parametrize(
    ("edtf", "zh", "en"),
    [
        ("1961", "1961年", "1961"),
        ("1961~", "约1961年", "c. 1961"),
        ("1961?", "1961年（存疑）", "1961 (uncertain)"),
        ("1961%", "约1961年（存疑）", "c. 1961 (uncertain)"),
        ("0618/0907", "618年–907年", "618–907"),
        ("-0299", "公元前300年", "300 BCE"),
        ("0000", "公元前1年", "1 BCE"),
        ("-0299/-0199~", "公元前300年–约公元前200年", "300 BCE–c. 200 BCE"),
        ("1983-05", "1983年5月", "May 1983"),
        ("1983-05-01", "1983年5月1日", "1 May 1983"),
        ("1983-05/1985", "1983年5月–1985年", "May 1983–1985"),
        ("198X", "1980年代", "1980s"),
        ("2001/..", "2001年起", "from 2001"),
        ("../2001", "至2001年", "until 2001"),
        ("清", "清", "清"),
        ("1983-13", "1983-13", "1983-13"),
        ("1983/清", "1983/清", "1983/清"),
        ("1983/1984/1985", "1983/1984/1985", "1983/1984/1985"),
        ("/", "/", "/"),
        ("", "", ""),
    ],
)
def test_dates_are_shown_as_people_write_them(edtf: str, zh: str, en: str) -> None:
    assert (date_in_words(edtf, "zh"), date_in_words(edtf, "en")) == (zh, en)


def test_home_search_and_asset_page_show_no_raw_date(tmp_path: Path) -> None:
    services = open_home(Settings(home=tmp_path / "home"))
    with services.database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST})
        asset_id = create_draft(
            session, kind=AssetKind.RECORD, owner_id=require_organisation(archivist), secrecy=Secrecy.OPEN,
            values=[ElementValue("title", "铜钲", "sheet", "zh"), ElementValue("date", "-0299", "sheet")], by=archivist,
            now=clock.now(),
        )  # fmt: skip
        publish_asset(session, asset_id=asset_id, by=archivist, now=clock.now())
    services.run_jobs()
    client = client_for(services, language="zh")

    pages = [client.get(url).text for url in ("/", "/search?q=铜钲", f"/assets/{asset_id}")]

    assert [("公元前300年" in page, "-0299" in page) for page in pages] == [(True, False)] * 3
    services.database.dispose()
