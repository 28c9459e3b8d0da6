"""Rule-based classification: places, themes and years that the words name, each with its evidence."""

import re

from asset_hub.catalogue import ElementValue, load_table, places
from asset_hub.core.edtf import parse_edtf_span
from asset_hub.core.errors import BadInput
from ingest.stages.work import Work

TOOL = "rule:classify/1"
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20[0-4]\d)(?:年|[-_. ]|$)")
_WORDS_OF_THEMES = {
    "01": ("三峡", "瞿塘", "巫峡", "西陵峡", "夔门", "白帝", "Three Gorges", "Kuimen"),
    "02": ("巴渝", "巴国", "巴人", "吊脚楼", "川江号子", "Bayu", "stilt house"),
    "03": ("红岩", "渣滓洞", "白公馆", "Hongyan"),
    "04": ("抗战", "大轰炸", "陪都", "抗日"),
    "05": ("统战", "民主党派", "政治协商"),
    "06": ("移民", "湖广填四川", "湖广会馆", "Huguang"),
    "07": ("轻轨", "夜景", "霓虹", "索道", "解放碑", "洪崖洞", "neon", "cableway", "monorail"),
}
_LANDMARKS = {
    "朝天门": "500103", "解放碑": "500103", "洪崖洞": "500103", "湖广会馆": "500103", "长江索道": "500103",
    "磁器口": "500106", "渣滓洞": "500106", "白公馆": "500106", "大足石刻": "500111", "钓鱼城": "500117",
    "夔门": "500236", "白帝城": "500236", "瞿塘峡": "500236", "巫峡": "500237", "南山一棵树": "500108",
    "白鹤梁": "500102", "石宝寨": "500233", "Chaotianmen": "500103", "Kuimen": "500236", "Ciqikou": "500106",
}  # fmt: skip


def run(work: Work) -> None:
    """Add codes for what title, description, place and subject say; never above 0.8 sure."""
    words = " ".join(work.texts("title") + work.texts("description") + work.texts("place") + work.texts("subject"))
    found = [*_districts(words, work), *_themes(words)]
    if not work.texts("date"):
        found += _years(words or work.name)
    work.values += found
    work.leave("classification", TOOL, "success", ", ".join(f"{value.element}={value.value}" for value in found))


def _districts(words: str, work: Work) -> list[ElementValue]:
    if work.texts("district"):
        return []
    codes: dict[str, float] = {}
    for code, place in places().items():
        stem = place.name_zh.rstrip("区县") if len(place.name_zh) > 2 else place.name_zh
        if place.name_zh in words or (place.name_en and place.name_en.split()[0] in words.split()):
            codes[code] = 0.8
        elif len(stem) >= 2 and stem in words:
            codes[code] = 0.6
    for landmark, code in _LANDMARKS.items():
        if landmark in words:
            codes[code] = max(codes.get(code, 0), 0.7)
    return [ElementValue("district", places()[c].name_zh, TOOL, "zh", sure, code=c) for c, sure in codes.items()]


def _themes(words: str) -> list[ElementValue]:
    names = {row["local_code"]: row["name_zh"] for row in load_table("chongqing_themes").rows}
    return [
        ElementValue("theme", names[code], TOOL, "zh", 0.6, code=code)
        for code, stems in _WORDS_OF_THEMES.items()
        if code in names and any(stem in words for stem in stems)
    ]


def _years(words: str) -> list[ElementValue]:
    for year in _YEAR.findall(words):
        try:
            return [ElementValue("date", parse_edtf_span(year).text, TOOL, confidence=0.4)]
        except BadInput:
            continue
    return []
