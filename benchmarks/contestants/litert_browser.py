"""LiteRT.js in a Chromium of its own, run by the engine of an exported page."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import psutil
import turns
from selenium import webdriver

from cyclegan_keras.export.web.serve import PageServer
from cyclegan_keras.pages.bundle import bundle

BUILDS = ("threaded", "simd", "compat")
ENTRY = pathlib.Path(__file__).with_name("litert_browser.js")
APP = "app.js"  # the script of a page, which the benchmark's replaces
TIMEOUT_SECONDS = 300
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def about_of(html: str) -> dict:
    """Returns the facts in a page's index.html, or raises ValueError."""
    found = re.search(r'<script[^>]*id="about"[^>]*>(.*?)</script>', html, re.DOTALL)
    if found is None:
        raise ValueError("it has no element with the id about")
    return json.loads(found[1])


def chromium_version() -> str:
    """Returns what Chromium calls itself."""
    done = subprocess.run([_chromium(), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found and shutil.which("chromedriver"):
            return found
    sys.exit(
        "Chromium and chromedriver are needed. On Debian: apt install chromium chromium-driver"
    )


class Browser:
    """One file of a page by one build of LiteRT.js, in a browser of its own.

    Args:
        page: folder of the exported page.
        build: one of BUILDS.
        file: number of the file in the page's first direction.
    """

    def __init__(self, page: pathlib.Path, build: str, file: int):
        self._folder = tempfile.TemporaryDirectory()
        site = pathlib.Path(self._folder.name) / "site"
        shutil.copytree(page, site)
        (site / APP).write_text(bundle(ENTRY), encoding="utf-8")
        self._server = PageServer(site, port=0)
        self._server.start()

        options = webdriver.ChromeOptions()
        options.binary_location = _chromium()
        for flag in (*FLAGS, f"--user-data-dir={self._folder.name}/profile"):
            options.add_argument(flag)
        self._chrome = webdriver.Chrome(
            options, webdriver.ChromeService(shutil.which("chromedriver"))
        )
        self._chrome.set_script_timeout(TIMEOUT_SECONDS)
        self._chrome.get(self._server.url)
        facts = self._call("prepare", build, file)
        if facts["build"] != build:
            sys.exit(f"This Chromium does not run the build {build}, but {facts['build']}.")
        threads = facts["threads"]
        self.name = f"LiteRT.js `{build}`, {threads} thread{'s' * (threads > 1)}"
        self.first_seconds = facts["seconds"]

    def turn(self, count: int) -> turns.Turn:
        """Translates `count` pictures."""
        renderers = self._renderers()
        before = turns.cpu_seconds(renderers)
        milliseconds = self._call("translateOften", count)
        cpu = turns.cpu_seconds(renderers) - before
        return turns.Turn(wall=milliseconds / 1e3, cpu=cpu / count)

    @property
    def peak_mb(self) -> float:
        """The most memory that the process of the page has had, in MB."""
        peaks = [0.0]
        for process in self._renderers():
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            peaks.append(int(re.search(r"VmHWM:\s*(\d+)", status)[1]) * 1024 / 1e6)
        return max(peaks)

    def end(self) -> None:
        """Ends the browser and its server."""
        self._chrome.quit()
        self._server.stop()
        self._folder.cleanup()

    def _renderers(self) -> list[psutil.Process]:
        """The processes that run pages; the other ones show windows and fetch files."""
        driver = psutil.Process(self._chrome.service.process.pid)
        return [
            process
            for process in driver.children(recursive=True)
            if "--type=renderer" in process.cmdline()
        ]

    def _call(self, name: str, *arguments):
        """Calls a function of the benchmark's script and waits for what it returns."""
        answer = self._chrome.execute_async_script(
            """
            const done = arguments[arguments.length - 1];
            const [name, given] = arguments;
            window.benchmark[name](...given).then(
                (value) => done({value}),
                (error) => done({error: String(error?.message ?? error)}),
            );
            """,
            name,
            arguments,
        )
        if "error" in answer:
            sys.exit(f"The page failed: {answer['error']}")
        return answer["value"]
