"""One Chromium for all browser tests of a process, and what they do with it.

Selenium and Chromium are not in every environment; tests that ask for a browser are skipped there.
"""

import base64
import contextlib
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import time

import numpy as np
import pytest
from PIL import Image

IN_CI = os.environ.get("CI") == "true"
PHONE, DESKTOP = (360, 740), (1280, 900)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# A graphics card that is computed by the processor, for pages that use WebGPU.
WEBGPU_FLAGS = (
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
    "--ignore-gpu-blocklist",
)
AXE = "4.14.1"  # the version of axe-core, and the digest of what npm packs of it
AXE_SHA512 = (
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)
WAIT_SECONDS = 30
# An async function of JavaScript whose result, or error, comes back.
ASYNC = """
    const done = arguments[arguments.length - 1];
    const given = [...arguments].slice(0, -1);
    const work = async (...given) => { %s };
    work(...given).then((value) => done({ value }), (error) => done({ error: String(error) }));
"""


class ScriptError(Exception):
    """JavaScript that failed in the browser."""


@contextlib.contextmanager
def open_browser(folder: pathlib.Path, flags: tuple[str, ...] = ("--disable-gpu",)):
    """Opens Chromium for a block, with a profile of its own.

    Args:
        folder: an empty one for its profile.
        flags: beside those that every test needs.
    """
    if not IN_CI:
        pytest.importorskip("selenium")
    from selenium import webdriver

    programs = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    installed = [program for program in programs if program]
    driver = shutil.which("chromedriver")
    if not (installed and driver):
        without("needs Chromium and chromedriver (Debian: chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = installed[0]
    for flag in (*FLAGS, *flags):
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={folder}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # naming the driver keeps Selenium from looking for one in the network
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        browser.set_script_timeout(WAIT_SECONDS)
        yield browser
    finally:
        browser.quit()


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """The browser of all tests of this process."""
    with open_browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="session")
def axe(tmp_path_factory) -> str:
    """The script axe-core, which finds what keeps people from using a page."""
    # Imported here: what imports this module starts before Keras is wanted.
    from cyclegan_keras.export.web import runtime
    from cyclegan_keras.files.errors import ExportError

    folder = tmp_path_factory.mktemp("axe")
    try:
        (npm, *_) = runtime.npm_commands()
    except ExportError as error:
        without(f"axe-core cannot be fetched: {error}")
    command = [*npm, "pack", "--silent", "--prefer-offline", "--ignore-scripts", f"axe-core@{AXE}"]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if process.returncode:
        without(f"npm could not fetch axe-core: {process.stderr}")
    archive = (folder / f"axe-core-{AXE}.tgz").read_bytes()
    assert base64.b64encode(hashlib.sha512(archive).digest()).decode() == AXE_SHA512
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        return files.extractfile("package/axe.min.js").read().decode()


def without(reason: str):
    """Skips the test that lacks something; where all is to be tested, it fails."""
    if IN_CI:
        pytest.fail(reason)
    pytest.skip(reason)


# ---- what tests do ----


def resize(browser, size, scheme="light"):
    """Makes the window a phone's or a desktop's, in light or dark colors."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def find(browser, selector):
    """Returns the first element of a CSS selector."""
    return browser.find_element("css selector", selector)


def pixels(element) -> np.ndarray:
    """Returns what is seen of an element, (height, width, 3)."""
    return np.asarray(Image.open(io.BytesIO(element.screenshot_as_png)).convert("RGB")).astype(int)


def run_async(browser, body: str, *arguments):
    """Runs the body of an async function, whose arguments are `given`; returns its result.

    Raises:
        ScriptError: it failed.
    """
    answer = browser.execute_async_script(ASYNC % body, *arguments)
    if "error" in answer:
        raise ScriptError(answer["error"])
    return answer["value"]


def wait_until(browser, condition: str, seconds: float = WAIT_SECONDS):
    """Waits until an expression of JavaScript is true."""
    end = time.monotonic() + seconds
    while not browser.execute_script(f"return {condition}"):
        if time.monotonic() > end:
            words = browser.execute_script("return document.body.innerText")
            log = [entry["message"] for entry in browser.get_log("browser")]
            pytest.fail(f"{condition}: not within {seconds} seconds.\n{words[:1000]}\n{log}")
        time.sleep(0.02)


def requests(browser) -> list[str]:
    """Returns the addresses that were asked for since the last call."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"].endswith("BeSent")]


def violations(browser, axe_script: str) -> list[str]:
    """Returns what axe-core finds wrong in the page, as lines that name elements."""
    browser.execute_script(axe_script)
    found = run_async(browser, "return (await axe.run()).violations")
    return [f"{v['id']}: {node['html']}" for v in found for node in v["nodes"]]
