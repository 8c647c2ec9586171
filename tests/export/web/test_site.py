"""The exported page: what lies in its folder, what it tells of itself, and what is refused."""

import base64
import gzip
import hashlib
import json
import re
import shutil

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from cyclegan_keras.commands import export
from cyclegan_keras.export import tflite_run
from cyclegan_keras.export.web import examples, runtime

pytestmark = [pytest.mark.slow, pytest.mark.process]


def run(*words):
    """Runs the command in this process."""
    return export.main(["export.py", *map(str, words)])


# ---- what is there ----


def test_the_folder_holds_all_that_the_page_loads(site):
    page = (site.folder / "index.html").read_text()
    about = site.about()
    assert about["title"] == "horse \N{LEFT RIGHT ARROW} zebra"
    assert about["description"] == "Turns horses into zebras, and back."
    assert re.fullmatch("[0-9a-f]{12}", about["version"])
    loaded = re.findall(r'(?:src|href)="(?!data:)([^"#?]+)', page)
    assert {"app.js", "style.css", "icon.svg", "manifest.webmanifest"} <= set(loaded)
    assert all((site.folder / path).is_file() for path in loaded)
    for name in ("worker.js", "service_worker.js", "_headers", ".nojekyll"):
        assert (site.folder / name).is_file()
    assert (site.folder / "licences" / "apache-2.0.txt").read_text() == (
        ROOT / "LICENSE"
    ).read_text()
    manifest = json.loads((site.folder / "manifest.webmanifest").read_text())
    assert manifest["name"] == about["title"]


def test_every_file_is_measured_and_in_the_receipt(site):
    receipt = json.loads((site.output / "receipt.json").read_text())
    rows = {row["path"]: row for row in receipt["files"] if row["path"].startswith("web/")}
    about = site.about()
    assert [each["signature"] for each in about["directions"]] == ["a_to_b", "b_to_a"]
    for direction in about["directions"]:
        assert [file["variant"] for file in direction["files"]] == ["uint8", "fp16"]
        assert [file["dtype"] for file in direction["files"]] == ["uint8", "float32"]
        assert direction["default_on"] == {"wasm": 1, "webgpu": 1}
        assert direction["keeps_detail"]
        for file in direction["files"]:
            data = (site.folder / file["path"]).read_bytes()
            row = rows.pop(f"web/{file['path']}")
            assert row["kind"] == f"tflite {file['variant']}"
            assert row["good"]
            assert file["bytes"] == row["bytes"] == len(data)
            assert file["sha256"] == row["sha256"] == hashlib.sha256(data).hexdigest()
            assert file["psnr_db"] == pytest.approx(row["psnr_db"], abs=0.05)
            assert (file["height"], file["width"]) == (64, 64)
    assert not rows


@pytest.mark.parametrize("variant", ["uint8", "fp16"])
def test_check_figures_are_what_litert_makes_of_the_made_picture(site, variant, tmp_path):
    """By way of a picture file, which Pillow shrinks to the means of blocks."""
    rows = [[(x * 255 // 64, y * 255 // 64, (x ^ y) & 255) for x in range(64)] for y in range(64)]
    Image.fromarray(np.array(rows, "uint8")).save(tmp_path / "made.png")
    interpreter = tflite_run.open_model(site.tflite(variant))
    metadata = tflite_run.read_metadata(site.tflite(variant))
    translation = tmp_path / "translation.png"
    tflite_run.translate_file(interpreter, metadata, tmp_path / "made.png", translation)
    with Image.open(translation) as image:
        means = np.asarray(image.reduce(8)).astype(float)
    direction = site.about()["directions"][0]
    figures = next(file["check"] for file in direction["files"] if file["variant"] == variant)
    assert len(figures) == 192
    # Pixels and means are rounded to levels there.
    np.testing.assert_allclose(np.reshape(figures, (8, 8, 3)), means, atol=1.01)
    assert means.std() > 5


def test_the_runtime_is_that_of_npm(site, archives):
    litert = runtime.find_runtime(str(archives))
    facts = site.about()["runtime"]
    assert facts["folder"] == "runtime/"
    assert (site.folder / facts["library"]).read_text() == litert.library
    for build, about in facts["builds"].items():
        script = (site.folder / "runtime" / about["script"]).read_bytes()
        wasm = (site.folder / "runtime" / about["wasm"]).read_bytes()
        assert script.decode() == litert.scripts[build]
        assert gzip.decompress(wasm) == litert.wasm[build]
        assert about["bytes"] == len(wasm)
        files = {"script": script, "wasm": wasm, "unpacked": litert.wasm[build]}
        assert set(about["integrity"]) == set(files)
        for part, data in files.items():
            digest = base64.b64encode(hashlib.sha384(data).digest()).decode()
            assert about["integrity"][part] == f"sha384-{digest}"


def test_examples_of_a_data_set_belong_to_their_domain(tmp_path):
    for folder in ("testA", "trainB", "holiday"):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / folder / "one.png")
    found = examples.read_examples(f"{tmp_path}/testA, {tmp_path}/trainB, {tmp_path}/holiday")
    assert [each.domain for each in found] == ["A", "B", None]


def test_examples_are_upright_small_and_without_metadata(site):
    photo, drawing = site.about()["examples"]
    assert [photo["name"], drawing["name"]] == ["a photo", "b drawing"]
    original = site.models / "examples" / "a photo.jpg"
    assert b"secret" in original.read_bytes()
    data = (site.folder / photo["path"]).read_bytes()
    assert b"secret" not in data
    assert b"Exif" not in data
    with Image.open(site.folder / photo["path"]) as image, Image.open(original) as lying:
        assert image.size == (90, 60)
        assert not image.getexif()
        upright = lying.transpose(Image.Transpose.ROTATE_270)
        difference = np.asarray(image).astype(int) - np.asarray(upright)
        assert np.abs(difference).mean() < 4
    with Image.open(site.folder / drawing["path"]) as image:
        assert image.format == "PNG"  # JPEG would blur its colors
        assert len(image.getcolors()) == 4


def test_the_card_tells_what_is_known(site):
    rows = {row["key"]: row["value"] for row in site.about()["card"]}
    arrow = "\N{RIGHTWARDS ARROW}"
    assert rows["translates"] == f"horse {arrow} zebra; zebra {arrow} horse"
    assert rows["generator"] == "ResNet, 1 block, ngf 4"
    assert rows["license"] == "CC0"
    assert rows["runtime"] == "LiteRT.js 2.5.3, Apache-2.0"
    assert "fp16 at 64 px" in rows["quality"]
    assert not {"method", "data", "steps"} & set(rows)  # nobody knows


def test_the_policy_names_the_page_alone(site):
    page = (site.folder / "index.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page).group(1)
    policy = policy.replace("&#39;", "'")
    directives = dict(each.strip().split(" ", 1) for each in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["connect-src"] == "'self'"
    assert "unsafe-inline" not in policy
    assert "http" not in policy
    headers = (site.folder / "_headers").read_text()
    assert f"Content-Security-Policy: {policy}" in headers
    assert "Cross-Origin-Embedder-Policy: require-corp" in headers


def test_the_single_file_holds_the_files_of_the_folder(site):
    page = site.single_file.read_text()
    assert not re.search(r'(?:src|href)="(?!data:|#)', page.split("<script")[0])
    assets = re.findall(r'<script type="text/plain" data-path="([^"]+)">([^<]*)</script>', page)
    found = {path: gzip.decompress(base64.b64decode(text)) for path, text in assets}
    for path, data in found.items():
        own = (site.folder / path).read_bytes()
        assert data == (gzip.decompress(own) if path.endswith(".gz") else own)
    expected = {"worker.js", "runtime/litert.js", "examples/1.jpg", "examples/2.png"}
    expected |= {f"models/generator_{name}_fp16.tflite" for name in "gf"}
    builds = ("simd", "compat")
    expected |= {f"runtime/litert_{build}.{end}" for build in builds for end in ("js", "wasm.gz")}
    assert set(found) == expected
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = [
        base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts
    ]
    assert len(digests) == 1
    assert f"&#39;sha256-{digests[0]}&#39;" in page
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page).group(1)
    assert "unsafe-inline" not in policy
    assert "self" not in policy


# ---- again, and beside other formats ----


def test_formats_share_files_and_facts(site):
    receipt = json.loads((site.output / "receipt.json").read_text())
    facts = {row["path"]: row for row in receipt["files"]}
    pages = [path for path in facts if path.startswith("web/")]
    assert len(pages) == 4
    for path in pages:
        twin = facts[path.replace("web/models", "tflite")]
        assert {**facts[path], "path": None} == {**twin, "path": None}
    with Image.open(site.output / "receipt_a_to_b.png") as grid:
        assert grid.width == 192 * 4  # input, Keras and each file once


@pytest.fixture(scope="module")
def second(site, archives, tmp_path_factory):
    """The same page once more, into the folder of the first."""
    output = tmp_path_factory.mktemp("second") / "export"
    shutil.copytree(site.output, output)
    code = run(
        f"--model={site.models}/generator_g.keras,{site.models}/generator_f.keras",
        f"--pictures={site.pictures}",
        "--format=web",
        "--tflite_size=64",
        f"--output={output}",
        f"--web_runtime={archives}",
        f"--web_examples={site.models}/examples",
        "--web_single_file",
        "--licence=CC0",
        "--description=Turns horses into zebras, and back.",
    )
    assert code == 0
    return output


@pytest.mark.release
def test_the_same_model_gives_the_same_page(site, second):
    """But for the day in its card."""
    day = re.compile(rb"\d{4}-\d\d-\d\d")
    for path in site.folder.rglob("*"):
        if path.is_file():
            again = (second / "web" / path.relative_to(site.folder)).read_bytes()
            if path.name == "index.html":
                assert day.sub(b"", again) == day.sub(b"", path.read_bytes())
            else:
                assert again == path.read_bytes(), path


@pytest.mark.release
def test_an_earlier_page_keeps_a_number(site, second):
    names = {path.name for path in second.iterdir()}
    assert {"web", "web-1", "web-1.html", "receipt-1.json"} <= names
    assert (second / "web-1.html").read_bytes() == site.single_file.read_bytes()
    old = (second / "web-1" / "index.html").read_bytes()
    assert old == (site.folder / "index.html").read_bytes()
