"""Other builds, updates, graphics cards, gray pictures: what takes longer to test."""

import hashlib
import json
import os
import shutil

import numpy as np
import pytest
from browsers import DESKTOP, WEBGPU_FLAGS, find, open_browser, resize, run_async, wait_until
from PIL import Image
from web_page import READY, change_about, choose, expected, far, levels, open_page, translate

from cyclegan_keras.commands import export
from cyclegan_keras.export import tflite_run
from cyclegan_keras.export.web import runtime
from cyclegan_keras.export.web.serve import PageServer
from cyclegan_keras.export.web.site import PAGE
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.resnet_generator import ResNetGenerator

pytestmark = pytest.mark.release

FAILED = "document.body.dataset.state === 'failed'"
KEPT = "document.body.dataset.offline === 'true'"
CACHES = """
    const kept = [];
    for (const name of await caches.keys()) {
        const requests = await (await caches.open(name)).keys();
        kept.push(...requests.map((request) => `${name}: ${request.url}`));
    }
    return kept;
"""


@pytest.fixture
def path(tmp_path):
    """A picture that is larger than the network."""
    path = tmp_path / "photo.png"
    Image.fromarray(levels(150, 203)).save(path)
    return path


@pytest.fixture
def copy(site, tmp_path):
    """A copy of the page that a test may change by replacing files."""
    folder = tmp_path / "copy"
    shutil.copytree(site.folder, folder, copy_function=os.link)
    return folder


def replace(path, *changes):
    """Replaces words of a text file, which may be a link."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.unlink()
    path.write_text(text, encoding="utf-8")


def change_worker(folder, *changes):
    """Changes the script of the page's worker, and the digest by which the page knows it."""
    replace(folder / "worker.js", *changes)
    changed = runtime.integrity((folder / "worker.js").read_bytes())
    change_about(folder, lambda about: about["scripts"].update({"worker.js": changed}))


def exact_file(about):
    """Returns the facts of the fp16 file from horses to zebras."""
    (file,) = [f for f in about["directions"][0]["files"] if f["variant"] == "fp16"]
    return file


def test_every_build_translates_alike(browser, site, path):
    with PageServer(site.folder, port=0) as server:
        for build in ("threaded", "simd", "compat"):
            open_page(browser, f"{server.url}?variant=fp16&engine=wasm&build={build}")
            choose(browser, "size", "own")
            assert far(translate(browser, path), expected(site, path)) <= 1
            kept = run_async(browser, CACHES)
            assert any(f"litert_{build}.wasm.gz" in each for each in kept)


def test_an_update_replaces_page_and_model_together(browser, site, copy, path):
    """Also for who comes back without a network, and nothing of the version before is kept."""
    other = site.tflite(direction=Direction.B_TO_A).read_bytes()

    def update(about):
        about["version"] = "0123456789ab"
        file = exact_file(about)
        file["sha256"] = hashlib.sha256(other).hexdigest()
        file["bytes"] = len(other)

    address = "?variant=fp16&engine=wasm"
    server = PageServer(copy, port=0, plain=True)
    with server:
        open_page(browser, server.url + address)
        wait_until(browser, KEPT)
        before = run_async(browser, CACHES)
        choose(browser, "size", "own")
        assert far(translate(browser, path), expected(site, path)) <= 1

        version = site.about()["version"]
        replace(copy / "index.html", (f"?v={version}", "?v=0123456789ab"))
        change_about(copy, update)
        model = copy / "models" / "generator_g_fp16.tflite"
        model.unlink()
        model.write_bytes(other)
        open_page(browser, server.url + address)
        wait_until(browser, KEPT)
        after = run_async(browser, CACHES)
    for _ in range(2):  # with what runs, and from what was kept
        choose(browser, "size", "own")
        interpreter = tflite_run.open_model(copy / "models" / "generator_g_fp16.tflite")
        reference = tflite_run.translate(interpreter, levels(150, 203))
        assert far(translate(browser, path), reference) <= 1
        open_page(browser, server.url + address)
    assert len(before) == len(after)
    own = [each for each in after if server.url in each]
    assert not [each for each in own if f"shell {version}" in each]
    assert len([each for each in own if "generator_g_fp16" in each]) == 1


def test_an_old_page_takes_no_new_worker(browser, copy):
    replace(copy / "worker.js", ("translateTask", "translateTaskOfAnotherVersion"))
    with PageServer(copy, port=0) as server:
        browser.get(f"{server.url}?lang=en")
        wait_until(browser, FAILED)
        assert "worker.js does not belong to this version" in find(browser, "#error").text


def test_a_graphics_card_translates(site, path, tmp_path):
    with PageServer(site.folder, port=0) as server, webgpu_browser(tmp_path) as browser:
        open_page(browser, f"{server.url}?variant=fp16&engine=webgpu")
        choose(browser, "size", "own")
        assert float(browser.execute_script("return document.body.dataset.check")) < 4
        assert far(translate(browser, path), expected(site, path)) <= 2
        assert "graphics card" in find(browser, "#status").text
        open_page(browser, f"{server.url}?variant=fp16&engine=auto")
        assert "graphics card" not in find(browser, "#status").text  # computed by the processor


def test_the_settings_say_that_there_is_no_graphics_card(browser, site):
    with PageServer(site.folder, port=0) as server:
        open_page(browser, f"{server.url}?engine=webgpu&lang=en")
        find(browser, "#settings summary").click()
        hint = find(browser, "#engine-hint")
        assert hint.text == "This browser offers no graphics card, so the processor translates."
        choose(browser, "engine", "wasm")
        wait_until(browser, READY)
        assert not hint.is_displayed()


def test_a_folder_that_is_opened_from_a_disk_says_what_it_needs(browser, site):
    browser.get(f"{(site.folder / 'index.html').as_uri()}?lang=en")
    wait_until(browser, FAILED)
    words = find(browser, "#error-text").text
    assert f'cyclegan-serve "{site.folder}"' in words
    assert not find(browser, "#retry").is_displayed()
    choose(browser, "variant", "uint8")
    wait_until(browser, FAILED)
    assert find(browser, "#error-text").text == words


# What a test changes in the worker, so that a graphics card of software passes for a real one.
REAL = ("software: isFallback || SOFTWARE.test(name)", "software: false")


def test_a_graphics_card_that_is_lost_is_replaced(site, copy, path, tmp_path):
    lose = (
        "async function translateTask({ picture, detail, ownSize }) {",
        "async function translateTask({ picture, detail, ownSize }) {"
        "self.LiteRT.getWebGpuDevice().destroy();",
    )
    change_worker(copy, REAL, lose)
    with PageServer(copy, port=0) as server, webgpu_browser(tmp_path) as browser:
        open_page(browser, f"{server.url}?variant=fp16&engine=auto&lang=en")
        assert "graphics card" in find(browser, "#status").text
        choose(browser, "size", "own")
        assert far(translate(browser, path), expected(site, path)) <= 1
        assert "graphics card" not in find(browser, "#status").text


def test_a_wrong_graphics_card_is_not_used(site, copy, path, tmp_path):
    def darken(about):
        file = exact_file(about)
        file["check"] = [value + 5 for value in file["check"]]

    change_about(copy, darken)
    change_worker(copy, REAL)
    with PageServer(copy, port=0) as server, webgpu_browser(tmp_path) as browser:
        open_page(browser, f"{server.url}?variant=fp16&engine=auto&lang=en")
        choose(browser, "size", "own")
        assert far(translate(browser, path), expected(site, path)) <= 1
        assert "graphics card" not in find(browser, "#status").text
        find(browser, "#settings summary").click()
        assert "off by 5.0" in find(browser, "#engine-hint").text
        browser.get(f"{server.url}?variant=fp16&engine=webgpu&lang=en")
        wait_until(browser, FAILED)
        assert "off by 5.0" in find(browser, "#error").text


def webgpu_browser(tmp_path):
    folder = tmp_path / "profile"
    folder.mkdir()
    return open_browser(folder, WEBGPU_FLAGS)


def test_a_broken_model_gets_words_and_others_follow(browser, site, copy, path):
    model = copy / "models" / "generator_g_fp16.tflite"
    broken = model.read_bytes()[:5000]
    model.unlink()
    model.write_bytes(broken)
    address = "?variant=fp16&engine=wasm&lang=en"
    with PageServer(copy, port=0) as server:
        browser.get(server.url + address)
        wait_until(browser, FAILED)
        assert "does not belong to this version" in find(browser, "#error").text
        change_about(copy, lambda about: exact_file(about).update(sha256=digest(broken)))
        browser.get(server.url + address)
        wait_until(browser, FAILED)
        assert "generator_g_fp16.tflite cannot run" in find(browser, "#error").text
        choose(browser, "variant", "uint8")
        wait_until(browser, READY)
        choose(browser, "size", "own")
        assert far(translate(browser, path), expected(site, path, "uint8")) <= 1


def digest(data):
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("channels", [(1, 1), (1, 3), (3, 1)], ids=str)
def test_gray_pictures(browser, archives, tmp_path, path, channels):
    generator = ResNetGenerator(*channels, ngf=4, n_blocks=1, init_gain=0.05)
    generator.description = Description.of(
        generator, direction=Direction.A_TO_B, source="day", target="night"
    )
    generator.save(tmp_path / "generator_g.keras")
    (tmp_path / "pictures").mkdir()
    Image.fromarray(levels(60, 90)).save(tmp_path / "pictures" / "photo.png")
    words = [
        f"--model={tmp_path}/generator_g.keras",
        f"--pictures={tmp_path}/pictures",
        "--format=web",
        "--web_variants=fp16",
        "--tflite_size=64",
        f"--output={tmp_path}/export",
        f"--web_runtime={archives}",
    ]
    assert export.main(["export.py", *words]) == 0
    model = tmp_path / "export" / "web" / "models" / "generator_g_fp16.tflite"
    interpreter = tflite_run.open_model(model)
    target = tmp_path / "translated.png"
    tflite_run.translate_file(interpreter, tflite_run.read_metadata(model), path, target)
    with PageServer(tmp_path / "export" / "web", port=0) as server:
        open_page(browser, server.url)
        choose(browser, "size", "own")
        translation = translate(browser, path)
        assert far(translation, np.asarray(Image.open(target).convert("RGB"))) <= 1
        choose(browser, "size", "own-detail")
        assert translate(browser, path).shape == (150, 203, 3)


def test_what_insecure_pages_can_do(site, path, tmp_path):
    """On http of another machine there are no threads, no digests and no offline use."""
    folder = tmp_path / "profile"
    folder.mkdir()
    flags = ("--disable-gpu", "--host-resolver-rules=MAP page.test 127.0.0.1")
    with PageServer(site.folder, port=0) as server, open_browser(folder, flags) as browser:
        address = f"http://page.test:{server.port}/?variant=fp16&engine=wasm"
        open_page(browser, address)
        assert not browser.execute_script("return isSecureContext || crossOriginIsolated")
        choose(browser, "size", "own")
        assert far(translate(browser, path), expected(site, path)) <= 1
        assert browser.execute_script("return document.body.dataset.offline") == "false"


def test_a_private_window(site, path, tmp_path):
    folder = tmp_path / "profile"
    folder.mkdir()
    flags = ("--disable-gpu", "--incognito")
    server = PageServer(site.folder, port=0, plain=True)
    with server, open_browser(folder, flags) as browser:
        open_page(browser, f"{server.url}?variant=fp16&engine=wasm")
        choose(browser, "size", "own")
        assert far(translate(browser, path), expected(site, path)) <= 1


def test_the_card_speaks_the_visitors_language_and_keeps_details_for_who_asks(browser, copy):
    rows = [
        {"key": "license", "word": "no_license"},
        {"key": "kid", "value": "237", "details": "the mean of 100 subsets"},
    ]
    change_about(copy, lambda about: about.update(card=rows))
    words = json.loads((PAGE / "strings" / "ja.json").read_text(encoding="utf-8"))
    with PageServer(copy, port=0) as server:
        resize(browser, DESKTOP)
        open_page(browser, f"{server.url}?lang=ja")
        find(browser, "#about-model summary").click()
        card = find(browser, "#about-card")
        assert words["card.no_license"] in card.text
        assert "237" in card.text
        summary = find(browser, "#about-card summary")
        assert summary.text == words["card.details"]
        assert summary.rect["height"] >= 44  # what a finger hits
        height = card.rect["height"]
        summary.click()
        assert card.rect["height"] > height + 10
        assert "the mean of 100 subsets" in card.text
