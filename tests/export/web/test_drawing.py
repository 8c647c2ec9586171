"""Somebody draws in a real browser, by mouse, finger and keys, and the page translates it."""

import base64
import io
import itertools
import shutil

import numpy as np
import pytest
from browsers import DESKTOP, PHONE, find, resize, violations, wait_until
from PIL import Image, ImageDraw
from web_page import change_about, read_about

from cyclegan_keras.commands import export
from cyclegan_keras.export import tflite_run
from cyclegan_keras.export.web.serve import PageServer

pytestmark = [pytest.mark.slow, pytest.mark.process]

SIDE = 64  # px of the sheet
# Sky, grass, a wall, a window and a roof: the background first.
COLORS = ["#78c8ff", "#8cdc3c", "#e65028", "#003cc8", "#82143c"]
SKY, GRASS, WALL, WINDOW, ROOF = COLORS
SHEET = "#drawing canvas"


@pytest.fixture(scope="module")
def server(site, tmp_path_factory):
    """The exported page, as if its first direction began with label maps, its second with lines."""
    folder = tmp_path_factory.mktemp("drawing") / "web"
    shutil.copytree(site.folder, folder)
    labels = {"kind": "labels", "background": COLORS[0], "colors": COLORS}
    lines = {"kind": "lines", "paper": "#ffffff", "ink": "#101010"}

    def draw(about):
        for direction, drawing in zip(about["directions"], (labels, lines), strict=True):
            direction["drawing"] = drawing
        about["examples"] = about["examples"][1:]  # a drawing of red, blue, green and white

    change_about(folder, draw)
    with PageServer(folder, port=0) as started:
        yield started


@pytest.fixture(scope="module")
def opened(browser, server):
    resize(browser, DESKTOP)
    browser.get(f"{server.url}?variant=fp16&engine=wasm&lang=en")
    wait_until(browser, "document.body.dataset.state === 'ready'")
    wait_until(browser, "Number(document.body.dataset.done) > 0")
    return browser


@pytest.fixture
def page(opened):
    """The page with an empty sheet."""
    press(opened, "clear")
    find(opened, SHEET)
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", find(opened, SHEET))
    return opened


def press(page, name):
    page.execute_script("arguments[0].click()", find(page, f"#drawing [data-drawing={name}]"))


def choose(page, tool=None, color=None, size=None):
    """Chooses a tool, a color of the first direction, a size of the pen in px."""
    click = "arguments[0].click()"
    if tool:
        page.execute_script(click, find(page, f"#drawing input[value={tool}]"))
    if color:
        swatch = find(page, f"#drawing .swatches input[value='{COLORS.index(color)}']")
        page.execute_script(click, swatch)
    if size:
        script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))"
        page.execute_script(script, find(page, "#drawing-size"), size)


def place(page, x, y):
    """Returns where the middle of a pixel of the sheet is in the window."""
    box = page.execute_script(
        "return arguments[0].getBoundingClientRect().toJSON()", find(page, SHEET)
    )
    return (
        round(box["x"] + (x + 0.5) / SIDE * box["width"]),
        round(box["y"] + (y + 0.5) / SIDE * box["height"]),
    )


def drag(page, *points):
    """Drags the mouse over pixels of the sheet."""
    from selenium.webdriver import ActionChains

    actions = ActionChains(page, duration=0)
    pointer = actions.w3c_actions.pointer_action
    for number, point in enumerate(points):
        pointer.move_to_location(*place(page, *point))
        if number == 0:
            pointer.pointer_down()
    pointer.pointer_up()
    actions.perform()


def keys(page, *strokes):
    find(page, SHEET).send_keys(*strokes)


def sheet(page, selector=SHEET):
    """Returns the pixels of a canvas, uint8 (height, width, 3)."""
    address = page.execute_script("return arguments[0].toDataURL()", find(page, selector))
    image = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))
    assert np.asarray(image.convert("RGBA"))[..., 3].min() == 255
    return np.asarray(image.convert("RGB"))


def empty():
    return Image.new("RGB", (SIDE, SIDE), SKY)


def rectangle(box, color, image=None):
    image = image or empty()
    ImageDraw.Draw(image).rectangle(box, fill=color)
    return image


def rgb(color):
    return Image.new("RGB", (1, 1), color).getpixel((0, 0))


def colors_of(pixels):
    return set(map(tuple, pixels.reshape(-1, 3).tolist()))


def settle(page):
    """Waits until what was drawn last is translated."""
    wait_until(page, "document.body.dataset.working === 'false'")


# ---- what an export tells the page ----


def exported(web_models, archives, output, *options):
    return export.main(
        [
            "export.py",
            f"--model={web_models}/generator_g.keras",
            "--format=web",
            f"--tflite_size={SIDE}",
            f"--web_runtime={archives}",
            f"--output={output}",
            *options,
        ]
    )


def test_labels_without_pictures_are_refused(web_models, archives, tmp_path, capsys):
    output = tmp_path / "page"
    assert exported(web_models, archives, output, "--web_drawing=labels") == 2
    assert "needs the colors of the label maps" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.release
def test_the_palette_of_given_label_maps(web_models, archives, tmp_path):
    (tmp_path / "maps").mkdir()
    for number in range(2):
        rectangle((5, 9, 40, 20 + number), WALL).save(tmp_path / "maps" / f"{number}.png")
    output = tmp_path / "page"
    pictures = f"--pictures={tmp_path / 'maps'}"
    options = ("--web_drawing=labels", "--web_variants=fp16", pictures)
    assert exported(web_models, archives, output, *options) == 0
    [direction] = read_about(output / "web")["directions"]
    assert direction["drawing"] == {"kind": "labels", "background": SKY, "colors": [SKY, WALL]}
    # The training pictures themselves stay at home.
    assert not list((output / "web").rglob("*.png"))


# ---- label maps ----


def test_it_begins_with_an_example_above_a_patch_of_each_color(page):
    page.refresh()
    wait_until(page, "document.querySelector('#drawing [aria-live]').textContent === 'Opened'")
    expected = rectangle((0, 0, 31, 31), WALL)
    rectangle((32, 0, 63, 31), WINDOW, expected)
    rectangle((0, 32, 31, 63), GRASS, expected)
    np.testing.assert_array_equal(sheet(page), expected)
    press(page, "undo")
    assert colors_of(sheet(page)) == set(map(rgb, COLORS))
    wait_until(page, "document.body.dataset.state === 'ready'")
    wait_until(page, "Number(document.body.dataset.done) > 0")
    assert find(page, "#result").is_displayed()
    press(page, "clear")
    find(page, "#examples button").click()
    wait_until(page, "document.querySelector('#drawing [aria-live]').textContent === 'Opened'")
    np.testing.assert_array_equal(sheet(page), expected)


def test_a_rectangle_by_mouse(page):
    choose(page, "rectangle", WALL)
    drag(page, (10, 20), (30, 40), (45, 50))
    np.testing.assert_array_equal(sheet(page), rectangle((10, 20, 45, 50), WALL))
    drag(page, (5, 60), (0, 55))  # from any corner
    expected = rectangle((0, 55, 5, 60), WALL, rectangle((10, 20, 45, 50), WALL))
    np.testing.assert_array_equal(sheet(page), expected)


def test_a_rectangle_by_keys(page):
    from selenium.webdriver import Keys

    choose(page, "rectangle", WINDOW)
    drag(page, (20, 20), (20, 20))  # puts the crosshair there
    press(page, "undo")
    keys(page, Keys.ARROW_LEFT * 4, Keys.SPACE, Keys.ARROW_RIGHT * 3, Keys.ARROW_DOWN * 2)
    keys(page, Keys.SHIFT + Keys.ARROW_RIGHT + Keys.NULL, Keys.SPACE)
    np.testing.assert_array_equal(sheet(page), rectangle((16, 20, 27, 22), WINDOW))
    keys(page, Keys.ARROW_DOWN, Keys.SPACE, Keys.ARROW_DOWN * 5, Keys.ESCAPE)
    np.testing.assert_array_equal(sheet(page), rectangle((16, 20, 27, 22), WINDOW))
    assert find(page, "#drawing .cross").is_displayed()
    keys(page, Keys.ARROW_UP * 90)  # no farther than the border
    wait_until(
        page, "document.querySelector('#drawing [aria-live]').textContent === '28, 1: light blue'"
    )


def round_stroke(points, width, color, image):
    """Paints the pixels whose middles are within half a width of a line; 8 times as large first."""
    large = Image.new("1", (8 * SIDE, 8 * SIDE))
    draw = ImageDraw.Draw(large)
    ends = [(8 * x + 4, 8 * y + 4) for x, y in points]
    draw.line(ends, fill=1, width=8 * width)
    for x, y in ends:
        draw.ellipse((x - 4 * width, y - 4 * width, x + 4 * width, y + 4 * width), fill=1)
    inside = np.asarray(large)[4::8, 4::8]
    return np.where(inside[..., None], np.array(rgb(color), "uint8"), image)


def test_strokes_have_no_smooth_borders(page):
    choose(page, "pen", ROOF, size=7)
    drag(page, (5, 50), (31, 9), (58, 52))
    choose(page, "line", GRASS, size=3)
    drag(page, (3, 3), (60, 41))
    drawn = sheet(page)
    assert colors_of(drawn) == {rgb(SKY), rgb(ROOF), rgb(GRASS)}
    expected = round_stroke([(5, 50), (31, 9), (58, 52)], 7, ROOF, np.asarray(empty()))
    expected = round_stroke([(3, 3), (60, 41)], 3, GRASS, expected)
    assert (drawn != expected).any(axis=-1).mean() < 0.01  # where a middle lies on a border
    # A dot of one pixel is one pixel, and the eraser gives the background back.
    press(page, "clear")
    choose(page, "pen", ROOF, size=1)
    drag(page, (12, 34), (12, 34))
    np.testing.assert_array_equal(sheet(page), rectangle((12, 34, 12, 34), ROOF))
    choose(page, "eraser", size=5)
    drag(page, (8, 34), (16, 34))
    np.testing.assert_array_equal(sheet(page), empty())


def test_fill_stops_at_other_colors(page):
    choose(page, "line", WALL, size=1)
    corners = [(32, 8), (56, 32), (32, 56), (8, 32), (32, 8)]  # its pixels touch at corners alone
    for start, end in itertools.pairwise(corners):
        drag(page, start, end)
    before = Image.fromarray(sheet(page))
    choose(page, "fill", GRASS)
    drag(page, (30, 30), (30, 30))
    expected = before.copy()
    ImageDraw.floodfill(expected, (30, 30), rgb(GRASS))
    assert colors_of(np.asarray(expected)) == {rgb(SKY), rgb(WALL), rgb(GRASS)}
    np.testing.assert_array_equal(sheet(page), expected)
    drag(page, (2, 2), (2, 2))
    ImageDraw.floodfill(expected, (2, 2), rgb(GRASS))
    np.testing.assert_array_equal(sheet(page), expected)


def test_undo_and_redo(page):
    from selenium.webdriver import Keys

    choose(page, "rectangle", WALL)
    drag(page, (10, 10), (20, 20))
    drag(page, (30, 30), (40, 40))
    one = rectangle((10, 10, 20, 20), WALL)
    two = rectangle((30, 30, 40, 40), WALL, one.copy())
    np.testing.assert_array_equal(sheet(page), two)
    press(page, "undo")
    np.testing.assert_array_equal(sheet(page), one)
    keys(page, Keys.CONTROL + "z" + Keys.NULL)
    np.testing.assert_array_equal(sheet(page), empty())
    press(page, "redo")
    keys(page, Keys.CONTROL + Keys.SHIFT + "z" + Keys.NULL)
    np.testing.assert_array_equal(sheet(page), two)
    redo = find(page, "#drawing [data-drawing=redo]")
    assert redo.get_attribute("aria-disabled") == "true"
    press(page, "redo")
    np.testing.assert_array_equal(sheet(page), two)


def test_a_finger_draws_and_does_not_scroll(page):
    choose(page, "pen", WINDOW, size=3)
    resize(page, PHONE)
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", find(page, SHEET))
    before = page.execute_script("return scrollY")

    def touch(kind, *points):
        where = [dict(zip("xy", place(page, *point), strict=True)) for point in points]
        page.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})

    touch("touchStart", (32, 10))
    touch("touchMove", (32, 30))
    touch("touchMove", (32, 50))
    touch("touchEnd")
    assert page.execute_script("return scrollY") == before
    drawn = sheet(page)
    resize(page, DESKTOP)
    assert colors_of(drawn) == {rgb(SKY), rgb(WINDOW)}
    assert (drawn[12:48, 32] == rgb(WINDOW)).all()


def test_the_answer_is_that_of_the_model(page, site, tmp_path):
    choose(page, "rectangle", WALL)
    drag(page, (10, 20), (50, 60))
    choose(page, "rectangle", WINDOW)
    drag(page, (15, 25), (25, 35))
    settle(page)
    first = sheet(page, "#after")
    Image.fromarray(sheet(page)).save(tmp_path / "drawing.png")
    model = site.tflite("fp16")
    interpreter = tflite_run.open_model(model)
    metadata = tflite_run.read_metadata(model)
    answer = tmp_path / "answer.png"
    tflite_run.translate_file(interpreter, metadata, tmp_path / "drawing.png", answer)
    expected = np.asarray(Image.open(answer).convert("RGB")).astype(int)
    assert np.abs(first - expected).max() <= 1
    press(page, "clear")
    settle(page)
    assert np.abs(sheet(page, "#after") - expected).max() > 10


def test_it_is_translated_while_somebody_draws(page):
    from selenium.webdriver import ActionChains

    settle(page)
    done = page.execute_script("return Number(document.body.dataset.done)")
    choose(page, "pen", ROOF, size=5)
    actions = ActionChains(page, duration=0)
    pointer = actions.w3c_actions.pointer_action
    pointer.move_to_location(*place(page, 20, 20))
    pointer.pointer_down()
    pointer.move_to_location(*place(page, 40, 40))
    actions.perform()
    wait_until(page, f"Number(document.body.dataset.done) > {done}")  # the button is still down
    release = ActionChains(page, duration=0)
    release.w3c_actions.pointer_action.pointer_up()
    release.perform()
    press(page, "undo")
    np.testing.assert_array_equal(sheet(page), empty())


def test_a_picture_is_snapped_to_the_palette(page, tmp_path):
    random = np.random.default_rng(0)
    palette = np.array([rgb(color) for color in COLORS])
    noisy = random.integers(0, 256, (SIDE, SIDE, 3)).astype("uint8")
    Image.fromarray(noisy).save(tmp_path / "noise.png")
    find(page, "#drawing-file").send_keys(str(tmp_path / "noise.png"))
    wait_until(page, "document.querySelector('#drawing [aria-live]').textContent === 'Opened'")
    distance = ((noisy[..., None, :].astype(int) - palette) ** 2).sum(axis=-1)
    np.testing.assert_array_equal(sheet(page), palette[distance.argmin(axis=-1)])
    (tmp_path / "text.png").write_text("no picture")
    find(page, "#drawing-file").send_keys(str(tmp_path / "text.png"))
    wait_until(page, "!document.querySelector('#drawing [role=alert]').hidden")
    assert find(page, "#drawing [role=alert]").text


@pytest.mark.release
def test_a_picture_takes_the_place_of_the_drawing(page, tmp_path):
    choose(page, "rectangle", GRASS)
    drag(page, (10, 10), (50, 31))
    settle(page)
    drawing, answer = sheet(page), sheet(page, "#after")
    assert not find(page, "#draw").is_displayed()
    Image.new("RGB", (90, 30), "gray").save(tmp_path / "a.png")
    find(page, "#file").send_keys(str(tmp_path / "a.png"))
    wait_until(page, "document.getElementById('after').width === 90")
    assert not find(page, SHEET).is_displayed()
    assert find(page, "#result").rect["y"] < 200  # in view at once
    find(page, "#draw").click()
    np.testing.assert_array_equal(sheet(page), drawing)
    np.testing.assert_array_equal(sheet(page, "#after"), answer)
    assert page.switch_to.active_element == find(page, SHEET)
    assert not find(page, "#draw").is_displayed()
    (tmp_path / "none.png").write_text("words")
    find(page, "#file").send_keys(str(tmp_path / "none.png"))
    wait_until(page, "!document.getElementById('error').hidden")
    script = "return document.getElementById('error').getBoundingClientRect().bottom"
    assert page.execute_script(script) <= page.execute_script("return innerHeight")
    press(page, "clear")
    settle(page)
    assert not find(page, "#error").is_displayed()


def test_colors_and_tools_have_names(page, axe):
    swatches = page.find_elements("css selector", "#drawing .swatches input")
    names = [swatch.accessible_name for swatch in swatches]
    assert names == [
        "light blue, color 1 of 5, the background",
        "green, color 2 of 5",
        "red, color 3 of 5",
        "blue, color 4 of 5",
        "dark red, color 5 of 5",
    ]
    assert find(page, SHEET).accessible_name == "Canvas to draw on, 64 by 64 pixels"
    assert violations(page, axe) == []
    script = """
        const select = document.getElementById("language");
        select.value = arguments[0];
        select.dispatchEvent(new Event("change"));
    """
    page.execute_script(script, "ja")
    wait_until(page, "document.querySelector('#drawing .tools .face').textContent === 'ペン'")
    assert swatches[1].accessible_name == "緑、5 色中 2 番目"
    page.execute_script(script, "en")


@pytest.mark.release
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(320, 640), PHONE, DESKTOP])
def test_it_fits_the_screen(page, size, scheme):
    resize(page, size, scheme)
    wide = page.execute_script("return document.documentElement.scrollWidth")
    seen = page.execute_script(
        "return arguments[0].getBoundingClientRect().width", find(page, SHEET)
    )
    resize(page, DESKTOP)
    assert wide <= size[0]
    assert seen > 0.6 * min(size[0], 480)


# ---- lines ----


@pytest.fixture
def lines_page(page):
    """The page with empty paper, in its second direction."""
    choose_direction(page, 1)
    yield page
    choose_direction(page, 0)


def choose_direction(page, number):
    page.execute_script(f"document.querySelectorAll('#direction input')[{number}].click()")
    wait_until(page, "document.body.dataset.state === 'ready'")


def test_lines(lines_page):
    page = lines_page
    assert colors_of(sheet(page)) == {(255, 255, 255)}
    assert not find(page, "#drawing .swatches").is_displayed()
    choose(page, "pen", size=3)
    drag(page, (10, 10), (50, 31))
    drawn = sheet(page).astype(int)
    assert np.ptp(drawn, axis=-1).max() == 0  # gray: paper, ink and smooth borders
    assert drawn.min() == 16
    assert len(np.unique(drawn)) > 6
    image = Image.new("L", (8 * SIDE, 8 * SIDE), 255)
    ends = [(8 * x + 4, 8 * y + 4) for x, y in ((10, 10), (50, 31))]
    ImageDraw.Draw(image).line(ends, fill=16, width=24)
    expected = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX)).astype(int)
    assert np.abs(drawn[..., 0] - expected).mean() < 3
    settle(page)
    assert np.ptp(sheet(page, "#after").astype(int)) > 20
    choose(page, "eraser", size=8)
    drag(page, (8, 9), (52, 32))
    assert sheet(page).min() > 200


@pytest.mark.release
def test_each_direction_begins_with_its_own_example(browser, site, tmp_path):
    folder = tmp_path / "web"
    shutil.copytree(site.folder, folder)
    corners = ["#ff0000", "#0000aa", "#00aa00", "#ffffff"]  # of the drawing, row by row

    def draw(about):
        for direction in about["directions"]:
            direction["drawing"] = {"kind": "labels", "background": "#ffffff", "colors": corners}
        about["examples"][0]["domain"] = "A"
        about["examples"][1]["domain"] = "B"

    change_about(folder, draw)
    with PageServer(folder, port=0) as server:
        browser.get(f"{server.url}?variant=fp16&engine=wasm&lang=en")
        wait_until(browser, "Number(document.body.dataset.done) > 0")
        browser.find_elements("css selector", "#direction input")[1].click()
        wait_until(browser, "Number(document.body.dataset.done) > 1")
        settle(browser)
        drawn = sheet(browser)
    seen = [tuple(drawn[y, x]) for y in (2, SIDE - 3) for x in (2, SIDE - 3)]
    assert seen == [rgb(color) for color in corners]
