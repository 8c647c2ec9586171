"""A real browser opens a report from its file: what moves, moves, and nothing is fetched."""

import math

import numpy as np
import pytest
from browsers import DESKTOP, IN_CI, PHONE, find, pixels, requests, resize
from PIL import Image

from cyclegan_keras.report.page import Example, write_report
from cyclegan_keras.report.section import Section, Table

if not IN_CI:
    pytest.importorskip("selenium")
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By

pytestmark = [pytest.mark.slow, pytest.mark.process]

RED, BLUE, GREEN, GOLD = (200, 40, 30), (30, 60, 190), (40, 150, 60), (220, 170, 30)
SETTLED = """
    const [done] = arguments;
    let last = null;
    const look = () => {
        if (scrollY === last) return done(last);
        last = scrollY;
        setTimeout(look, 100);
    };
    look();
"""  # gives the place where scrolling came to rest


def flat(color):
    return np.full((64, 64, 3), color, np.uint8)


@pytest.fixture(scope="module")
def report(tmp_path_factory, make_measure):
    path = tmp_path_factory.mktemp("report") / "Übung 草原.html"
    directions = ["horse to zebra", "zebra to horse"] * 3
    scores = [0.3, 0.1, 0.6, 0.2, math.nan, 0.5]
    examples = [
        Example(
            name=f"b{10 - k}<i>.png",
            direction=direction,
            before=flat(RED),
            after=flat(BLUE),
            cycled=flat(GREEN),
            truth=flat(GOLD) if k else None,
            scores={"faithfulness": score},
        )
        for k, (direction, score) in enumerate(zip(directions, scores, strict=True))
    ]
    curve = [(step, 10.0 ** (-step / 50)) for step in range(0, 101, 10)]
    write_report(
        path,
        title="Horses and zebras",
        summary={"model": "a_very_long_name_" * 6, "step": "100"},
        measures={"horse to zebra": [make_measure()]},
        examples=examples,
        curves={"cycle_x": curve, "d_x": [(0, 0.5), (100, math.nan)]},
        sections=[
            Section(
                title="Compressed from horses_" * 3,
                paragraphs=["20 times less."],
                picture=np.zeros((40, 900, 3), np.uint8),
                tables=[
                    Table(
                        heading="TFLite files",
                        header=("variant", *(f"column number {k}" for k in range(8))),
                        rows=(("dynamic", *["11,596 (11,000 to 12,000)"] * 8),),
                    )
                ],
            )
        ],
    )
    return path


@pytest.fixture
def page(browser, report):
    browser.get_log("browser")  # that of other tests, which share the browser
    resize(browser, DESKTOP)
    browser.get(report.as_uri())
    yield browser
    assert browser.get_log("browser") == []  # no error, no breach of the policy


def press(browser, label, inside="main"):
    find(browser, inside).find_element(By.XPATH, f".//button[text()='{label}']").click()


def seen(element, share):
    """The color in the upper part of a picture, `share` of its width from the left."""
    shown = pixels(element)
    return tuple(shown[shown.shape[0] // 4, round(share * (shown.shape[1] - 1))])


def first_stack(browser):
    stack = find(browser, ".stack")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", stack)
    return stack


def names(browser):
    cards = browser.find_elements(By.CSS_SELECTOR, ".card:not([hidden])")
    return [card.get_attribute("data-name") for card in cards]


def test_mouse_moves_the_slider(page):
    stack = first_stack(page)
    width = stack.size["width"]
    assert (seen(stack, 0.3), seen(stack, 0.7)) == (RED, BLUE)
    grab = ActionChains(page, duration=50).move_to_element(stack).click_and_hold()
    grab.move_by_offset(round(-0.3 * width), 0).release().perform()
    assert (seen(stack, 0.1), seen(stack, 0.3)) == (RED, BLUE)
    move = ActionChains(page, duration=50).move_to_element(stack)  # nothing is held any more
    move.move_by_offset(round(0.2 * width), 40).perform()
    assert seen(stack, 0.3) == BLUE
    move.click().perform()
    assert (seen(stack, 0.6), seen(stack, 0.8)) == (RED, BLUE)


def test_keys_move_the_slider(page):
    stack, handle = first_stack(page), find(page, ".stack input")
    handle.send_keys(Keys.HOME)
    assert seen(stack, 0.05) == BLUE
    handle.send_keys(Keys.END)
    assert seen(stack, 0.95) == RED
    handle.send_keys(Keys.ARROW_LEFT * 40)
    assert (seen(stack, 0.55), seen(stack, 0.65)) == (RED, BLUE)


def test_a_finger_moves_the_slider_but_not_while_scrolling(page):
    stack = first_stack(page)
    box = page.execute_script("return arguments[0].getBoundingClientRect().toJSON()", stack)

    def swipe(*points):
        for kind, (x, y) in zip(("touchStart", "touchMove", "touchMove"), points, strict=True):
            point = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
            touch(kind, [point])
        touch("touchEnd", [])

    def touch(kind, points):
        page.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    swipe((0.8, 0.5), (0.6, 0.5), (0.2, 0.5))
    assert (seen(stack, 0.1), seen(stack, 0.3)) == (RED, BLUE)
    before = page.execute_script("return scrollY")
    swipe((0.9, 0.9), (0.91, 0.7), (0.92, 0.3))
    after = page.execute_async_script(SETTLED)
    assert after > before
    first_stack(page)
    assert (seen(stack, 0.1), seen(stack, 0.3)) == (RED, BLUE)


def test_order_and_filter(page):
    worst = ["b8<i>.png", "b5<i>.png", "b10<i>.png", "b7<i>.png", "b9<i>.png", "b6<i>.png"]
    line = find(page, ".count-line")
    assert names(page) == worst
    assert line.text == "6 of 6, worst first by faithfulness (higher is worse)"
    press(page, "Best first")
    assert names(page) == [*worst[4::-1], worst[5]]  # without a score: last either way
    press(page, "By name")
    assert names(page) == [f"b{k}<i>.png" for k in range(5, 11)]
    press(page, "horse to zebra (3)")
    assert names(page) == ["b6<i>.png", "b8<i>.png", "b10<i>.png"]
    assert line.text == "3 of 6, by name"


def test_views(page):
    cards = {n: find(page, f'.card[data-name="{n}"] .stack') for n in ("b8<i>.png", "b10<i>.png")}
    views = {"Before": RED, "After": BLUE, "Cycle": GREEN, "Counterpart": GOLD}
    for label, color in views.items():
        press(page, label)
        assert seen(cards["b8<i>.png"], 0.3) == seen(cards["b8<i>.png"], 0.7) == color
    assert seen(cards["b10<i>.png"], 0.3) not in views.values()  # it has no counterpart


def test_large_view(page):
    first_stack(page)
    find(page, ".enlarge").click()
    dialog = find(page, ".large")
    assert dialog.find_element(By.TAG_NAME, "h2").text == "b8<i>.png"
    assert seen(find(page, ".large .stack"), 0.6) == BLUE
    page.switch_to.active_element.send_keys(Keys.END)
    assert seen(find(page, ".large .stack"), 0.6) == RED
    ActionChains(page).send_keys(Keys.ARROW_DOWN, "4").perform()
    assert find(page, ".large .position").text == "2 of 6"
    assert seen(find(page, ".large .stack"), 0.5) == GREEN
    find(page, ".large .stack").click()  # steps on
    assert seen(find(page, ".large .stack"), 0.5) == GOLD
    press(page, "Previous", ".large")
    assert dialog.find_element(By.TAG_NAME, "h2").text == "b8<i>.png"
    ActionChains(page).send_keys(Keys.ESCAPE).perform()
    assert not dialog.is_displayed()


def test_curves(page):
    chart = find(page, ".chart svg")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", chart)

    def drawn():
        numbers = find(page, ".chart path.c0").get_attribute("d")[1:].replace("L", " ").split()
        return np.asarray(numbers, float).reshape(-1, 2)

    def values():
        return [output.text for output in page.find_elements(By.CSS_SELECTOR, ".key output")]

    press(page, "Logarithmic")
    slopes = np.diff(drawn()[:, 1])
    np.testing.assert_allclose(slopes, slopes.mean(), atol=0.2)  # an exponential is straight
    press(page, "Linear")
    assert np.ptp(np.diff(drawn()[:, 1])) > 5
    assert values() == ["0.01", "n/a"]
    ActionChains(page, duration=50).move_to_element(chart).perform()
    assert values()[0] == "0.1"  # near the middle: step 50
    find(page, ".chart input").send_keys(Keys.HOME)
    assert values() == ["1", "0.5"]
    find(page, ".key").click()
    assert page.find_elements(By.CSS_SELECTOR, ".chart path.c0") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_it_fits_the_screen(page, size, scheme, tmp_path):
    resize(page, size, scheme)
    page.save_screenshot(str(tmp_path / "report.png"))
    shown = np.asarray(Image.open(tmp_path / "report.png").convert("L"))
    assert shown.shape == size[::-1]
    assert (np.median(shown) > 128) == (scheme == "light")
    wide = page.execute_script("return document.documentElement.scrollWidth")
    assert wide <= size[0]
    columns = {card.location["x"] for card in page.find_elements(By.CSS_SELECTOR, ".card")}
    assert len(columns) == (1 if size == PHONE else 4)
    label = "return getComputedStyle(arguments[0], '::before').content"
    is_labeled = page.execute_script(label, find(page, ".facts td")) == '"column number 0"'
    assert is_labeled == (size == PHONE)  # where the head of the table is hidden
    assert find(page, ".facts thead").is_displayed() == (size != PHONE)


def test_nothing_is_fetched(browser, report):
    requests(browser)
    browser.get(report.as_uri())
    find(browser, ".enlarge")
    asked = requests(browser)
    assert report.as_uri() in asked
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
