"""A page whose engine comes from elsewhere, which it names, checks, and asks for nothing else."""

import json
import re
import tarfile

import pytest
from browsers import find, requests, wait_until

from cyclegan_keras.commands import export
from cyclegan_keras.export.web import runtime
from cyclegan_keras.export.web.serve import PageServer
from cyclegan_keras.export.web.site import PAGE

pytestmark = [pytest.mark.release]


@pytest.fixture
def cdn(archives, tmp_path):
    """A server of npm's packages for any page, as jsDelivr and unpkg are."""
    folder = tmp_path / "npm"
    package = folder / "npm" / "@litertjs" / f"core@{runtime.VERSION}"
    with tarfile.open(archives / f"litertjs-core-{runtime.VERSION}.tgz") as archive:
        archive.extractall(tmp_path, filter="data")
    package.parent.mkdir(parents=True)
    (tmp_path / "package").rename(package)
    (folder / "_headers").write_text("/*\n  Access-Control-Allow-Origin: *\n")
    with PageServer(folder, port=0) as server:
        yield server, package


@pytest.fixture
def page(web_models, archives, cdn, tmp_path):
    """The folder of a page that names the server."""
    server, _ = cdn
    code = export.main(
        [
            "export.py",
            f"--model={web_models}/generator_g.keras",
            f"--pictures={web_models}/pictures",
            "--format=web",
            "--web_variants=fp16",
            "--tflite_size=64",
            f"--output={tmp_path}/export",
            f"--web_runtime={archives}",
            f"--web_cdn={server.url}npm",
            f"--web_examples={web_models}/examples",
        ]
    )
    assert code == 0
    return tmp_path / "export" / "web"


def test_the_engine_comes_from_there_and_nothing_else(browser, page, cdn):
    server, _ = cdn
    assert [path.name for path in (page / "runtime").iterdir()] == ["litert.js"]
    with PageServer(page, port=0) as own:
        requests(browser)  # forgets earlier ones
        browser.get(own.url)
        wait_until(browser, "document.body.dataset.state === 'ready'")
        find(browser, "#examples button").click()
        wait_until(browser, "document.body.dataset.done === '1'")
        asked = [address for address in requests(browser) if address.startswith("http")]
    there = [address for address in asked if not address.startswith(own.url)]
    wasm = f"{server.url}npm/@litertjs/core@{runtime.VERSION}/wasm/"
    assert {address.split("?")[0].removeprefix(wasm) for address in there} == {
        "litert_wasm_threaded_internal.js",
        "litert_wasm_threaded_internal.wasm",
    }


@pytest.mark.parametrize("language", ["en", "ja", "zh", "ko"])
def test_the_page_says_who_learns_of_a_visit(browser, page, cdn, language):
    server, _ = cdn
    host = server.url.split("/")[2]
    with PageServer(page, port=0) as own:
        browser.get(f"{own.url}?lang={language}")
        wait_until(browser, "document.body.dataset.state === 'ready'")
        find(browser, "#privacy summary").click()
        words = find(browser, "#privacy").text
    strings = json.loads((PAGE / "strings" / f"{language}.json").read_text(encoding="utf-8"))
    assert strings["privacy.how_with_host"].replace("{host}", host) in words
    assert strings["privacy.how"] not in words


def test_a_changed_engine_is_not_run(browser, page, cdn):
    server, package = cdn
    for script in (package / "wasm").glob("*.js"):
        script.write_text(script.read_text() + "\n// changed\n")
    with PageServer(page, port=0) as own:
        browser.get(own.url)
        wait_until(browser, "document.body.dataset.state === 'failed'")
        words = find(browser, "#error").text
    name = rf"litert_wasm_\w*internal\.js \({server.url.split('/')[2]}\)"
    assert re.match(rf"{name} does not belong to this version", words)
