"""What tests do with an exported page in a browser, and what it has to show."""

import base64
import json
import re

import numpy as np
from browsers import find, run_async, wait_until
from PIL import Image

from cyclegan_keras.export import tflite_run

ABOUT = re.compile(r'(<script type="application/json" id="about">)(.*?)(</script>)', re.DOTALL)
READY = "document.body.dataset.state === 'ready'"
SEEN = """
    const canvas = document.getElementById(given[0]);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const letters = [];
    for (let i = 0; i < data.length; i += 4096) {
        letters.push(String.fromCharCode(...data.subarray(i, i + 4096)));
    }
    return [canvas.height, canvas.width, btoa(letters.join(""))];
"""


def read_about(folder):
    """Returns the facts that a page holds."""
    return json.loads(ABOUT.search((folder / "index.html").read_text(encoding="utf-8"))[2])


def change_about(folder, change):
    """Changes the facts that a page holds; its file may be a link to that of another."""
    path = folder / "index.html"
    text = path.read_text(encoding="utf-8")
    about = read_about(folder)
    change(about)
    content = json.dumps(about).replace("<", "\\u003c")
    path.unlink()
    path.write_text(ABOUT.sub(lambda found: found[1] + content + found[3], text), encoding="utf-8")


def open_page(browser, url):
    browser.get(url)
    wait_until(browser, READY)


def choose(browser, name, value):
    script = """
        const select = document.getElementById(arguments[0]);
        select.value = arguments[1];
        select.dispatchEvent(new Event("change"));
    """
    browser.execute_script(script, name, value)


def translate(browser, path):
    """Gives the page a file; returns its translation, (height, width, 3)."""
    wait_for_rest(browser)
    done = browser.execute_script("return Number(document.body.dataset.done)")
    find(browser, "#file").send_keys(str(path))
    wait_until(browser, f"Number(document.body.dataset.done) > {done}")
    return canvas(browser, "after")


def wait_for_rest(browser):
    """Waits until the page translates nothing, such as an earlier picture by other settings."""
    wait_until(browser, "document.body.dataset.working !== 'true'")


def canvas(browser, name):
    height, width, data = run_async(browser, SEEN, name)
    rgba = np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)
    assert (rgba[..., 3] == 255).all()
    return rgba[..., :3]


def expected(site, path, variant="fp16"):
    """Returns the translation of tflite_run.py."""
    model = site.tflite(variant)
    target = path.with_name(f"{path.stem}_{variant}_translated.png")
    interpreter = tflite_run.open_model(model)
    tflite_run.translate_file(interpreter, tflite_run.read_metadata(model), path, target)
    return np.asarray(Image.open(target).convert("RGB"))


def levels(height, width, seed=0):
    """A smooth picture with some noise."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (5, 5, 3)).astype("uint8"))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    noise = random.integers(-20, 21, smooth.shape)
    return np.clip(smooth + noise, 0, 255).astype("uint8")


def far(translation, reference):
    """The largest difference, in levels."""
    assert translation.shape == reference.shape
    return np.abs(translation.astype(int) - reference).max()


def bicubic(picture, height, width):
    """Resizes float32 (height, width, channels) by Pillow, the width first."""
    channels = []
    for channel in np.moveaxis(picture, -1, 0):
        image = Image.fromarray(np.ascontiguousarray(channel))
        wide = image.resize((width, image.height), Image.Resampling.BICUBIC)
        channels.append(np.asarray(wide.resize((width, height), Image.Resampling.BICUBIC)))
    return np.stack(channels, axis=-1)
