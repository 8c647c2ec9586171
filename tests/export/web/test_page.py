"""The page in a real browser translates as tflite_run.py does, on its own and without a network."""

import os
import shutil

import numpy as np
import pytest
from browsers import DESKTOP, find, pixels, requests, resize, run_async, violations, wait_until
from PIL import Image
from web_page import READY, bicubic, canvas, choose, expected, far, levels, open_page, translate

from cyclegan_keras.export import tflite_run
from cyclegan_keras.export.web.serve import PageServer
from cyclegan_keras.export.web.site import PAGE

selenium = pytest.importorskip("selenium")
from selenium.webdriver import Keys  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.process]


@pytest.fixture(scope="module")
def page(browser, server):
    """The page, with the exact file on the processor, and translations as large as pictures."""
    open_page(browser, f"{server.url}?variant=fp16&engine=wasm&lang=en")
    choose(browser, "size", "own")
    return browser


def write_pictures(folder):
    pictures = {
        "square.png": Image.fromarray(levels(256, 256)),
        "exact.png": Image.fromarray(levels(64, 64)),
        "tall.png": Image.fromarray(levels(700, 40)),
        "wide.png": Image.fromarray(levels(40, 700)),
        "dot.png": Image.fromarray(levels(1, 1)),
        "small.png": Image.fromarray(levels(23, 31)),
        "gray.png": Image.fromarray(levels(70, 90)[..., 0]),
    }
    alpha = np.random.default_rng(1).integers(0, 256, (90, 70)).astype("uint8")
    alpha[:20] = 0
    pictures["transparent.png"] = Image.fromarray(np.dstack([levels(90, 70), alpha]))
    pictures["palette.png"] = Image.fromarray(levels(90, 70)).quantize(16)
    for name, picture in pictures.items():
        picture.save(folder / name)
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = Image.fromarray(levels(200, 120))
    photo.save(folder / "turned.jpg", exif=exif, quality=95, subsampling=0)
    Image.fromarray(levels(301, 403)).save(folder / "photo.jpg", quality=90, subsampling=2)
    Image.fromarray(levels(301, 403)).convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    deep = levels(80, 90)[..., 0].astype("uint16") * 257
    Image.fromarray(deep).save(folder / "deep.png")
    return sorted(folder.iterdir())


def test_translations_equal_those_of_python(page, site, tmp_path):
    differences = {
        path.name: far(translate(page, path), expected(site, path))
        for path in write_pictures(tmp_path)
    }
    assert max(differences.values()) <= 1, differences
    assert len(differences) == 13


def test_the_change_is_added_to_a_pictures_own_detail(page, site, tmp_path):
    path = tmp_path / "photo.png"
    picture = levels(150, 203)
    Image.fromarray(picture).save(path)
    choose(page, "size", "own-detail")
    translation = translate(page, path)
    choose(page, "size", "own")

    numbers = picture.astype("float32") / 127.5 - 1
    height, width = tflite_run.fitting_size(150, 203, 64, 64)
    small = np.clip(bicubic(numbers, height, width), -1, 1)
    small_translation = tflite_run.translate_floats(tflite_run.open_model(site.tflite()), small)
    change = bicubic(small_translation - small, 150, 203)
    reference = np.clip(np.rint((numbers + change + 1) * 127.5), 0, 255)
    assert far(translation, reference) <= 1
    assert far(reference, picture) > 10


def test_resizing_equals_pillow(page):
    source = (PAGE / "worker" / "resample.js").read_text().replace("export function", "function")
    script = (
        source
        + """
        const [height, width, newHeight, newWidth, numbers] = given;
        const rows = rowsOfArray(Float32Array.from(numbers), height, width, 2);
        const result = [];
        resample(rows, newHeight, newWidth, (y, row) => result.push(...row));
        return result;
        """
    )
    random = np.random.default_rng(0)
    for _ in range(30):
        height, width, new_height, new_width = (int(n) for n in random.integers(1, 40, 4))
        picture = random.uniform(-1, 1, (height, width, 2)).astype("float32")
        numbers = run_async(
            page, script, height, width, new_height, new_width, picture.ravel().tolist()
        )
        resized = np.array(numbers).reshape(new_height, new_width, 2)
        np.testing.assert_allclose(resized, bicubic(picture, new_height, new_width), atol=1e-6)


def test_other_files_and_sizes(page, site, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(levels(90, 120)).save(path)
    choose(page, "size", "model")
    assert translate(page, path).shape == canvas(page, "before").shape == (48, 64, 3)
    choose(page, "size", "own")
    choose(page, "variant", "uint8")
    wait_until(page, READY)
    translation = translate(page, path)
    choose(page, "variant", "fp16")
    wait_until(page, READY)
    assert far(translation, expected(site, path, "uint8")) <= 1
    assert far(translation, expected(site, path)) > 1


def test_what_is_no_picture_gets_words(page, site, tmp_path):
    none = tmp_path / "no picture.jpg"
    none.write_text("words")
    find(page, "#file").send_keys(str(none))
    error = find(page, "#error")
    wait_until(page, "!document.getElementById('error').hidden")
    assert "no picture.jpg" in error.text
    path = tmp_path / "photo.png"
    Image.fromarray(levels(20, 30)).save(path)
    assert far(translate(page, path), expected(site, path)) <= 1
    assert not error.is_displayed()


def test_everybody_can_use_it(page, axe, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.full((400, 600, 3), (200, 60, 20), np.uint8)).save(path)
    after = translate(page, path)
    page.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
    for scheme in ("light", "dark"):
        resize(page, DESKTOP, scheme)
        assert violations(page, axe) == []

    split = find(page, "#split")
    split.send_keys(Keys.END)
    assert far(seen(page), np.array((200, 60, 20))) < 8
    split.send_keys(Keys.HOME)
    assert far(seen(page), after[100, 150]) < 8
    split.send_keys(Keys.ARROW_RIGHT * 5)
    assert split.get_attribute("value") == "5"
    assert split.get_attribute("aria-valuetext") == "5%"


def seen(browser):
    """The color a quarter from the left and the top of the two pictures, as they are shown."""
    shown = pixels(find(browser, "#compare"))
    height, width = shown.shape[:2]
    return shown[height // 4, width // 4]


def test_nothing_is_fetched_from_elsewhere(browser, server, site, tmp_path):
    requests(browser)
    open_page(browser, server.url)
    path = tmp_path / "photo.png"
    Image.fromarray(levels(20, 30)).save(path)
    translate(browser, path)
    asked = requests(browser)
    assert server.url in asked
    assert all(url.startswith((server.url, "blob:", "data:")) for url in asked)
    attempt = """
        const attempt = async (address) => {
            const broken = new Promise((resolve) => {
                self.addEventListener("securitypolicyviolation", (event) => {
                    resolve(event.effectiveDirective);
                });
            });
            const answer = fetch(address).then(() => "reached", () => broken);
            return answer;
        };
    """
    with PageServer(site.folder, port=0) as elsewhere:
        address = f"{elsewhere.url}icon.svg"
        in_page = run_async(browser, attempt + "return attempt(given[0]);", address)
        in_worker = run_async(
            browser,
            """
            const code = `${given[0]} attempt("${given[1]}").then((answer) => postMessage(answer))`;
            const worker = new Worker(URL.createObjectURL(new Blob([code])));
            return new Promise((resolve) => {
                worker.onmessage = ({ data }) => resolve(data);
                worker.onerror = (event) => resolve(event.message);
            });
            """,
            attempt,
            address,
        )
    assert (in_page, in_worker) == ("connect-src", "connect-src")


@pytest.mark.parametrize("plain", [True, False], ids=["any_host", "isolating_host"])
def test_it_works_without_a_network(browser, site, tmp_path, plain):
    """Two pages on one origin, each after one visit."""
    folders = [tmp_path / "site" / "a", tmp_path / "site" / "a" / "b"]
    for folder in folders[: 2 if plain else 1]:
        shutil.copytree(site.folder, folder, copy_function=os.link)
    path = tmp_path / "photo.png"
    Image.fromarray(levels(70, 30)).save(path)
    server = PageServer(tmp_path / "site", port=0, plain=plain)
    with server:
        for folder in folders[: 2 if plain else 1]:
            open_page(browser, address_of(server, folder, tmp_path))
            wait_until(browser, "document.body.dataset.offline === 'true'")
            assert browser.execute_script("return crossOriginIsolated")
    for folder in folders[: 2 if plain else 1]:
        open_page(browser, address_of(server, folder, tmp_path))
        choose(browser, "size", "own")
        assert far(translate(browser, path), expected(site, path)) <= 1
        done = browser.execute_script("return Number(document.body.dataset.done)")
        find(browser, "#examples button").click()
        wait_until(browser, f"Number(document.body.dataset.done) > {done}")


def address_of(server, folder, tmp_path):
    path = folder.relative_to(tmp_path / "site").as_posix()
    return f"{server.url}{path}/?variant=fp16&lang=en"


def test_a_file_that_is_missing_gets_words(browser, site, tmp_path):
    shutil.copytree(site.folder, tmp_path / "site", copy_function=os.link)
    (tmp_path / "site" / "models" / "generator_g_fp16.tflite").unlink()
    with PageServer(tmp_path / "site", port=0) as server:
        browser.get(f"{server.url}?variant=fp16&lang=en")
        wait_until(browser, "document.body.dataset.state === 'failed'")
        assert "generator_g_fp16.tflite is not there" in find(browser, "#error").text
        choose(browser, "variant", "uint8")
        wait_until(browser, READY)


def test_the_single_file_opens_from_a_disk(browser, site, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(levels(150, 203)).save(path)
    requests(browser)
    open_page(browser, f"{site.single_file.as_uri()}?lang=en")
    choose(browser, "size", "own")
    assert far(translate(browser, path), expected(site, path)) <= 1
    assert {url.partition(":")[0] for url in requests(browser)} <= {"file", "blob", "data"}
