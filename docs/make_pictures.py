"""Makes the pictures of the README and of docs/ from a finished demo run.

    make demo
    python docs/make_pictures.py

writes three pictures to docs/pictures: demo.png shows translations of the demo set, report.png the
page that `evaluate.py --report` writes, and tensorboard.png the curves and sample grids of the run.
Where `--run_dir` holds no finished demo run, the demo is trained there first, which takes minutes.
The last two pictures are screenshots, so Chromium and chromedriver are needed. Nothing is fetched
from the network.
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

from cyclegan_keras.commands import evaluate, train  # noqa: E402
from cyclegan_keras.images.pixels import to_float, to_uint8  # noqa: E402
from pipelines.sources import demo  # noqa: E402

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
TENSORBOARD_TAGS = "^(cycle|d)_|^generator_loss|^samples"

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
    arguments = parser.parse_args()

    chromium, driver = find_chromium()
    # A finished run is only reported; an unfinished one is trained to its end.
    exit_code = train.run(preset="demo", run_dir=arguments.run_dir)
    if exit_code:
        return exit_code
    run_dir = pathlib.Path(arguments.run_dir)

    PICTURES.mkdir(exist_ok=True)
    save(demo_picture(run_dir), PICTURES / "demo.png")
    with tempfile.TemporaryDirectory() as folder, browser(chromium, driver, folder) as chrome:
        save(report_screenshot(chrome, run_dir, pathlib.Path(folder)), PICTURES / "report.png")
        save(tensorboard_screenshot(chrome, run_dir), PICTURES / "tensorboard.png")
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
