"""The written page is whole, holds all it shows, and shows hostile names as text."""

import base64
import hashlib
import io
import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.report.page import Example, render, write_report
from cyclegan_keras.report.section import Section, Table

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;$title.png"
NAMES = [HOSTILE, "Größe_ä.jpg", "草原の馬.png", "a\udcff\udc80.jpg", "مهر.png"]
PICTURE = np.zeros((4, 6, 3), np.uint8)
NOTHING = {"title": "", "summary": {}, "measures": {}, "examples": [], "curves": {}}


class Page(HTMLParser):
    """What a browser finds in a page: elements with attributes, text, and the text of scripts."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.elements, self.inside, self.raw = [], [], {}
        self.words = ""
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.inside.append(tag)

    def handle_endtag(self, tag):
        while self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if self.inside and self.inside[-1] in ("script", "style"):
            self.raw.setdefault(self.inside[-1], []).append(data)
        else:
            self.words += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def example(name, number=0):
    pictures = [np.full((6, 8, 3), 40 * k + number, np.uint8) for k in range(4)]
    views = dict(zip(("before", "after", "cycled", "truth"), pictures, strict=True))
    scores = {"faithfulness": float(number)}
    return Example(name=name, direction="horse to zebra", scores=scores, **views)


@pytest.fixture(scope="module")
def path(tmp_path_factory, make_measure):
    path = tmp_path_factory.mktemp("report") / "bericht_ü.html"
    write_report(
        path,
        title=f"T {HOSTILE}",
        summary={HOSTILE: HOSTILE, "step": "2,800"},
        measures={
            HOSTILE: [
                make_measure(
                    name=HOSTILE,
                    value=0.08,
                    low=0.08,
                    high=0.08,
                    real_score=math.nan,
                    copy_score=0.2,
                    features=HOSTILE,
                    protocol=HOSTILE,
                )
            ],
            "unmeasured": [],
        },
        examples=[example(name, number) for number, name in enumerate(NAMES)],
        curves={HOSTILE: [(1, 0.5), (2, math.nan)], "empty": []},
        notes=[HOSTILE],
    )
    return path


@pytest.fixture(scope="module")
def page(path):
    return Page(path)


def test_hostile_names_are_text(page):
    assert page.words.count(HOSTILE) >= 6
    assert not [a for _, attributes in page.elements for a in attributes if a.startswith("on")]
    assert len(page.all("script")) == 2  # the curves and report.js
    assert json.loads(page.raw["script"][0])[0]["name"] == HOSTILE


def test_names_of_all_languages_survive(page):
    cards = [a["data-name"] for a in page.all("li") if a.get("class") == "card"]
    assert cards == ["مهر.png", "a??.jpg", "草原の馬.png", "Größe_ä.jpg", HOSTILE]  # worst first
    assert all(name in page.words for name in cards)


def test_every_picture_is_inside(page):
    images = page.all("img")
    assert len(images) == 4 * len(NAMES)
    colors = set()
    for image in images:
        head, data = image["src"].split(";base64,")
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data, validate=True))))
        assert head in ("data:image/png", "data:image/jpeg")
        assert shown.shape == (int(image["height"]), int(image["width"]), 3)
        assert image["loading"] == "lazy"
        assert image["alt"]
        colors.add(int(shown[0, 0, 0]))
    assert colors == {40 * k + number for k in range(4) for number in range(len(NAMES))}


def test_nothing_is_fetched(page):
    for _, attributes in page.elements:
        for key in ("src", "href", "srcset", "data", "action", "poster", "style"):
            assert attributes.get(key, "data:").startswith("data:")
    style = "".join(page.raw["style"])
    assert "url(" not in style
    assert "@import" not in style
    assert not re.findall(r"\b(?:fetch|XMLHttpRequest|import)\b", page.raw["script"][1])


def test_the_policy_lets_only_this_page_run(page):
    (policy,) = (a["content"] for a in page.all("meta") if "http-equiv" in a)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for kind, text in (("script-src", page.raw["script"][1]), ("style-src", page.raw["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[kind] == f"'sha256-{digest}'"


def test_what_is_missing_is_said(page):
    assert "real pictures: n/a" in page.words
    assert "copying the input 0.200" in page.words
    assert "unmeasured" not in page.words
    assert "NaN" not in page.raw["script"][0]


def test_everything_has_a_name_for_those_who_cannot_see(page):
    named = page.all("input") + [a for a in page.all("button") if "enlarge" in a.get("class", "")]
    assert len(named) == 2 * len(NAMES) + 1
    assert all(a["aria-label"] for a in named)


def test_empty_parts_get_no_section(tmp_path):
    path = tmp_path / "r.html"
    write_report(path, **NOTHING | {"title": "Nothing yet"})
    assert Page(path).all("section") == []


def test_a_failure_leaves_the_old_page(tmp_path):
    path = tmp_path / "r.html"
    path.write_text("old")
    with pytest.raises(AttributeError):
        write_report(path, **NOTHING | {"measures": {"a": ["no measure"]}})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def luminance(color):
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1])
def test_contrast_is_that_of_wcag_aa(page, scheme):
    blocks = re.findall(r":root \{(.*?)\}", page.raw["style"][0], re.DOTALL)
    blocks = blocks[scheme::2]  # those of base.css and of report.css, light and dark in turn
    colors = dict(re.findall(r"--(\w+): (#\w{6});", "".join(blocks)))
    least = dict.fromkeys(("ink", "muted", "accent", "good", "bad"), 4.5)
    least |= {f"c{k}": 3.0 for k in range(8)}
    for ground in ("paper", "surface"):
        for name, ratio in least.items():
            pair = sorted(luminance(colors[n]) for n in (name, ground))
            assert (pair[1] + 0.05) / (pair[0] + 0.05) >= ratio, (name, ground)


# ---- sections ----


def test_a_section_shows_its_words_tables_and_picture(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (60, 600, 3), np.uint8)
    section = Section(
        title=HOSTILE,
        paragraphs=[HOSTILE, "second"],
        picture=picture,
        picture_words=HOSTILE,
        tables=[
            Table(heading=HOSTILE, header=("row", HOSTILE), rows=((HOSTILE, "12.5"), ("b", "7")))
        ],
        facts={HOSTILE: HOSTILE},
        notes=[HOSTILE],
    )
    path = tmp_path / "sections.html"
    write_report(path, **NOTHING | {"sections": [section]})
    page = Page(path)
    assert [a.get("class") for a in page.all("section")] == ["section"]
    assert page.words.count(HOSTILE) == 9
    (image,) = page.all("img")
    data = base64.b64decode(image["src"].split(";base64,")[1])
    shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert shown.shape == picture.shape == (int(image["height"]), int(image["width"]), 3)
    assert image["alt"] == HOSTILE
    assert [a["data-label"] for a in page.all("td")] == [HOSTILE, HOSTILE]
    assert not [a for _, attributes in page.elements for a in attributes if a.startswith("on")]


def test_what_is_empty_in_a_section_is_left_out(tmp_path):
    path = tmp_path / "sections.html"
    write_report(path, **NOTHING | {"sections": [Section(title="Empty")]})
    page = Page(path)
    assert "Empty" in page.words
    for tag in ("table", "figure", "details"):
        assert page.all(tag) == []


# ---- examples ----


def plain_example(name, direction="x to y", **more):
    return Example(name=name, direction=direction, before=PICTURE, after=PICTURE, **more)


def cards_of(examples, tmp_path, worst_by="faithfulness"):
    """Returns the names of the cards and the page, which is written with nothing else."""
    path = tmp_path / "cards.html"
    write_report(path, **NOTHING | {"examples": examples, "worst_by": worst_by})
    page = Page(path)
    return [a["data-name"] for a in page.all("li") if a.get("class") == "card"], page


def test_an_example_knows_its_pictures():
    example = Example(name="a", direction="x to y", before=PICTURE, after=PICTURE, truth=PICTURE)
    assert list(example.pictures()) == ["before", "after", "truth"]


@pytest.mark.parametrize(
    ("view", "picture"),
    [
        ("before", PICTURE.astype(np.float32)),
        ("after", PICTURE[:, :, 0]),
        ("cycled", PICTURE[:2]),
        ("truth", PICTURE[..., :1]),
    ],
)
def test_an_example_refuses_what_is_no_picture(view, picture):
    pictures = {"before": PICTURE, "after": PICTURE, view: picture}
    with pytest.raises(ValueError, match=r"of the example 'a'.*uint8.*Received"):
        Example(name="a", direction="x to y", **pictures)


def test_worst_first_and_unknown_last(tmp_path):
    scores = {"a": 0.1, "b": math.nan, "c": 0.3, "d": 0.2}
    examples = [plain_example(name, scores={"f": score}) for name, score in scores.items()]
    examples.append(plain_example("e"))
    names, _ = cards_of(examples, tmp_path, worst_by="f")
    assert names == ["c", "d", "a", "b", "e"]


@pytest.mark.parametrize(
    ("worst_by", "sorts"), [("faithfulness", "faithfulness"), ("missing", "L1")]
)
def test_the_score_that_sorts(worst_by, sorts, tmp_path):
    examples = [plain_example("a"), plain_example("b", scores={"L1": 1.0, "faithfulness": 2.0})]
    _, page = cards_of(examples, tmp_path, worst_by)
    assert [a["data-score"] for a in page.all("p") if a.get("class") == "count-line"] == [sorts]


def test_only_what_can_be_chosen_is_offered(tmp_path):
    _, page = cards_of([plain_example("a")], tmp_path)
    buttons = page.all("button")
    assert not [a for a in buttons if "data-direction" in a]
    assert "Worst first" not in page.words
    views = [a["data-view"] for a in buttons if "data-view" in a]
    assert views == ["slider", "before", "after"] * 2  # above the cards and in the large view
    both = [
        plain_example("a", scores={"f": 1.0}),
        plain_example("b", direction="y to x", truth=PICTURE),
    ]
    _, page = cards_of(both, tmp_path)
    for words in ("Worst first", "y to x (1)", "Counterpart"):
        assert words in page.words


# ---- measures ----


def measures_of(*measures):
    """Returns the HTML of a page with these measures alone."""
    return render(**NOTHING | {"measures": {"horse & zebra": measures}})


def test_a_row_shows_all_that_is_known(make_measure):
    html = measures_of(make_measure(value=0.0312, low=0.03, high=0.033))
    assert "<caption>horse &amp; zebra</caption>" in html
    assert "efficientnet_lite0 · resize &lt;224&gt;" in html
    assert "95&nbsp;%: 0.0300 to 0.0330" in html
    assert "<strong>0.0312</strong>" in html
    assert ">1,200<" in html
    assert "standard error" not in html
    assert ">1,200 / 3<" in measures_of(make_measure(n=(1200, 3)))


def test_a_number_that_is_missing_is_said(make_measure):
    infinite = make_measure(value=math.inf, low=math.inf, high=math.inf, stderr=0.002)
    html = measures_of(infinite)
    assert "<strong>n/a</strong>" in html
    assert "95&nbsp;%: n/a" in html
    assert "standard error 0.00200" in html
