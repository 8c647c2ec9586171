"""Makes the pictures of the README and of docs/ from a finished demo run.

    make demo
    python docs/make_pictures.py

writes the pictures of docs/pictures: demo.png shows translations of the demo set, report.png the
page that `evaluate.py --report` writes, tensorboard.png the curves and sample grids of the run,
web.png the web page of the run on a desktop and on a phone, and web-drawing.png a house that is
drawn on the page of a pix2pix model. Where `--run_dir` and `--houses_run` hold no finished runs,
they are trained there first, which takes minutes. All but the first are screenshots, so Chromium
and chromedriver are needed. Nothing is fetched from the network but the runtime of the web page, by
npm. `--only=web.png` makes one of them.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is loaded

import keras  # noqa: E402

from cyclegan_keras.commands import evaluate, export, train  # noqa: E402
from cyclegan_keras.export.web.serve import PageServer  # noqa: E402
from cyclegan_keras.images.pixels import to_float, to_uint8  # noqa: E402
from pipelines.sources import demo, demo_pictures, houses  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"

# The sheet of translations, in pixels.
TEST_PICTURES = (24, 29, 0)  # a pony that looks left between two that look right
TILE = 128  # side of a picture
ARROW = 18  # between a picture and its translation
GAP = 34  # between the two directions
HEADER = 28  # height of the captions
MARGIN = 6

# The screenshots: width and height of the window in pixels, and the tags that TensorBoard shows.
REPORT_WINDOW = (1100, 2000)
TENSORBOARD_WINDOW = (1400, 1000)
WEB_DESKTOP = (1120, 940)
WEB_PHONE = (390, 940)
WEB_GROUND = "#d9d6cf"  # around both
WEB_MARGIN = 28
TENSORBOARD_TAGS = "^(cycle|d)_|^generator_loss|^samples"

# What is drawn on the page of a model of houses: a tool, its size, a label, and where it goes in
# pixels of 64.
DRAWING_WINDOW = (1180, 860)
ROOF = [("line", 3, "roof", [(31 - 2 * k, 12 + k), (33 + 2 * k, 12 + k)]) for k in range(11)]
HOUSE = [
    ("rectangle", 1, "grass", [(0, 54), (63, 63)]),
    ("rectangle", 1, "plaster", [(16, 24), (48, 54)]),
    ("rectangle", 1, "brick", [(16, 42), (48, 54)]),
    *ROOF,
    ("rectangle", 1, "stone", [(14, 24), (50, 25)]),
    ("rectangle", 1, "shutter", [(18, 30), (27, 36)]),
    ("rectangle", 1, "window", [(20, 30), (25, 36)]),
    ("rectangle", 1, "shutter", [(37, 30), (46, 36)]),
    ("rectangle", 1, "window", [(39, 30), (44, 36)]),
    ("rectangle", 1, "window", [(20, 45), (25, 51)]),
    ("rectangle", 1, "window", [(39, 45), (44, 51)]),
    ("rectangle", 1, "wood", [(30, 44), (35, 54)]),
    ("rectangle", 1, "path", [(29, 55), (36, 63)]),
    ("rectangle", 1, "wood", [(7, 44), (8, 54)]),
    ("pen", 9, "tree", [(7, 35), (7, 42)]),
    ("pen", 8, "tree", [(57, 52), (59, 52)]),
]

# A headless Chromium that asks the network for nothing.
CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def main() -> int:
    """Makes every picture; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run_dir", default="runs/demo", help="where the demo run is or will be")
    parser.add_argument("--houses_run", default="runs/houses", help="where that of houses is")
    parser.add_argument("--only", help="the file name of the only picture to make")
    arguments = parser.parse_args()

    chromium, driver = find_chromium()
    # A finished run is only reported; an unfinished one is trained to its end.
    exit_code = train.run(preset="demo", run_dir=arguments.run_dir)
    if exit_code:
        return exit_code
    run_dir = pathlib.Path(arguments.run_dir)

    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, browser(chromium, driver, name) as chrome:
        folder = pathlib.Path(name)
        makers = {
            "demo.png": lambda: demo_picture(run_dir),
            "report.png": lambda: report_screenshot(chrome, run_dir, folder),
            "tensorboard.png": lambda: tensorboard_screenshot(chrome, run_dir),
            "web.png": lambda: web_screenshot(chrome, run_dir, folder),
            "web-drawing.png": lambda: drawing_screenshot(
                chrome, pathlib.Path(arguments.houses_run), folder
            ),
        }
        for file_name, make in makers.items():
            if arguments.only in (None, file_name):
                save(make(), PICTURES / file_name)
    return 0


def save(picture: Image.Image, path: pathlib.Path) -> None:
    """Writes a picture as PNG of 256 colors, a third of the size of all colors."""
    picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"Wrote {path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} KB")


# ---- the sample grid ----


def demo_picture(run_dir: pathlib.Path) -> Image.Image:
    """Returns a sheet of test pictures, their translations and the way back, in both directions."""
    source = demo.load("ponies")
    generator_g = keras.saving.load_model(run_dir / "generator_g.keras")
    generator_f = keras.saving.load_model(run_dir / "generator_f.keras")
    brown = np.stack([source.test_a[number] for number in TEST_PICTURES])
    striped = np.stack([source.test_b[number] for number in TEST_PICTURES])

    brown_to_striped = translate(generator_g, brown)
    striped_to_brown = translate(generator_f, striped)
    left = [
        ("a brown pony", brown),
        ("G gives it stripes", brown_to_striped),
        ("F takes them away", translate(generator_f, brown_to_striped)),
    ]
    right = [
        ("a striped pony", striped),
        ("F takes the stripes", striped_to_brown),
        ("G gives them back", translate(generator_g, striped_to_brown)),
    ]

    block_width = 3 * TILE + 2 * ARROW
    width = 2 * MARGIN + 2 * block_width + GAP
    height = 2 * MARGIN + HEADER + len(TEST_PICTURES) * (TILE + MARGIN) - MARGIN
    sheet = Image.new("RGB", (width, height), "white")
    draw_block(sheet, MARGIN, left)
    draw_block(sheet, MARGIN + block_width + GAP, right)
    return sheet


def translate(generator: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """Returns uint8 translations of uint8 pictures (count, height, width, 3)."""
    return to_uint8(np.asarray(generator(to_float(pictures))))


def draw_block(sheet: Image.Image, left: int, columns: list[tuple[str, np.ndarray]]) -> None:
    """Draws captioned columns of pictures beside each other, with arrows from each to the next."""
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=14)
    for column, (caption, pictures) in enumerate(columns):
        x = left + column * (TILE + ARROW)
        pen.text((x + TILE / 2, MARGIN + HEADER / 2), caption, "black", font, anchor="mm")
        for row, pixels in enumerate(pictures):
            y = MARGIN + HEADER + row * (TILE + MARGIN)
            tile = Image.fromarray(pixels).resize((TILE, TILE), Image.Resampling.LANCZOS)
            sheet.paste(tile, (x, y))
            if column > 0:
                middle = y + TILE / 2
                corners = [
                    (x - ARROW + 5, middle - 7),
                    (x - ARROW + 5, middle + 7),
                    (x - 5, middle),
                ]
                pen.polygon(corners, fill="dimgray")


# ---- screenshots ----


def find_chromium() -> tuple[str, str]:
    """Returns the paths of Chromium and of its driver, or ends the program with a sentence."""
    driver = shutil.which("chromedriver")
    for name in ("chromium", "chromium-browser", "google-chrome"):
        chromium = shutil.which(name)
        if chromium and driver:
            return chromium, driver
    sys.exit(
        "The screenshots need Chromium and chromedriver, and one of them was not found: on Debian, "
        "apt install chromium chromium-driver."
    )


@contextlib.contextmanager
def browser(chromium: str, driver: str, folder: str) -> Iterator:
    """Gives a headless Chromium whose profile lies in `folder`."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in CHROMIUM_FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={folder}/profile")
    chrome = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


def screenshot(chrome, folder: pathlib.Path) -> Image.Image:
    """Returns what the window shows."""
    path = folder / "screenshot.png"
    chrome.save_screenshot(str(path))
    return Image.open(path).convert("RGB")


def report_screenshot(chrome, run_dir: pathlib.Path, folder: pathlib.Path) -> Image.Image:
    """Returns the top of the run's report, down to the first row of examples."""
    report = folder / "report.html"
    # Measures of pixels alone: features of photographs say little about drawings.
    evaluate.run(
        model=str(run_dir),
        direction="AtoB",
        metrics="paired",
        output=str(folder),
        report=str(report),
    )
    chrome.set_window_size(*REPORT_WINDOW)
    chrome.get(report.as_uri())
    time.sleep(1)
    first_card = chrome.find_element("css selector", "li.card").rect
    bottom = round(first_card["y"] + first_card["height"] + 24)
    return screenshot(chrome, folder).crop((0, 0, REPORT_WINDOW[0], bottom))


def tensorboard_screenshot(chrome, run_dir: pathlib.Path) -> Image.Image:
    """Returns TensorBoard's page of some curves and of the sample grids."""
    from selenium.webdriver.support.wait import WebDriverWait

    with tempfile.TemporaryDirectory() as folder, tensorboard(run_dir) as address:
        query = urllib.parse.urlencode({"darkMode": "false", "tagFilter": TENSORBOARD_TAGS})
        chrome.set_window_size(*TENSORBOARD_WINDOW)
        chrome.get(f"{address}?{query}#timeseries")
        WebDriverWait(chrome, 60).until(lambda page: page.find_elements("tag name", "image-card"))
        # Without tables of values below the curves, and without the pane of settings.
        chrome.find_element("css selector", ".scalars-step-selector input").click()
        chrome.find_element("css selector", "[aria-label='Close side pane']").click()
        time.sleep(3)  # for what is animated to settle
        return screenshot(chrome, pathlib.Path(folder))


def web_screenshot(chrome, run_dir: pathlib.Path, folder: pathlib.Path) -> Image.Image:
    """Returns the web page of the run with a picture in it: on a desktop, and dark on a phone."""
    pictures = demo_pictures.write("demo/ponies", folder / "examples", count=3)
    export.run(
        run_dir=str(run_dir),
        output=str(folder / "export"),
        format="web",
        web_examples=str(folder / "examples"),
    )
    with PageServer(folder / "export" / "web", port=0) as server:
        desktop = web_page(chrome, server.url, pictures[0], WEB_DESKTOP, "light", folder)
        phone = web_page(chrome, server.url, pictures[0], WEB_PHONE, "dark", folder)
    width = desktop.width + phone.width + 3 * WEB_MARGIN
    sheet = Image.new("RGB", (width, desktop.height + 2 * WEB_MARGIN), WEB_GROUND)
    sheet.paste(desktop, (WEB_MARGIN, WEB_MARGIN))
    sheet.paste(phone, (desktop.width + 2 * WEB_MARGIN, WEB_MARGIN))
    return sheet


def drawing_screenshot(chrome, run_dir: pathlib.Path, folder: pathlib.Path) -> Image.Image:
    """Returns the web page of a model of houses, on which a house is drawn."""
    from selenium.webdriver.support.wait import WebDriverWait

    train.run(preset="houses", run_dir=str(run_dir))
    export.run(run_dir=str(run_dir), output=str(folder / "houses"), format="web")
    with PageServer(folder / "houses" / "web", port=0) as server:
        emulate(chrome, DRAWING_WINDOW, "light")
        chrome.get(server.url)
        WebDriverWait(chrome, 120).until(
            lambda page: page.execute_script("return document.body.dataset.done") != "0"
        )
        chrome.find_element("css selector", "[data-drawing=clear]").click()  # the sky is left
        for tool, size, label, points in HOUSE:
            draw(chrome, tool, size, houses.LABELS[label], points)
        time.sleep(2)  # for the last translation
        return screenshot(chrome, folder)


def draw(chrome, tool: str, size: int, color: tuple[int, int, int], points: list) -> None:
    """Draws one stroke on the page's sheet, as a visitor does with a mouse.

    Args:
        chrome: the browser, which shows the page.
        tool: as the page calls it.
        size: of the pen, in pixels of the sheet.
        color: red, green and blue of the label.
        points: (x, y) of pixels of the sheet where the stroke begins and ends.
    """
    from selenium.webdriver import ActionChains

    chrome.execute_script(
        """
        const [tool, size, color] = arguments;
        document.querySelector(`[name=drawing-tool][value=${tool}]`).click();
        const about = JSON.parse(document.getElementById("about").textContent);
        const label = about.directions[0].drawing.colors.indexOf(color);
        document.querySelector(`[name=drawing-color][value="${label}"]`).click();
        const slider = document.getElementById("drawing-size");
        slider.value = size;
        slider.dispatchEvent(new Event("input"));
        """,
        tool,
        size,
        "#{:02x}{:02x}{:02x}".format(*color),
    )
    sheet = chrome.find_element("css selector", "#drawing canvas")
    width, height = chrome.execute_script("return [arguments[0].width, arguments[0].height]", sheet)
    shown = sheet.rect
    places = [
        (
            round((x + 0.5) * shown["width"] / width - shown["width"] / 2),
            round((y + 0.5) * shown["height"] / height - shown["height"] / 2),
        )
        for x, y in points
    ]
    actions = ActionChains(chrome, duration=20)
    actions.move_to_element_with_offset(sheet, *places[0]).click_and_hold()
    for place in places[1:]:
        actions.move_to_element_with_offset(sheet, *place)
    actions.release().perform()


def emulate(chrome, size: tuple[int, int], scheme: str) -> None:
    """Gives the page a window of a size in pixels, and the color scheme "light" or "dark"."""
    window = {
        "width": size[0],
        "height": size[1],
        "deviceScaleFactor": 1,
        "mobile": size == WEB_PHONE,
    }
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", window)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def web_page(
    chrome,
    address: str,
    picture: pathlib.Path,
    size: tuple[int, int],
    scheme: str,
    folder: pathlib.Path,
) -> Image.Image:
    """Returns a screenshot of the page after it has translated a picture.

    Args:
        chrome: the browser.
        address: of the page.
        picture: a file to translate.
        size: width and height of the window in pixels.
        scheme: "light" or "dark".
        folder: for temporary files.
    """
    from selenium.webdriver.support.wait import WebDriverWait

    emulate(chrome, size, scheme)
    chrome.get(address)
    chrome.find_element("id", "file").send_keys(str(picture))
    WebDriverWait(chrome, 120).until(
        lambda page: page.execute_script("return document.body.dataset.done") == "1"
    )
    time.sleep(1)  # for what is animated to settle
    return screenshot(chrome, folder)


@contextlib.contextmanager
def tensorboard(logs: pathlib.Path) -> Iterator[str]:
    """Runs TensorBoard on a free port of this machine while the block lasts; gives its address."""
    command = [sys.executable, "-m", "tensorboard.main", f"--logdir={logs}", "--port=0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for line in server.stderr:
            address = re.search(r"http://localhost:\d+/", line)
            if address:
                break
        else:
            sys.exit(f"TensorBoard ended with code {server.wait()} before it showed {logs}.")
        yield address.group()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    sys.exit(main())
