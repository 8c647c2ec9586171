"""What the page says: the same in every language, nothing missing, nothing left over."""

import json
import pathlib
import re

import pytest

from cyclegan_keras.export.web import card

PAGE = pathlib.Path(card.__file__).parent / "page"
SOURCES = [*PAGE.glob("*.js"), *PAGE.glob("*.jinja"), *PAGE.glob("worker/*.js")]
OTHER_LANGUAGES = sorted({path.stem for path in PAGE.glob("strings/*.json")} - {"en"})
PLACEHOLDER = re.compile(r"\{(\w+)\}")
# Letters that tell whether a text is translated; those of other languages are the English ones.
SCRIPTS = {"ja": "[\u3040-\u30ff]", "zh": "[\u4e00-\u9fff]", "ko": "[\uac00-\ud7a3]"}
# What is the same in every language: numbers, names and signs.
SAME = {"drawing.size_value", "settings.variant_option", "work.size_of", "card.sha256"}


def strings(language):
    text = (PAGE / "strings" / f"{language}.json").read_text(encoding="utf-8")
    pairs = json.loads(text, object_pairs_hook=list)
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), "a key stands twice"
    return dict(pairs)


def source_text():
    return "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)


def used_keys():
    """Returns the keys that the page's code names, and the beginnings of those it composes."""
    prefixes = {key.partition(".")[0] for key in strings("en")}
    literal = re.compile(rf"""["'`]((?:{"|".join(prefixes)})\.[a-z_.]+)["'`]""")
    composed = re.compile(rf"`((?:{'|'.join(prefixes)})\.[a-z_.]*)\$\{{")
    text = source_text()
    return set(literal.findall(text)), set(composed.findall(text))


def test_every_used_string_exists():
    named, _ = used_keys()
    assert len(named) > 80
    assert named - set(strings("en")) == set()


def test_every_string_is_used():
    named, beginnings = used_keys()
    text = source_text()
    hints = {f"{key}_hint" for key in named}
    rest = set(strings("en")) - named - hints - card_keys()
    for key in rest:  # their ends stand in the code, such as the names of colors
        ends = [key.removeprefix(start) for start in beginnings if key.startswith(start)]
        assert any(re.search(rf"\b{end}\b", text) for end in ends), key


def test_every_row_of_the_card_has_a_name():
    assert "card.license" in card_keys()
    assert card_keys() <= set(strings("en"))


def card_keys():
    source = pathlib.Path(card.__file__).read_text(encoding="utf-8")
    added = re.findall(r'\badd\(\s*"(\w+)"', source)
    written = re.findall(r'"key": "(\w+)"', source)
    return {f"card.{key}" for key in [*added, *written, card.NO_LICENSE]}


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_languages_say_the_same(language):
    english, other = strings("en"), strings(language)
    assert list(other) == list(english)
    for key, text in english.items():
        assert sorted(PLACEHOLDER.findall(other[key])) == sorted(PLACEHOLDER.findall(text)), key
        assert other[key].strip() == other[key] != "", key
        words = PLACEHOLDER.sub("", text)
        if re.search("[a-z]", words) and key not in SAME:
            says = re.search(SCRIPTS.get(language, ""), other[key])
            is_name = re.fullmatch(r"[A-Z0-9 -]+", PLACEHOLDER.sub("", other[key]).strip())
            is_japanese = language == "ja" and re.search(SCRIPTS["zh"], other[key])
            assert says or is_name or is_japanese, f"{key} is not translated: {other[key]}"
