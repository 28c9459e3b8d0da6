"""What the demo collection is: three holders, twenty-five pictures and six films of Chongqing, all drawn by us.

Titles, dates, districts and people are catalogue data for drawings; no drawing claims to be a historical photograph.
"""

from dataclasses import dataclass

from asset_hub.demo.draw.scene import Hour, Scene

FILM_SIZE = (640, 360)
PICTURE_SIZE = (1600, 1000)
DRAWN_ZH = "演示绘图，由程序绘制，不是历史影像。"
DRAWN_EN = "A demonstration drawing made by a program, not a historical image."
PEOPLE_EN = {
    "陈江声": "Chen Jiangsheng", "林素秋": "Lin Suqiu", "周维舟": "Zhou Weizhou", "郭怀远": "Guo Huaiyuan",
    "何大顺": "He Dashun", "赵智凤": "Zhao Zhifeng", "沈墨": "Shen Mo",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Holder:
    """An organisation of the demo, with the terms it sells on: yuan a year by use."""

    key: str
    name_zh: str
    name_en: str
    prices: dict[str, int]


@dataclass(frozen=True, slots=True)
class Picture:
    """A still with its record."""

    name: str
    title_zh: str
    title_en: str
    date: str
    district: str
    people: str
    holder: str
    scene: Scene
    secrecy: str = "公开"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Take:
    """One shot of a film: its words, how long, how it begins (cut, fade or dissolve)."""

    title_zh: str
    title_en: str
    seconds: float
    scene: Scene
    opened_by: str = "cut"


@dataclass(frozen=True, slots=True)
class Film:
    """A film with its record and its shots."""

    name: str
    title_zh: str
    title_en: str
    date: str
    district: str
    people: str
    holder: str
    takes: tuple[Take, ...]


HOLDERS = (
    Holder("archive", "山城影像档案馆", "Hill City Film Archive", {"streaming": 1200, "satellite_tv": 2600, "exhibition": 600}),
    Holder("studio", "嘉陵纪录片工作室", "Jialing Documentary Studio", {"streaming": 2400, "satellite_tv": 4800, "cinema": 9000}),
    Holder("museum", "巴渝民间文物学会", "Bayu Folk Heritage Society", {"exhibition": 300, "publishing": 400, "education": 100}),
)  # fmt: skip
BUYER = Holder("buyer", "江声影视有限公司", "Jiangsheng Pictures", {})
CURATOR = Holder("curator", "纪录片之都推广中心", "Documentary City Office", {})


def _scene(hour: str, things: str, seed: int, pan: float = 0.004) -> Scene:
    return Scene(Hour(hour), tuple(things.split()), seed, pan)


def _picture(line: str) -> Picture:
    name, zh, en, date, district, people, holder, hour, things, secrecy, note = (
        part.strip() for part in line.split("|")
    )
    return Picture(
        f"{name}.jpg", zh, en, date, district, people, holder, _scene(hour, things, len(name) * 7 + len(zh) * 3 + len(en)),
        secrecy or "公开", note,
    )  # fmt: skip


PICTURES = tuple(
    _picture(line)
    for line in """
    朝天门黄昏 | 朝天门码头黄昏 | Chaotianmen Wharf at dusk | 1983-10 | 渝中区 | 陈江声 | archive | dusk | sun mountains city river ferry | |
    两江夜景 | 两江交汇夜景 | Where two rivers meet, by night | 2019-09-30 | 渝中区 | | studio | night | moon mountains city bridge river | |
    洪崖灯火 | 洪崖洞灯火 | Lights of Hongyadong | 2021 | 渝中区 | | studio | night | moon city stilts river lanterns | |
    雾都晨 | 雾都清晨 | The fog city in the morning | 1956~ | 江北区 | 林素秋 | archive | fog | mountains city river fog | |
    长江索道 | 长江索道 | The Yangtze cableway | 1987-10-24 | 南岸区 | | archive | fog | mountains city river fog cableway | |
    夔门 | 夔门天下雄 | Kuimen, the gate of the Gorges | 1934 | 奉节县 | 周维舟 | archive | day | mountains gorge river sampan | |
    巫峡晓雾 | 巫峡晓雾 | Dawn mist in the Wu Gorge | 1979 | 巫山县 | | studio | dawn | sun mountains river fog sampan | |
    白帝城 | 白帝城远望 | Baidi Fortress from afar | 1925 | 奉节县 | | archive | dawn | sun mountains pagoda river | |
    吊脚楼 | 临江门吊脚楼 | Stilt houses at Linjiang Gate | 1941 | 渝中区 | 郭怀远 | archive | day | mountains stilts river | |
    十八梯 | 十八梯的棒棒 | A porter on the Eighteen Steps | 1998-06 | 渝中区 | 何大顺 | studio | day | mountains stilts river steps | |
    石宝寨 | 石宝寨 | Shibaozhai pagoda | 1912 | 忠县 | | archive | day | sun mountains pagoda river | |
    纤夫 | 川江纤夫 | Trackers of the upper Yangtze | 1906 | 巫山县 | | archive | ink | sun mountains river sampan | |
    大桥 | 石板坡长江大桥通车 | The Shibanpo bridge opens | 1980-07-01 | 南岸区 | | archive | day | sun mountains city bridge river | |
    轮渡 | 最后一班轮渡 | The last ferry | 1999-12-31 | 渝中区 | 陈江声 | studio | dusk | sun mountains city river ferry | |
    磁器口 | 磁器口元宵 | Lantern festival at Ciqikou | 2008-02-21 | 沙坪坝区 | | museum | night | mountains stilts river lanterns | |
    钓鱼城 | 钓鱼城古战场 | The old field of Diaoyu Fortress | 1243/1279 | 合川区 | | museum | ink | sun mountains pagoda river | |
    北山石刻 | 北山摩崖造像 | Rock carvings of Beishan | 0892 | 大足区 | | museum | day | relief | |
    宝顶山 | 宝顶山造像群 | Figures of Baodingshan | 1179/1249 | 大足区 | 赵智凤 | museum | dusk | relief | |
    柳叶剑 | 巴式柳叶形铜剑 | Ba willow-leaf bronze sword | -0299 | 涪陵区 | | museum | day | sword | |
    湖广会馆 | 湖广会馆禹王宫 | The Yuwang Palace of the Huguang Guildhall | 1759 | 渝中区 | | museum | dusk | mountains stilts lanterns river | |
    唐人行旅 | 唐人入峡图 | Tang travellers enter the Gorges | 0618/0907 | 巫山县 | | museum | ink | mountains gorge river sampan | |
    轻轨 | 嘉陵江边的早班 | First train along the Jialing | 2005-06 | 渝中区 | | studio | dawn | sun mountains city bridge river fog | |
    广阳岛 | 广阳岛的秋天 | Autumn on Guangyang Isle | 2025-11-08 | 南岸区 | | studio | day | sun mountains river sampan | 内部 | internal
    无名合影 | 无名照相馆底片 | Glass negative of an unnamed studio | 1930~ | 渝中区 | | archive | ink | mountains city river | | orphan
    抵押长卷 | 江城长卷 | Scroll of the river city | 2016 | 渝中区 | 沈墨 | studio | dusk | sun mountains city stilts river lanterns | | pledged
    """.strip().splitlines()
)

_RIVER_DUSK = _scene("dusk", "sun mountains city river ferry", 21)
FILMS = (
    Film(
        "朝天门的一天.mp4", "朝天门的一天", "A day at Chaotianmen", "1986", "渝中区", "陈江声；林素秋", "archive",
        (
            Take("清晨薄雾里的码头", "The wharf in morning mist", 4, _scene("fog", "mountains city river fog", 31)),
            Take("梯坎上的棒棒", "Porters on the steps", 4, _scene("day", "mountains stilts river steps", 32), "cut"),
            Take("黄昏渡轮离岸", "The dusk ferry leaves the shore", 12, _RIVER_DUSK, "dissolve"),
            Take("入夜的灯火", "Lights at nightfall", 4, _scene("night", "moon mountains city river", 33), "fade"),
        ),
    ),
    Film(
        "三峡行船.mp4", "三峡行船", "Sailing the Three Gorges", "1979/1980", "奉节县", "周维舟", "archive",
        (
            Take("夔门入峡", "Into the Gorges at Kuimen", 5, _scene("day", "mountains gorge river sampan", 41)),
            Take("巫峡云雾", "Clouds over the Wu Gorge", 5, _scene("dawn", "sun mountains river fog sampan", 42), "dissolve"),
            Take("石宝寨晚照", "Last light on Shibaozhai", 4, _scene("dusk", "sun mountains pagoda river", 43)),
        ),
    ),
    Film(
        "索道上的雾.mp4", "索道上的雾", "Fog on the cableway", "1988-01", "南岸区", "", "archive",
        (
            Take("索道车厢入雾", "The car enters the fog", 6, _scene("fog", "mountains city river fog cableway", 51)),
            Take("对岸的楼群", "Towers on the other bank", 4, _scene("dawn", "sun mountains city river", 52)),
            Take("江上大桥", "The bridge over the river", 4, _scene("day", "sun mountains city bridge river", 53), "fade"),
        ),
    ),
    Film(
        "霓虹山城.mp4", "霓虹山城", "Neon hill city", "2020-10", "渝中区", "沈墨", "studio",
        (
            Take("洪崖洞点灯", "Hongyadong lights up", 5, _scene("night", "moon city stilts river lanterns", 61)),
            Take("大桥车流", "Traffic on the bridge", 5, _scene("night", "moon mountains city bridge river", 62)),
            Take("黎明前的江面", "The river before dawn", 5, _scene("dawn", "sun mountains city river fog", 63), "dissolve"),
        ),
    ),
    Film(
        "川江号子.mp4", "川江号子", "Songs of the river trackers", "1961~", "巫山县", "何大顺", "studio",
        (
            Take("水墨川江", "The river in ink", 5, _scene("ink", "sun mountains river sampan", 71)),
            Take("峡口上滩", "Up the rapids at the gorge mouth", 5, _scene("fog", "mountains gorge river sampan", 72)),
            Take("归舟", "Boats going home", 4, _scene("dusk", "sun mountains river sampan", 73), "fade"),
        ),
    ),
    Film(
        "石上人间.mp4", "石上人间", "Lives in stone", "2011", "大足区", "赵智凤", "museum",
        (
            Take("宝顶山龛像", "Niches of Baodingshan", 5, _scene("day", "relief", 81, 0.012)),
            Take("钓鱼城远山", "Far hills of Diaoyu Fortress", 4, _scene("ink", "sun mountains pagoda river", 82)),
            Take("会馆灯影", "Lanterns of the guildhall", 4, _scene("dusk", "mountains stilts lanterns river", 83), "dissolve"),
        ),
    ),
)  # fmt: skip
