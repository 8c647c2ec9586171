"""The documentation as a site: what a reader would miss, in the files and in a browser."""

import collections
import doctest
import functools
import html.parser
import http.server
import importlib
import inspect
import json
import pathlib
import re
import subprocess
import sys
import threading
import urllib.parse

import markdown_it
import pytest
from browsers import (
    DESKTOP,
    PHONE,
    axe,
    browser,
    find,
    open_browser,
    requests,
    resize,
    violations,
    wait_until,
)
from conftest import ROOT
from optional import optional

import cyclegan_keras
from cyclegan_keras.commands import check_data, compress, evaluate, export, train, translate

__all__ = ["axe", "browser"]  # fixtures

pytestmark = [pytest.mark.release, pytest.mark.process]

# What is counted in a page: the parts of a text that a dialect of Markdown may miss.
COUNTED = ("h1", "h2", "h3", "ul", "ol", "li", "table", "tr", "td", "pre", "img", "em", "strong")
# The elements that the site consists of; any other is a word in angle brackets.
BLOCKS = {"article", "div", "nav", "details", "summary", "blockquote", "hr", "pre"}
TEXTS = {"h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li"}
TABLES = {"table", "thead", "tbody", "tr", "th", "td"}
INLINE = {"a", "b", "br", "button", "code", "em", "img", "small", "span", "strong", "svg", "path"}
ELEMENTS = BLOCKS | TEXTS | TABLES | INLINE
VOID = ("img", "br", "hr", "input", "meta", "link")


class Page(html.parser.HTMLParser):
    """A page of the site, read by the standard library alone.

    Args:
        text: HTML.
        whole: whether all of it is the text of the page; otherwise that is its `<article>`.

    Attributes:
        ids: what an anchor may name.
        links: (tag, address) of all that leads to another file.
        words: the text of the page outside of code.
        all_words: the text of the page, all white space as one blank.
        code: what stands in blocks of code.
        counts: tag -> how often it occurs in the text of the page.
    """

    def __init__(self, text: str, *, whole: bool = False):
        super().__init__()
        self.ids, self.links, self.counts = set(), [], collections.Counter()
        self._open = ["article"] if whole else []
        self._words, self._all_words, self._code = [], [], []
        self.feed(text)
        self.words = "".join(self._words)
        self.all_words = " ".join("".join(self._all_words).split())
        self.code = "".join(self._code)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if "id" in attributes:
            self.ids.add(attributes["id"])
        for name in ("href", "src"):
            if attributes.get(name):
                self.links.append((tag, attributes[name]))
        if "article" in self._open:
            self.counts[tag] += 1
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        while tag in self._open and self._open.pop() != tag:
            pass  # an element that needs no end, as <p>

    def handle_data(self, data):
        if "article" in self._open and not {"script", "style"} & set(self._open):
            self._all_words.append(data)
            if "pre" in self._open:
                self._code.append(data)
            if not {"code", "pre"} & set(self._open):
                self._words.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> pathlib.Path:
    """The site as `make docs` builds it; whatever MkDocs warns of makes that fail."""
    for package in ("mkdocs", "material", "mkdocstrings"):
        optional(package)
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "docs/make_site.py", f"--site_dir={folder}"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site) -> dict[pathlib.Path, Page]:
    """All pages by their files, but for the one that a host shows where there is none."""
    return {
        path: Page(path.read_text())
        for path in sorted(site.rglob("*.html"))
        if path.name != "404.html"
    }


@pytest.fixture(scope="module")
def with_mouse(tmp_path_factory):
    """A browser with a mouse: blocks of code that scroll are then stops of the Tab key."""
    flags = ("--disable-gpu", "--blink-settings=primaryHoverType=2,availableHoverTypes=2")
    with open_browser(tmp_path_factory.mktemp("browser"), flags) as opened:
        yield opened


def test_every_link_leads_to_a_file_and_an_anchor_of_the_site(site, pages):
    broken, checked = [], collections.Counter()
    for path, page in pages.items():
        for tag, address in page.links:
            parts = urllib.parse.urlsplit(address)
            if parts.scheme or parts.netloc:
                # Readers may follow a link elsewhere; the site itself asks nobody for anything.
                if tag != "a" or parts.scheme not in ("http", "https", "mailto"):
                    broken.append(f"{path.relative_to(site)}: <{tag}> from {address}")
                continue
            target = path
            if parts.path:
                target = (path.parent / urllib.parse.unquote(parts.path)).resolve()
            checked[tag] += 1
            if not target.is_file():
                broken.append(f"{path.relative_to(site)}: no file {address}")
            elif parts.fragment and target.suffix == ".html":
                anchor = urllib.parse.unquote(parts.fragment)
                if anchor not in pages[target].ids and anchor != "__skip":
                    broken.append(f"{path.relative_to(site)}: no anchor {address}")
    assert broken == []
    assert checked["a"] > 1000
    assert checked["img"] > 10


def test_pages_show_what_a_code_host_shows(site, pages):
    reader = markdown_it.MarkdownIt("commonmark", {"html": True}).enable("table")
    different = {}
    for source in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "deploy" / "README.md"]:
        expected = Page(reader.render(source.read_text()), whole=True).counts
        name = source.relative_to(ROOT).with_suffix(".html")
        if name.stem == "README":
            name = name.with_stem("index")
        shown = pages[site / name].counts
        found = {tag: (expected[tag], shown[tag]) for tag in COUNTED if expected[tag] != shown[tag]}
        if found:
            different[str(name)] = found
    assert different == {}


def test_no_markdown_is_left(site, pages):
    left = {}
    for path, page in pages.items():
        if found := re.findall(
            r".*(?:\]\(|\]\[|(?<!\w)\*\*\w|^ *:::|```).*", page.words, re.MULTILINE
        ):
            left[str(path.relative_to(site))] = found
    assert left == {}


def test_no_word_in_angle_brackets_is_taken_for_an_element(site, pages):
    """As `<run>` would be, where it is not marked as code: a browser shows nothing of it."""
    taken = {
        str(path.relative_to(site)): unknown
        for path, page in pages.items()
        if (unknown := {tag for tag in page.counts if tag not in ELEMENTS})
    }
    assert taken == {}


def test_every_public_name_has_an_entry_with_its_docstring(pages):
    shown = {anchor: page for page in pages.values() for anchor in page.ids}
    public = {f"cyclegan_keras.{name}": name for name in cyclegan_keras.__all__}
    documented = {path: getattr(cyclegan_keras, name) for path, name in public.items()}
    for command in (check_data, train, translate, evaluate, compress, export):
        documented[f"{command.__name__}.run"] = command.run
    missing = []
    for path, value in documented.items():
        first_line = inspect.getdoc(value).splitlines()[0].replace("`", "").replace("*", "")
        if path not in shown or first_line not in shown[path].all_words.replace("*", ""):
            missing.append(path)
            continue
        for example in doctest.DocTestParser().get_examples(inspect.getdoc(value)):
            if example.source.splitlines()[0] not in shown[path].code:
                missing.append(f"{path}: {example.source}")
    assert missing == []
    # An example without prompts is code as well.
    commands = shown["cyclegan_keras.commands.train.run"].code
    assert 'train.run(dataset="photos", crop_size=128, n_epochs=50)' in commands


def test_entries_of_the_pages_exist_in_the_code(pages):
    """Each `:::` names what can be imported, from where the page says it is."""
    names = []
    for source in ROOT.glob("docs/api/*.md"):
        names += re.findall(r"^::: ([\w.]+)$", source.read_text(), re.MULTILINE)
    assert len(names) > 50
    for name in names:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name


def test_search_finds_every_page(site, pages):
    index = json.loads((site / "search" / "search_index.json").read_text())
    found = {entry["location"].partition("#")[0] or "index.html" for entry in index["docs"]}
    assert found == {str(path.relative_to(site)) for path in pages}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["index.html", "docs/options.html", "docs/api/trainers.html"])
def test_people_can_use_a_page_opened_from_its_folder(site, with_mouse, axe, page, scheme):
    browser = with_mouse
    resize(browser, DESKTOP, scheme)
    browser.get((site / page).as_uri())
    # The theme readies a block of code when it comes into view: so all of the page does.
    height = browser.execute_script("return document.body.scrollHeight")
    resize(browser, (DESKTOP[0], height), scheme)
    browser.execute_async_script("setTimeout(arguments[0], 300)")
    found = violations(browser, axe)
    # The theme puts the button that copies into a `nav` without a name, one for each block.
    assert [line for line in found if "md-code__nav" not in line] == []
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(23, 23, 21)"}[scheme]


def test_a_page_fits_a_phone_and_shows_its_pictures(site, browser):
    resize(browser, PHONE)
    browser.get((site / "index.html").as_uri())
    broken = "[...document.images].filter((image) => !image.complete || !image.naturalWidth)"
    wait_until(browser, f"document.images.length > 3 && {broken}.length === 0")
    for page in ("index.html", "docs/options.html", "docs/api/trainers.html"):
        browser.get((site / page).as_uri())
        width = browser.execute_script("return document.scrollingElement.scrollWidth")
        assert width == PHONE[0], page


@pytest.fixture(scope="module")
def address(site):
    """Where a server of files shows the site."""
    handler = functools.partial(QuietFiles, directory=str(site))
    with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing of it."""

    def log_message(self, *arguments):
        pass


def test_search_asks_no_other_host(address, browser):
    resize(browser, DESKTOP)
    requests(browser)  # forgets those of other tests
    browser.get(f"{address}/index.html")
    wait_until(browser, "document.querySelector('[data-md-component=search-query]') !== null")
    browser.execute_script("document.querySelector('[data-md-component=search-query]').focus()")
    find(browser, "[data-md-component=search-query]").send_keys("InstanceNormalization")
    found = "[...document.querySelectorAll('.md-search-result__link')].map((link) => link.href)"
    wait_until(browser, f"{found}.some((address) => address.includes('docs/api/layers.html'))")
    asked = {each for each in requests(browser) if not each.startswith(("data:", "blob:"))}
    assert f"{address}/search/search_index.json" in asked
    assert [each for each in asked if not each.startswith(address)] == []
