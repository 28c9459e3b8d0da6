"""Code book 1: which bit of a grant means which use, territory, language. Bits are never given another meaning.

Rights are the items of art. 10 of the Copyright Law (2020) that a use needs; territories are ISO 3166-1.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from babel import Locale

from asset_hub.core.text import N_
from ledger.errors import UnknownTerm

VERSION = 1
WORLD = "world"
ALL_USES = "all"


@dataclass(frozen=True, slots=True)
class Use:
    """A way of using a work: its code, names, and the item of art. 10 that it needs."""

    code: str
    name_zh: str
    name_en: str
    item: int


USES: tuple[Use, ...] = (
    Use("satellite_tv", "卫视", "Satellite television", 11),
    Use("terrestrial_tv", "地面与有线电视", "Terrestrial and cable television", 11),
    Use("streaming", "网络平台", "Streaming platforms", 12),
    Use("social_media", "社交媒体短视频", "Social media", 12),
    Use("live_stream", "网络直播", "Live streaming", 11),
    Use("cinema", "院线放映", "Cinema", 10),
    Use("festival", "节展放映", "Festival screenings", 10),
    Use("exhibition", "展览陈列", "Exhibition", 8),
    Use("venue", "文旅场所放映", "Venues and scenic areas", 10),
    Use("publishing", "图书出版", "Books and print", 5),
    Use("press", "报刊", "Newspapers and magazines", 5),
    Use("education", "教育教学", "Education", 12),
    Use("advertising", "广告宣传", "Advertising", 17),
    Use("merchandise", "文创衍生", "Merchandise", 14),
    Use("production", "影视制作素材", "Footage in productions", 13),
)

_ISO_3166_1 = [
    "AD",
    "AE",
    "AF",
    "AG",
    "AI",
    "AL",
    "AM",
    "AO",
    "AQ",
    "AR",
    "AS",
    "AT",
    "AU",
    "AW",
    "AX",
    "AZ",
    "BA",
    "BB",
    "BD",
    "BE",
    "BF",
    "BG",
    "BH",
    "BI",
    "BJ",
    "BL",
    "BM",
    "BN",
    "BO",
    "BQ",
    "BR",
    "BS",
    "BT",
    "BV",
    "BW",
    "BY",
    "BZ",
    "CA",
    "CC",
    "CD",
    "CF",
    "CG",
    "CH",
    "CI",
    "CK",
    "CL",
    "CM",
    "CN",
    "CO",
    "CR",
    "CU",
    "CV",
    "CW",
    "CX",
    "CY",
    "CZ",
    "DE",
    "DJ",
    "DK",
    "DM",
    "DO",
    "DZ",
    "EC",
    "EE",
    "EG",
    "EH",
    "ER",
    "ES",
    "ET",
    "FI",
    "FJ",
    "FK",
    "FM",
    "FO",
    "FR",
    "GA",
    "GB",
    "GD",
    "GE",
    "GF",
    "GG",
    "GH",
    "GI",
    "GL",
    "GM",
    "GN",
    "GP",
    "GQ",
    "GR",
    "GS",
    "GT",
    "GU",
    "GW",
    "GY",
    "HK",
    "HM",
    "HN",
    "HR",
    "HT",
    "HU",
    "ID",
    "IE",
    "IL",
    "IM",
    "IN",
    "IO",
    "IQ",
    "IR",
    "IS",
    "IT",
    "JE",
    "JM",
    "JO",
    "JP",
    "KE",
    "KG",
    "KH",
    "KI",
    "KM",
    "KN",
    "KP",
    "KR",
    "KW",
    "KY",
    "KZ",
    "LA",
    "LB",
    "LC",
    "LI",
    "LK",
    "LR",
    "LS",
    "LT",
    "LU",
    "LV",
    "LY",
    "MA",
    "MC",
    "MD",
    "ME",
    "MF",
    "MG",
    "MH",
    "MK",
    "ML",
    "MM",
    "MN",
    "MO",
    "MP",
    "MQ",
    "MR",
    "MS",
    "MT",
    "MU",
    "MV",
    "MW",
    "MX",
    "MY",
    "MZ",
    "NA",
    "NC",
    "NE",
    "NF",
    "NG",
    "NI",
    "NL",
    "NO",
    "NP",
    "NR",
    "NU",
    "NZ",
    "OM",
    "PA",
    "PE",
    "PF",
    "PG",
    "PH",
    "PK",
    "PL",
    "PM",
    "PN",
    "PR",
    "PS",
    "PT",
    "PW",
    "PY",
    "QA",
    "RE",
    "RO",
    "RS",
    "RU",
    "RW",
    "SA",
    "SB",
    "SC",
    "SD",
    "SE",
    "SG",
    "SH",
    "SI",
    "SJ",
    "SK",
    "SL",
    "SM",
    "SN",
    "SO",
    "SR",
    "SS",
    "ST",
    "SV",
    "SX",
    "SY",
    "SZ",
    "TC",
    "TD",
    "TF",
    "TG",
    "TH",
    "TJ",
    "TK",
    "TL",
    "TM",
    "TN",
    "TO",
    "TR",
    "TT",
    "TV",
    "TW",
    "TZ",
    "UA",
    "UG",
    "UM",
    "US",
    "UY",
    "UZ",
    "VA",
    "VC",
    "VE",
    "VG",
    "VI",
    "VN",
    "VU",
    "WF",
    "WS",
    "YE",
    "YT",
    "ZA",
    "ZM",
    "ZW",
]
COUNTRIES: tuple[str, ...] = tuple(_ISO_3166_1)
CHONGQING = "CQ"
_NAMED_BY_US = {
    "HK": ("中国香港", "Hong Kong, China"),
    "MO": ("中国澳门", "Macao, China"),
    "TW": ("中国台湾", "Taiwan, China"),
}
_CHONGQING_BIT = len(COUNTRIES)
_ALL_TERRITORIES = (1 << 256) - 1
LANGUAGES = ("zh", "en", "other")
_ALL_LANGUAGES = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Right:
    """A right that title is recorded for: an item of art. 10 (5–17), or a neighbouring right by its letter."""

    code: str
    name_zh: str
    name_en: str
    bit: int


# Copyright Law (2020): art. 10 items 5–17; art. 39 (performers), 44 (producers of recordings), 47 (broadcasters).
RIGHTS: tuple[Right, ...] = (
    Right("5", "复制权", "Reproduction", 64),
    Right("6", "发行权", "Distribution", 65),
    Right("7", "出租权", "Rental", 66),
    Right("8", "展览权", "Exhibition", 67),
    Right("9", "表演权", "Performance", 68),
    Right("10", "放映权", "Projection", 69),
    Right("11", "广播权", "Broadcasting", 70),
    Right("12", "信息网络传播权", "Communication through information networks", 71),
    Right("13", "摄制权", "Cinematography", 72),
    Right("14", "改编权", "Adaptation", 73),
    Right("15", "翻译权", "Translation", 74),
    Right("16", "汇编权", "Compilation", 75),
    Right("17", "其他权利", "Other rights", 76),
    Right("performer", "表演者权", "Performers’ rights", 77),
    Right("recording", "录音录像制作者权", "Rights of producers of sound and video recordings", 78),
    Right("broadcaster", "广播组织权", "Rights of broadcasting organisations", 79),
)


class GrantKind(IntEnum):
    """普通 non-exclusive; 排他 no other licensee; 独占 the holder too is shut out (实施条例 art. 24)."""

    NON_EXCLUSIVE = 0
    SOLE = 1
    EXCLUSIVE = 2


KIND_NAMES: dict[GrantKind, str] = {
    GrantKind.NON_EXCLUSIVE: N_("Non-exclusive"),
    GrantKind.SOLE: N_("Sole (no other licensee)"),
    GrantKind.EXCLUSIVE: N_("Exclusive (the holder too is shut out)"),
}


def find_use(code: str) -> Use:
    """Return a use by its code or one of its names. Raises UnknownTerm."""
    for use in USES:
        if code in (use.code, use.name_zh, use.name_en):
            return use
    raise UnknownTerm(N_("“{code}” is no use we know."), code=code[:60])


def mask_of_uses(codes: Iterable[str]) -> int:
    """Return the 96-bit mask of uses; "all" is every bit, also of uses that the book does not have yet."""
    mask = 0
    for code in codes:
        if code == ALL_USES:
            return (1 << 96) - 1
        mask |= 1 << USES.index(find_use(code))
    return mask


def find_right(code: str) -> Right:
    """Return a right by its code or one of its names. Raises UnknownTerm."""
    for right in RIGHTS:
        if code in (right.code, right.name_zh, right.name_en):
            return right
    raise UnknownTerm(N_("“{code}” is no right we know."), code=code[:60])


def mask_of_rights(codes: Iterable[str]) -> int:
    """Return the 96-bit mask of rights with every use that needs them; "all" is every bit."""
    mask = 0
    for code in codes:
        if code == ALL_USES:
            return (1 << 96) - 1
        right = find_right(code)
        mask |= 1 << right.bit
        mask |= sum(1 << index for index, use in enumerate(USES) if str(use.item) == right.code)
    return mask


def rights_of_mask(mask: int) -> tuple[Right, ...]:
    """Return the rights whose own bit a mask has."""
    return tuple(right for right in RIGHTS if mask >> right.bit & 1)


def mask_of_territories(codes: Iterable[str]) -> int:
    """Return the 256-bit mask; a country contains its project codes (CN contains Chongqing), "world" is every bit."""
    mask = 0
    for code in codes:
        if code == WORLD:
            return _ALL_TERRITORIES
        if code == CHONGQING:
            mask |= 1 << _CHONGQING_BIT
        elif code in COUNTRIES:
            mask |= 1 << COUNTRIES.index(code)
            mask |= 1 << _CHONGQING_BIT if code == "CN" else 0
        else:
            raise UnknownTerm(N_("“{code}” is no territory we know."), code=code[:60])
    return mask


def mask_of_languages(codes: Iterable[str]) -> int:
    """Return the 32-bit mask of language groups; "all" is every bit. Raises UnknownTerm."""
    mask = 0
    for code in codes:
        if code == "all":
            return _ALL_LANGUAGES
        if code not in LANGUAGES:
            raise UnknownTerm(N_("“{code}” is no language group we know."), code=code[:60])
        mask |= 1 << LANGUAGES.index(code)
    return mask


def name_of_territory(code: str, language: str) -> str:
    """Return what people call a territory."""
    if code == WORLD:
        return "全球" if language == "zh" else "Worldwide"
    if code == CHONGQING:
        return "重庆市" if language == "zh" else "Chongqing only"
    if code == "CN" and language == "zh":
        return "中国大陆"
    if code == "CN":
        return "Mainland China"
    if code in _NAMED_BY_US:
        return _NAMED_BY_US[code][0 if language == "zh" else 1]
    return str(Locale(language).territories.get(code, code))
