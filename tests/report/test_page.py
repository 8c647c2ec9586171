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

from cyclegan_keras.report.base import Example
from cyclegan_keras.report.page import write_report

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;$title.png"
NAMES = [HOSTILE, "Größe_ä.jpg", "草原の馬.png", "a\udcff\udc80.jpg", "مهر.png"]
MEASURE = {"name": "KID", "value": 0.08, "better": "lower", "floor": math.nan, "ceiling": 0.2}


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
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "bericht_ü.html"
    write_report(
        path,
        title=f"T {HOSTILE}",
        summary={HOSTILE: HOSTILE, "step": "2,800"},
        measures={HOSTILE: [{**MEASURE, "features": HOSTILE}], "unmeasured": []},
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
    colours = set()
    for image in images:
        head, data = image["src"].split(";base64,")
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data, validate=True))))
        assert head in ("data:image/png", "data:image/jpeg")
        assert shown.shape == (int(image["height"]), int(image["width"]), 3)
        assert image["loading"] == "lazy"
        assert image["alt"]
        colours.add(int(shown[0, 0, 0]))
    assert colours == {40 * k + number for k in range(4) for number in range(len(NAMES))}


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


def test_everything_has_a_name_for_who_cannot_see(page):
    named = page.all("input") + [a for a in page.all("button") if "enlarge" in a.get("class", "")]
    assert len(named) == 2 * len(NAMES) + 1
    assert all(a["aria-label"] for a in named)


def test_empty_parts_get_no_section(tmp_path):
    path = tmp_path / "r.html"
    nothing = {"summary": {}, "measures": {}, "examples": [], "curves": {}}
    write_report(path, title="Nothing yet", **nothing)
    assert Page(path).all("section") == []


def test_a_failure_leaves_the_old_page(tmp_path):
    path = tmp_path / "r.html"
    path.write_text("old")
    with pytest.raises(ValueError, match="better"):
        write_report(*(path,), title="", summary={}, measures={"a": [{}]}, examples=[], curves={})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1])
def test_contrast_is_that_of_wcag_aa(page, scheme):
    blocks = re.findall(r":root \{(.*?)\}", page.raw["style"][0], re.DOTALL)
    colours = dict(re.findall(r"--(\w+): (#\w{6});", blocks[scheme]))
    least = dict.fromkeys(("ink", "muted", "accent", "good", "bad"), 4.5)
    least |= {f"c{k}": 3.0 for k in range(8)}
    for ground in ("paper", "surface"):
        for name, ratio in least.items():
            pair = sorted(luminance(colours[n]) for n in (name, ground))
            assert (pair[1] + 0.05) / (pair[0] + 0.05) >= ratio, (name, ground)
