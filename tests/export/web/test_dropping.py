"""What a visitor drops on the page: pictures, folders, addresses. And the examples it offers."""

import os
import shutil

import numpy as np
import pytest
from browsers import DESKTOP, PHONE, find, requests, resize, wait_until
from PIL import Image
from web_page import READY, canvas, change_about, levels, open_page, wait_for_rest

from cyclegan_keras.export.web.serve import PageServer

pytestmark = [pytest.mark.slow, pytest.mark.process]

LATER = pytest.mark.release
# Drops words or an address, as from another page; returns whether the browser would go there.
DROP_TEXT = """
    const [type, words] = arguments;
    const transfer = new DataTransfer();
    transfer.setData(type, words);
    const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
    const over = document.body.dispatchEvent(new DragEvent("dragover", options));
    const drop = document.body.dispatchEvent(new DragEvent("drop", options));
    return over || drop;
"""
SHOWS_ERROR = "!document.getElementById('error').hidden"


@pytest.fixture
def page(browser, server):
    """The page as it is opened for the first time, in English."""
    resize(browser, DESKTOP)
    open_page(browser, f"{server.url}?engine=wasm&lang=en")
    return browser


def picture(folder, name, seed):
    path = folder / name
    Image.fromarray(levels(30, 40, seed)).save(path)
    return path


def drop(browser, *paths):
    """Drops files and folders from the disk, as the mouse does."""
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        event = {"type": kind, "x": 300, "y": 300, "data": data}
        browser.execute_cdp_cmd("Input.dispatchDragEvent", event)


def labels(browser):
    buttons = browser.find_elements("css selector", "#gallery button")
    return [each.get_attribute("aria-label") for each in buttons]


@pytest.mark.parametrize(
    "kind", ["text/uri-list", pytest.param("text/plain", marks=LATER)], ids=["address", "words"]
)
def test_an_address_is_not_followed(page, kind):
    assert not page.execute_script(DROP_TEXT, kind, "https://example.org/picture.jpg")
    wait_until(page, SHOWS_ERROR)
    assert find(page, "#error-text").text.startswith("That was not a picture’s file.")
    assert not find(page, "#retry").is_displayed()
    assert not find(page, "#drop").is_displayed()


def test_the_first_good_picture_is_shown(page, tmp_path):
    for name in ("none.png", "nothing.png"):
        (tmp_path / name).write_text("words")
    paths = [tmp_path / "none.png", tmp_path / "nothing.png", picture(tmp_path, "a.png", 1)]
    drop(page, *paths, picture(tmp_path, "b.png", 2))
    wait_until(page, "document.body.dataset.done === '2'")
    wait_for_rest(page)
    np.testing.assert_array_equal(canvas(page, "before"), np.asarray(Image.open(paths[2])))
    assert find(page, "#result").is_displayed()
    assert not find(page, "#error").is_displayed()
    assert [label.partition(":")[0] for label in labels(page)] == [
        "none.png",
        "nothing.png",
        "a.png",
        "b.png",
    ]
    states = [
        each.get_attribute("data-state")
        for each in page.find_elements("css selector", "#gallery button")
    ]
    assert states == ["failed", "failed", "done", "done"]


def test_the_pictures_of_a_folder_are_taken(page, tmp_path):
    folder = tmp_path / "holidays"
    (folder / "more").mkdir(parents=True)
    picture(folder, "10.png", 1)
    picture(folder, "9.png", 2)
    picture(folder / "more", "c.png", 3)
    (folder / "words.txt").write_text("words")
    drop(page, folder, picture(tmp_path, "single.png", 4))
    wait_until(page, "document.body.dataset.done === '4'")
    assert [label.partition(":")[0] for label in labels(page)] == [
        "single.png",
        "9.png",
        "10.png",
        "c.png",
    ]


@LATER
def test_a_folder_without_pictures_gets_words(page, tmp_path):
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "words.txt").write_text("words")
    drop(page, folder)
    wait_until(page, SHOWS_ERROR)
    assert find(page, "#error-text").text == "There is no picture in the folder letters."


@LATER
def test_the_single_file_takes_folders_or_says_why_not(browser, site, tmp_path):
    """A page on a disk may not read folders in every browser."""
    folder = tmp_path / "holidays"
    folder.mkdir()
    picture(folder, "a.png", 1)
    picture(folder, "b.png", 2)
    resize(browser, DESKTOP)
    open_page(browser, f"{site.single_file.as_uri()}?lang=en")
    drop(browser, folder)
    wait_until(browser, f"document.body.dataset.done === '2' || {SHOWS_ERROR}")
    words = find(browser, "#error-text").text
    assert words in ("", "holidays is a folder. Open it and choose its pictures.")


# ---- examples ----


@LATER
def test_examples_are_those_of_the_direction(browser, site, tmp_path):
    folder = tmp_path / "web"
    shutil.copytree(site.folder, folder, copy_function=os.link)
    photo, drawing = (example["path"] for example in site.about()["examples"])
    examples = [
        {"path": photo, "name": "a zebra", "domain": "B"},
        {"path": drawing, "name": "anything", "domain": None},
        {"path": drawing, "name": "a horse", "domain": "A"},
    ]
    change_about(folder, lambda about: about.update(examples=examples))
    resize(browser, DESKTOP)
    with PageServer(folder, port=0) as server:
        open_page(browser, f"{server.url}?engine=wasm&lang=en")
        assert example_names(browser) == ["anything", "a horse"]
        browser.find_elements("css selector", "#direction input")[1].click()
        wait_until(browser, READY)
        assert example_names(browser) == ["a zebra", "anything"]
        find(browser, "#examples button").click()
        wait_until(browser, "document.body.dataset.done === '1'")
        assert canvas(browser, "before").shape == (60, 90, 3)
        browser.find_elements("css selector", "#direction input")[0].click()
        assert example_names(browser) == ["anything", "a horse"]


def example_names(browser):
    images = browser.find_elements("css selector", "#examples img")
    return [each.get_attribute("alt").removeprefix("Example: ") for each in images]


@LATER
def test_examples_come_when_they_are_about_to_be_seen(browser, site, tmp_path):
    folder = tmp_path / "web"
    shutil.copytree(site.folder, folder, copy_function=os.link)
    first = folder / site.about()["examples"][0]["path"]
    names = [f"examples/{number}.jpg" for number in range(10, 110)]
    for name in names:
        os.link(first, folder / name)
    examples = [{"path": name, "name": name, "domain": None} for name in names]
    change_about(folder, lambda about: about.update(examples=examples))
    resize(browser, PHONE)
    with PageServer(folder, port=0) as server:
        requests(browser)
        open_page(browser, f"{server.url}?engine=wasm&lang=en")
        wait_until(browser, "document.body.dataset.offline === 'true'")
        at_first = {url for url in requests(browser) if "/examples/" in url}
        assert 0 < len(at_first) < 50
        loaded = "(image) => image.naturalWidth > 0"
        images = "[...document.querySelectorAll('#examples img')]"
        wait_until(browser, f"{images}.slice(0, 4).every({loaded})")
        browser.execute_script("scrollTo(0, document.body.scrollHeight / 2)")
        browser.execute_script("document.querySelector('#examples li:last-child').scrollIntoView()")
        wait_until(browser, f"{images}.slice(-4).every({loaded})")
