"""The page of a check in a real browser."""

import numpy as np
import pytest
from browsers import DESKTOP, PHONE, find, requests, resize, violations
from pictures_in_memory import TRAINING, colored, gray, picture_set

from cyclegan_keras.data_doctor.checking import check
from cyclegan_keras.data_doctor.page import as_rgb, write_page
from cyclegan_keras.images.picture import Picture

pytestmark = [pytest.mark.slow, pytest.mark.process]
LONG = "a_name_without_end_" * 8 + "<b>.png"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "data.html"
    a = [colored(number, side=40) for number in range(30)]
    a += [
        colored(3, side=40),
        "is damaged, since its file is truncated",
        gray(50),
        colored(51, high=60),
    ]
    a += [np.full((40, 40, 3), level, "uint8") for level in range(0, 90, 30)]
    names = [*(f"{number}.png" for number in range(len(a) - 1)), LONG]
    sets = [
        picture_set("trainA", a, names),
        picture_set("trainB", [colored(number, side=40) for number in range(100, 130)]),
        picture_set("testA", [colored(4, side=40)]),
        picture_set("testB", [colored(300, side=40)]),
    ]
    write_page(path, check(sets, TRAINING, dataset="photos <i>", compare=False), examples=2)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_page_in_a_browser(page, browser, axe, size, scheme):
    browser.get_log("browser")  # that of other tests, which share the browser
    requests(browser)
    resize(browser, size, scheme)
    browser.get(page.as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0]
    assert violations(browser, axe) == []
    assert find(browser, "h1").text.endswith("serious")
    assert find(browser, ".eyebrow").text == "photos <i>"
    folded = find(browser, "#blank details")
    folded.find_element("css selector", "summary").click()
    assert LONG in folded.text
    pair = browser.find_elements("css selector", "#leak figure")
    assert len({figure.location["y"] for figure in pair}) == 1  # beside each other
    assert {address.partition(":")[0] for address in requests(browser)} <= {"file", "data"}
    assert browser.get_log("browser") == []


def test_pictures_of_any_form_can_be_shown():
    for channels in (1, 2, 3, 5):
        pixels = colored(0, high=4000, dtype="uint16")
        pixels = np.concatenate([pixels, pixels], axis=-1)[..., :channels]
        shown = as_rgb(Picture(pixels=pixels))
        assert (shown.shape, shown.dtype) == ((24, 24, 3), np.uint8)
        assert (shown.min(), shown.max()) == (0, 255)
