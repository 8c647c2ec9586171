"""Words of users stay words: no title, name or license gets to be a part of the page's code."""

import html.parser
import json
import pathlib

import pytest

from cyclegan_keras.export.web import card
from cyclegan_keras.pages.template import template

PAGE = pathlib.Path(card.__file__).parent / "page"
WORDS = "a </script><script>alert(1)</script> <!-- \"'&amp; b\\u003c, \N{ZEBRA FACE} ü {{ c }}"


class Reader(html.parser.HTMLParser):
    """Reads as a browser does: the text behind each kind of tag, and all values of attributes."""

    def __init__(self):
        super().__init__()
        self.element = None
        self.texts = {}
        self.values = []

    def handle_starttag(self, tag, attributes):
        self.element = tag, dict(attributes).get("id")
        self.values += [value for _, value in attributes]

    def handle_data(self, data):
        self.texts[self.element] = self.texts.get(self.element, "") + data


@pytest.mark.parametrize("script", [None, "1;"])
def test_users_words_stay_words(script):
    about = {
        "title": WORDS,
        "description": WORDS,
        "version": "1",
        "card": [{"value": WORDS}],
        "runtime": {"folder": "runtime/"},
    }
    strings = {"en": json.loads((PAGE / "strings" / "en.json").read_text(encoding="utf-8"))}
    assets = {} if script is None else {"examples/1.jpg": "AA=="}
    page = template(PAGE / "index.html.jinja").render(
        about=about, strings=strings, policy=WORDS, style=script, script=script, assets=assets
    )
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.texts["title", None].strip() == WORDS
    assert reader.texts["h1", None].strip() == WORDS
    assert reader.values.count(WORDS) == 2  # the description and the policy
    assert json.loads(reader.texts["script", "about"]) == about
    assert json.loads(reader.texts["script", "strings"]) == strings
    if script is not None:
        assert reader.texts["script", None].split() == ["AA==", "1;"]
