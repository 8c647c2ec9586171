"""Templates that keep hostile text harmless, and policies that name what may run."""

import base64
import hashlib

import jinja2
import pytest

from cyclegan_keras.pages.template import policy_source, template


def test_values_are_escaped(tmp_path):
    path = tmp_path / "page.html.jinja"
    path.write_text("<p title='{{ name }}'>{{ name }}</p>")
    html = template(path).render(name="<b>\"'&")
    assert html == "<p title='&lt;b&gt;&#34;&#39;&amp;'>&lt;b&gt;&#34;&#39;&amp;</p>"


def test_a_value_that_is_missing_is_an_error(tmp_path):
    path = tmp_path / "page.html.jinja"
    path.write_text("{{ title }}")
    with pytest.raises(jinja2.UndefinedError, match="title"):
        template(path).render()


def test_a_policy_names_a_text_by_its_digest():
    text = "\nbody { color: red } /* ü */\n"
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()
    assert policy_source(text) == f"'sha256-{digest}'"
    # the empty text's, as browsers print it
    assert policy_source("") == "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
