"""What a visitor does on the page: several pictures, strength, saving, languages, the camera."""

import base64
import json
import time

import numpy as np
import pytest
from browsers import DESKTOP, find, resize, run_async, wait_until
from PIL import Image
from web_page import canvas, open_page, wait_for_rest

from cyclegan_keras.export.web.site import PAGE

selenium = pytest.importorskip("selenium")
from selenium.webdriver import ActionChains, Keys  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.process]

SMALL_PHONE = (320, 640)
LEAST_TOUCH = 44  # px of what a finger hits
LATER = pytest.mark.release
LANGUAGES = [
    "en",
    pytest.param("ja", marks=LATER),
    pytest.param("zh", marks=LATER),
    pytest.param("ko", marks=LATER),
]
# A camera that films a canvas whose color changes.
CAMERA = """
    const canvas = document.createElement("canvas");
    canvas.width = 160;
    canvas.height = 120;
    let hue = 0;
    setInterval(() => {
        hue += 40;
        const context = canvas.getContext("2d");
        context.fillStyle = `hsl(${hue} 80% 50%)`;
        context.fillRect(0, 0, 160, 120);
    }, 30);
    navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(30);
    navigator.mediaDevices.enumerateDevices = async () => [];
"""
# The same, as one that takes a while to open, and what became of it.
SLOW_CAMERA = f"""
    {CAMERA}
    const open = navigator.mediaDevices.getUserMedia;
    window.opened = [];
    navigator.mediaDevices.getUserMedia = async () => {{
        await new Promise((resolve) => setTimeout(resolve, 50));
        const stream = await open();
        window.opened.push(stream.getVideoTracks()[0]);
        return stream;
    }};
"""
NO_CAMERA = """
    navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException("", arguments[0]);
    };
"""
NO_NETWORK = """
    window.realFetch = fetch;
    window.fetch = async () => { throw new TypeError("no network"); };
    caches.open = async () => { throw new Error("no caches"); };
"""
GIVE = """
    const [kind, name, data] = arguments;
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type: "image/png" }));
    const event = kind === "drop"
        ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
        : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
    document.body.dispatchEvent(event);
"""


@pytest.fixture
def page(browser, server):
    """The page as it is opened for the first time, in English."""
    open_page(browser, f"{server.url}?engine=wasm&lang=en")
    return browser


def strings(language):
    return json.loads((PAGE / "strings" / f"{language}.json").read_text(encoding="utf-8"))


def picture(folder, name, seed, size=(90, 60)):
    """Writes a smooth picture and returns its path."""
    levels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3)).astype("uint8")
    path = folder / name
    Image.fromarray(levels).resize(size, Image.Resampling.BICUBIC).save(path, quality=95)
    return path


def give(browser, *paths, done=None):
    """Gives the page files and waits until as many as `done` are translated."""
    before = int(browser.execute_script("return document.body.dataset.done"))
    find(browser, "#file").send_keys("\n".join(str(path) for path in paths))
    wanted = before + (len(paths) if done is None else done)
    wait_until(browser, f"Number(document.body.dataset.done) >= {wanted}")


def set_value(browser, name, value, event="input"):
    script = """
        const element = document.getElementById(arguments[0]);
        element.value = arguments[1];
        element.dispatchEvent(new Event(arguments[2]));
        return new Promise(requestAnimationFrame);
    """
    browser.execute_script(script, name, str(value), event)


def thumbnails(browser):
    return browser.find_elements("css selector", "#gallery button")


# ---- several pictures ----


def test_several_pictures(page, tmp_path):
    none = tmp_path / "none.png"
    none.write_text("words")
    first, second = picture(tmp_path, "a.png", 1), picture(tmp_path, "b.png", 2)
    give(page, first, none, second, done=2)
    wait_for_rest(page)
    states = [each.get_attribute("data-state") for each in thumbnails(page)]
    assert states == ["done", "failed", "done"]
    labels = [each.get_attribute("aria-label") for each in thumbnails(page)]
    assert labels[0] == "a.png: translated"
    assert "none.png is not a picture" in labels[1]
    assert thumbnails(page)[0].get_attribute("aria-current") == "true"
    of_first = canvas(page, "after")
    np.testing.assert_array_equal(canvas(page, "before"), np.asarray(Image.open(first)))

    thumbnails(page)[2].click()
    wait_until(page, "document.getElementById('after').ariaLabel === 'After: b.png'")
    np.testing.assert_array_equal(canvas(page, "before"), np.asarray(Image.open(second)))
    thumbnails(page)[1].click()
    wait_until(page, "!document.getElementById('error').hidden")
    assert not find(page, "#result").is_displayed()
    thumbnails(page)[0].click()
    wait_until(page, "!document.getElementById('result').hidden")
    np.testing.assert_array_equal(canvas(page, "after"), of_first)  # kept without loss
    assert not find(page, "#error").is_displayed()


def test_another_direction_translates_what_is_looked_at(page, tmp_path):
    give(page, picture(tmp_path, "a.png", 1), picture(tmp_path, "b.png", 2))
    wait_for_rest(page)
    earlier = canvas(page, "after").astype(int)
    done = int(page.execute_script("return document.body.dataset.done"))
    radios = page.find_elements("css selector", "#direction input")
    assert [radio.accessible_name for radio in radios] == ["horse to zebra", "zebra to horse"]
    radios[1].click()
    wait_until(page, f"Number(document.body.dataset.done) === {done + 1}")
    assert np.abs(canvas(page, "after") - earlier).max() > 5
    thumbnails(page)[1].click()  # the other one when it is looked at
    wait_until(page, f"Number(document.body.dataset.done) === {done + 2}")


@LATER
def test_pictures_are_removed(page, tmp_path):
    none = tmp_path / "none.png"
    none.write_text("words")
    give(page, none, picture(tmp_path, "a.png", 1), picture(tmp_path, "b.png", 2), done=2)
    wait_for_rest(page)
    thumbnails(page)[0].click()
    assert find(page, "#error").is_displayed()
    assert not find(page, "#retry").is_displayed()
    find(page, "#remove").click()
    assert [each.accessible_name for each in thumbnails(page)] == [
        "a.png: translated",
        "b.png: translated",
    ]
    wait_until(page, "document.getElementById('after').ariaLabel === 'After: a.png'")
    assert not find(page, "#error").is_displayed()
    thumbnails(page)[1].click()
    find(page, "#remove").click()  # the last one: the one before it follows
    assert not find(page, "#strip").is_displayed()
    assert page.switch_to.active_element.get_attribute("id") == "file"
    wait_until(page, "document.getElementById('after').ariaLabel === 'After: a.png'")
    np.testing.assert_array_equal(
        canvas(page, "before"), np.asarray(Image.open(tmp_path / "a.png"))
    )


@LATER
def test_a_picture_that_failed_is_tried_again(page, tmp_path):
    script = """
        const read = CanvasRenderingContext2D.prototype.getImageData;
        CanvasRenderingContext2D.prototype.getImageData = () => {
            CanvasRenderingContext2D.prototype.getImageData = read;
            throw new RangeError("Out of memory");
        };
    """
    page.execute_script(script)
    find(page, "#file").send_keys(str(picture(tmp_path, "a.png", 1)))
    wait_until(page, "!document.getElementById('error').hidden")
    assert find(page, "#error-text").text == strings("en")["error.memory"]
    find(page, "#retry").click()
    wait_until(page, "document.body.dataset.done === '1'")
    assert not find(page, "#error").is_displayed()


@LATER
def test_a_direction_that_is_changed_meanwhile(page, tmp_path):
    path = picture(tmp_path, "a.png", 1)
    page.find_elements("css selector", "#direction input")[1].click()
    give(page, path)
    back = canvas(page, "after")
    page.find_elements("css selector", "#direction input")[0].click()
    wait_until(page, "document.body.dataset.done === '2'")
    script = """
        const radios = document.querySelectorAll("#direction input");
        for (const number of [1, 0, 1, 0, 1]) {
            radios[number].click();
            await new Promise((resolve) => setTimeout(resolve, 5 * number));
        }
    """
    run_async(page, script)
    wait_until(page, "document.body.dataset.state === 'ready'")
    wait_for_rest(page)
    np.testing.assert_array_equal(canvas(page, "after"), back)
    assert not find(page, "#error").is_displayed()


@LATER
def test_a_model_that_does_not_come_is_asked_for_again(page, tmp_path):
    page.execute_script(NO_NETWORK)
    set_value(page, "variant", "uint8", "change")
    wait_until(page, "document.body.dataset.state === 'failed'")
    words = find(page, "#error-text").text
    assert words == "generator_g_uint8.tflite could not be loaded. Check your connection."
    find(page, "#file").send_keys(str(picture(tmp_path, "a.png", 1)))
    wait_until(page, "document.getElementById('compare').dataset.show === 'before'")
    assert find(page, "#error-text").text == words  # as long as it is true
    page.execute_script(CAMERA)
    find(page, "#camera").click()
    wait_until(page, "document.body.dataset.mode === 'camera'")
    find(page, "#stop").click()
    assert find(page, "#error-text").is_displayed()
    page.execute_script("window.fetch = realFetch")
    find(page, "#retry").click()
    assert page.switch_to.active_element.get_attribute("id") == "status"
    wait_until(page, "document.body.dataset.done === '1'")
    assert not find(page, "#error").is_displayed()


@pytest.mark.parametrize("kind", ["drop", pytest.param("paste", marks=LATER)])
def test_pictures_are_dropped_and_pasted(page, tmp_path, kind):
    path = picture(tmp_path, "a.png", 1)
    page.execute_script(GIVE, kind, "a.png", base64.b64encode(path.read_bytes()).decode())
    wait_until(page, "document.body.dataset.done === '1'")
    np.testing.assert_array_equal(canvas(page, "before"), np.asarray(Image.open(path)))


@LATER
def test_examples_are_offered(page):
    wait_until(page, "document.querySelectorAll('#examples img').length === 2")
    find(page, "#examples button").click()
    wait_until(page, "document.body.dataset.done === '1'")
    assert canvas(page, "before").shape == (60, 90, 3)  # upright


# ---- what is seen ----


def test_strength_blends_with_the_original(page, tmp_path):
    give(page, picture(tmp_path, "a.png", 1))
    before, after = canvas(page, "before").astype(int), canvas(page, "after").astype(int)
    for percent in (0, 30, 100):
        set_value(page, "strength", percent)
        blend = before + (after - before) * percent / 100
        # canvases know strengths in steps of 1/255, and round twice
        np.testing.assert_allclose(canvas(page, "after"), blend, atol=2)
    np.testing.assert_array_equal(canvas(page, "after"), after)


def test_side_by_side(page, tmp_path):
    resize(page, DESKTOP)
    give(page, picture(tmp_path, "a.png", 1))
    button = find(page, "#side")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    before, after = find(page, "#before").rect, find(page, "#after").rect
    assert before["x"] + before["width"] <= after["x"]
    assert abs(before["height"] - after["height"]) < 1
    assert not find(page, "#split").is_displayed()
    for tag, picture_rect in zip(
        page.find_elements("css selector", ".sides span"), (before, after), strict=True
    ):
        assert tag.rect["x"] - picture_rect["x"] == pytest.approx(8, abs=1)
    button.click()
    assert find(page, "#before").rect == find(page, "#after").rect


@pytest.mark.parametrize(
    "size", [(40, 700), pytest.param((700, 40), marks=LATER), pytest.param((1, 1), marks=LATER)]
)
def test_pictures_of_any_shape_fit_the_screen(page, tmp_path, size):
    for screen in (SMALL_PHONE, DESKTOP):
        resize(page, screen)
        give(page, picture(tmp_path, "a.png", 1, size))
        rect = find(page, "#compare").rect
        assert 60 <= rect["width"] <= screen[0]
        assert 60 <= rect["height"] <= screen[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_cut_off_on_a_small_phone(browser, server, tmp_path, language):
    resize(browser, SMALL_PHONE)
    open_page(browser, f"{server.url}?engine=wasm&lang={language}")
    for _ in range(2):
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= SMALL_PHONE[0]
        script = """
            for (const each of document.querySelectorAll("details")) each.open = true;
            const hit = "main button, main select, .button, summary, #direction label";
            return [...document.querySelectorAll(hit)]
                .map((each) => [each.outerHTML, each.getBoundingClientRect().toJSON()])
                .filter(([, box]) => box.width > 0);
        """
        found = browser.execute_script(script)
        assert len(found) > 8
        for html, box in found:
            assert min(box["width"], box["height"]) >= LEAST_TOUCH - 0.5, html
        paths = [picture(tmp_path, f"{number}.png", number) for number in range(3)]
        give(browser, *paths)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_scheme(page, scheme):
    resize(page, DESKTOP, scheme)
    script = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g)"
    levels = [int(level) for level in page.execute_script(script)]
    assert (np.mean(levels) > 128) == (scheme == "light")


# ---- saving ----


@pytest.fixture
def downloads(browser, tmp_path):
    folder = tmp_path / "downloads"
    folder.mkdir()
    behavior = {"behavior": "allow", "downloadPath": str(folder)}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", behavior)
    return folder


def saved(folder, names):
    """Waits for files and returns their pixels."""
    end = time.monotonic() + 20
    while {path.name for path in folder.iterdir()} != set(names):
        assert time.monotonic() < end, list(folder.iterdir())
        time.sleep(0.05)
    return [np.asarray(Image.open(folder / name).convert("RGB")).astype(int) for name in names]


def test_what_is_saved_is_what_is_seen(page, downloads, tmp_path):
    give(page, picture(tmp_path, "my photo.png", 1))
    set_value(page, "strength", 40)
    time.sleep(0.1)
    find(page, "#download").click()
    (translation,) = saved(downloads, ["my_photo-zebra.png"])
    np.testing.assert_array_equal(translation, canvas(page, "after"))


def test_a_jpeg_is_saved_as_a_jpeg(page, downloads, tmp_path):
    give(page, picture(tmp_path, "photo.jpeg", 1))
    find(page, "#download").click()
    (translation,) = saved(downloads, ["photo-zebra.jpg"])
    assert Image.open(downloads / "photo-zebra.jpg").format == "JPEG"
    # of the brightness alone: JPEG halves the resolution of colors
    difference = (translation - canvas(page, "after")) @ [0.299, 0.587, 0.114]
    assert np.abs(difference).mean() < 3


@LATER
def test_all_pictures_are_saved(page, downloads, tmp_path):
    give(page, picture(tmp_path, "a.png", 1), picture(tmp_path, "b.png", 2))
    wait_for_rest(page)
    find(page, "#save-all").click()
    first, second = saved(downloads, ["a-zebra.png", "b-zebra.png"])
    np.testing.assert_array_equal(first, canvas(page, "after"))
    thumbnails(page)[1].click()
    wait_until(page, "document.getElementById('after').ariaLabel === 'After: b.png'")
    np.testing.assert_array_equal(second, canvas(page, "after"))
    page.find_elements("css selector", "#direction input")[1].click()
    wait_until(page, "!document.getElementById('save-all').disabled")
    find(page, "#save-all").click()  # both are translated anew
    names = ["a-zebra.png", "b-zebra.png", "a-horse.png", "b-horse.png"]
    back = saved(downloads, names)[3]
    assert np.abs(back - second).max() > 5


@LATER
def test_all_pictures_are_saved_though_the_next_model_does_not_come(page, downloads, tmp_path):
    give(page, picture(tmp_path, "a.png", 1), picture(tmp_path, "b.png", 2))
    wait_for_rest(page)
    first = canvas(page, "after")
    page.execute_script(NO_NETWORK)
    set_value(page, "variant", "uint8", "change")
    wait_until(page, "document.body.dataset.state === 'failed'")
    find(page, "#save-all").click()
    np.testing.assert_array_equal(saved(downloads, ["a-zebra.png", "b-zebra.png"])[0], first)


# ---- languages ----


def test_languages(browser, server):
    open_page(browser, f"{server.url}?engine=wasm&lang=ja")
    choose = find(browser, "#choose")
    assert choose.text == strings("ja")["pick.choose"]
    assert browser.execute_script("return document.documentElement.lang") == "ja"
    assert strings("ja")["device.processor"] in find(browser, "#status").text
    set_value(browser, "language", "ko", "change")
    assert choose.text == strings("ko")["pick.choose"]
    assert find(browser, "#camera").text == strings("ko")["pick.camera"]
    example = find(browser, "#examples img").get_attribute("alt")
    assert example.startswith(strings("ko")["pick.example"].replace("{name}", ""))
    assert browser.execute_script("return document.documentElement.lang") == "ko"
    open_page(browser, f"{server.url}?engine=wasm")  # the choice is remembered
    assert find(browser, "#choose").text == strings("ko")["pick.choose"]
    browser.execute_script("localStorage.clear()")
    open_page(browser, f"{server.url}?engine=wasm&lang=xx")  # nobody speaks it
    assert find(browser, "#choose").text == strings("en")["pick.choose"]


# ---- the camera ----


def test_the_camera_translates_live_and_takes_a_picture(page):
    page.execute_script(CAMERA)
    find(page, "#camera").click()
    wait_until(page, "Number(document.body.dataset.done) >= 3")
    assert canvas(page, "after").shape == (48, 64, 3)  # as the network has it
    assert not find(page, "#intake").is_displayed()
    assert not find(page, "#flip").is_displayed()
    find(page, "#shoot").click()
    wait_until(page, "document.getElementById('after').height === 120")
    wait_until(page, "document.getElementById('compare').dataset.show === 'slider'")
    assert not find(page, "#live").is_displayed()
    assert page.execute_script("return document.getElementById('video').srcObject") is None


@LATER
def test_only_one_camera_is_open(page, tmp_path):
    page.execute_script(SLOW_CAMERA)
    page.execute_script("for (let i = 0; i < 2; i++) document.getElementById('camera').click()")
    wait_until(page, "document.body.dataset.mode === 'camera'")
    states = "window.opened.map((track) => track.readyState).join()"
    wait_until(page, f"{states} === 'ended,live'")
    assert page.switch_to.active_element.get_attribute("id") == "shoot"
    page.execute_script("window.opened[1].dispatchEvent(new Event('ended'))")
    wait_until(page, f"{states} === 'ended,ended'")
    assert find(page, "#error-text").text == strings("en")["camera.lost"]
    page.execute_script("document.getElementById('camera').click()")
    wait_until(page, f"{states} === 'ended,ended,live'")
    wait_until(page, "document.body.dataset.mode === 'camera'")
    give(page, picture(tmp_path, "a.png", 1))  # takes the camera's place
    wait_until(page, f"{states} === 'ended,ended,ended'")
    assert not find(page, "#live").is_displayed()


@pytest.mark.parametrize(
    ("error", "key"),
    [
        ("NotAllowedError", "camera.denied"),
        pytest.param("NotFoundError", "camera.absent", marks=LATER),
        pytest.param("NotReadableError", "camera.busy", marks=LATER),
    ],
)
def test_a_camera_that_does_not_open_gets_words(page, error, key):
    page.execute_script(NO_CAMERA, error)
    find(page, "#camera").click()
    wait_until(page, "!document.getElementById('error').hidden")
    assert find(page, "#error-text").text == strings("en")[key]
    assert find(page, "#intake").is_displayed()


# ---- the keyboard ----


def test_the_keyboard_reaches_everything(page, tmp_path):
    give(page, picture(tmp_path, "a.png", 1))
    page.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
    reached = []
    for _ in range(14):
        ActionChains(page).send_keys(Keys.TAB).perform()
        script = "return document.activeElement.id || document.activeElement.name || ''"
        reached.append(page.execute_script(script))
    wanted = ["direction", "split", "strength", "side", "download", "file", "camera"]
    assert [name for name in reached if name in wanted][: len(wanted)] == wanted


@LATER
def test_the_keyboard_keeps_its_place_when_the_direction_changes(page):
    page.find_elements("css selector", "#direction input")[0].send_keys(Keys.ARROW_RIGHT)
    wait_until(page, "document.body.dataset.state === 'ready'")
    chosen = page.switch_to.active_element
    assert chosen.accessible_name == "zebra to horse"
    assert chosen.is_selected()


@LATER
@pytest.mark.parametrize("language", ["en", "ja", "zh", "ko"])
def test_large_text_breaks_no_word(browser, server, tmp_path, language):
    resize(browser, (390, 800))
    open_page(browser, f"{server.url}?engine=wasm&lang={language}")
    browser.execute_script("document.documentElement.style.fontSize = '200%'")
    give(browser, picture(tmp_path, "a.png", 1))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    script = """
        const label = document.querySelector("#strength-field span");
        const { height } = label.getBoundingClientRect();
        return height / parseFloat(getComputedStyle(label).lineHeight);
    """
    assert browser.execute_script(script) == pytest.approx(1, abs=0.1)
    field, slider = find(browser, "#strength-field").rect, find(browser, "#strength").rect
    assert slider["x"] + slider["width"] <= field["x"] + field["width"] + 1
    assert slider["width"] >= 60
