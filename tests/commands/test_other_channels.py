"""Pictures of other channels and numbers go the whole way, with every method."""

import json

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image

from cyclegan_keras.commands import evaluate, export, train, translate
from cyclegan_keras.images.reading import read_picture
from cyclegan_keras.runs.run import Run

pytestmark = [
    pytest.mark.slow,  # whole commands
    pytest.mark.usefixtures("small_and_without_graphs"),
]

TINY = (
    "--preprocess=none",
    "--generator=resnet_3blocks",
    "--discriminator=pixel",
    "--ngf=1",
    "--ndf=1",
    "--n_epochs=1",
    "--n_epochs_decay=0",
    "--steps_per_epoch=2",
    "--log_every=1",
    "--sample_every=2",
    "--sample_count=4",
    "--seed=3",
)
SIDE = 16  # px
COUNT = 4

# Channels of x and of y.
RGB_TO_THERMAL = (3, 1)
BANDS_TO_RGB = (4, 3)
# Each of the two cases once, and every method in both where there is more time.
CASES = [
    ("cyclegan", RGB_TO_THERMAL),
    ("pix2pix", BANDS_TO_RGB),
    # tests/training/test_channels.py trains CUT and FastCUT between other channels in every run.
    pytest.param(("cut", RGB_TO_THERMAL), marks=pytest.mark.release),
    pytest.param(("fastcut", BANDS_TO_RGB), marks=pytest.mark.release),
    pytest.param(("cyclegan", BANDS_TO_RGB), marks=pytest.mark.release),
    pytest.param(("pix2pix", RGB_TO_THERMAL), marks=pytest.mark.release),
    pytest.param(("cut", BANDS_TO_RGB), marks=pytest.mark.release),
    pytest.param(("fastcut", RGB_TO_THERMAL), marks=pytest.mark.release),
]


def draw(channels, index):
    """Ordinary pictures in RGB; 12 bits of a thermal camera; four bands of 16 bits."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    ramp = (rows * 7 + columns * 13 + index * 31) % 256
    bands = np.stack([np.roll(ramp, 3 * band, axis=0) for band in range(channels)], axis=-1)
    if channels == 3:
        return bands.astype(np.uint8)
    return (bands * 16).astype(np.uint16)


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    if array.shape[-1] == 3:
        Image.fromarray(array).save(path.with_suffix(".png"))
    elif array.shape[-1] == 1:
        tifffile.imwrite(path.with_suffix(".tif"), array[..., 0])
    else:
        settings = {"photometric": "minisblack", "planarconfig": "contig"}
        tifffile.imwrite(path.with_suffix(".tif"), array, **settings)


@pytest.fixture(scope="module")
def data_sets(tmp_path_factory):
    root = tmp_path_factory.mktemp("sets")
    for channels in (RGB_TO_THERMAL, BANDS_TO_RGB):
        for split in ("train", "test"):
            for domain, count in zip("AB", channels, strict=True):
                for index in range(COUNT):
                    path = root / str(channels[0]) / f"{split}{domain}" / str(index)
                    write(path, draw(count, index))
    return root


def name_of(case):
    method, channels = case
    return f"{method}-{channels[0]}to{channels[1]}"


@pytest.fixture(scope="module", params=CASES, ids=name_of)
def finished(request, data_sets, tmp_path_factory):
    """Method, channels, data set, and a run that was continued from its middle."""
    method, channels = request.param
    run_dir = tmp_path_factory.mktemp(method) / "run"
    data_set = data_sets / str(channels[0])
    words = [*TINY, f"--method={method}", f"--dataset={data_set}", f"--run_dir={run_dir}"]
    assert train.main(["train.py", *words]) == 0
    assert train.main(["train.py", *words, "--n_epochs=2"]) == 0
    return method, channels, data_set, run_dir


def test_a_run_is_continued_with_its_channels_and_values(finished):
    _, channels, _, run_dir = finished
    run = Run(run_dir)
    assert run.last_step() == 4
    options = run.saved_options()
    assert (options["input_nc"], options["output_nc"]) == channels
    for name in ("lambda_identity", "nce_identity"):
        assert not options.get(name)
    values = run.saved_facts()["values"]
    deep = values["B" if channels == RGB_TO_THERMAL else "A"]
    assert deep["dtype"] == "uint16"
    assert deep["high"] == pytest.approx(4080, abs=16)
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    with Image.open(max((run_dir / "samples").iterdir())) as grid:
        assert grid.mode == "RGB"


def test_a_run_translates_into_the_channels_and_numbers_of_y(finished, tmp_path):
    method, channels, data_set, run_dir = finished
    ways = [("AtoB", "A", channels[1])]
    if method == "cyclegan":
        ways.append(("BtoA", "B", channels[0]))
    for direction, domain, expected in ways:
        output = tmp_path / direction
        words = [
            f"--model={run_dir}",
            f"--direction={direction}",
            f"--input={data_set / f'test{domain}'}",
            f"--output={output}",
        ]
        assert translate.main(["translate.py", *words]) == 0
        written = sorted(path for path in output.iterdir() if not path.name.startswith("."))
        assert len(written) == COUNT
        picture = read_picture(written[0]).pixels
        assert picture.shape == (SIDE, SIDE, expected)
        assert picture.dtype == np.uint16  # that of deep inputs, or what holds deep numbers


def test_a_run_is_evaluated(finished, tmp_path):
    method, _, _, run_dir = finished
    words = [f"--model={run_dir}", f"--output={tmp_path}", f"--report={tmp_path}/report.html"]
    assert evaluate.main(["evaluate.py", *words, "--metrics=cycle,paired"]) == 0
    content = json.loads((tmp_path / "evaluation.json").read_text())
    names = {measure["name"] for way in content["directions"] for measure in way["measures"]}
    if method == "cyclegan":
        assert "L1 of the cycle" in names
    if method == "pix2pix":
        assert "L1 to the truth" in names
    assert (tmp_path / "report.html").stat().st_size > 10_000


@pytest.mark.release
def test_a_run_is_exported(finished, tmp_path):
    method, channels, _, run_dir = finished
    formats = "saved_model,tflite,onnx" if method in ("cyclegan", "pix2pix") else "saved_model"
    tf.config.run_functions_eagerly(False)
    try:
        words = [f"--run_dir={run_dir}", f"--output={tmp_path / 'export'}", f"--format={formats}"]
        assert export.main(["export.py", *words, "--tflite_variants=fp32"]) == 0
    finally:
        tf.config.run_functions_eagerly(True)
    files = json.loads((tmp_path / "export" / "receipt.json").read_text())["files"]
    assert {file["kind"].split()[0] for file in files} == set(formats.split(","))
    assert all(file["good"] for file in files)
    loaded = tf.saved_model.load(str(tmp_path / "export" / "1"))
    signature = loaded.signatures["translate_float_a_to_b"]
    x = tf.random.stateless_uniform((1, SIDE, SIDE, channels[0]), (1, 2))
    assert signature(images=x)["translations"].shape == (1, SIDE, SIDE, channels[1])


@pytest.mark.parametrize(
    ("method", "word"),
    [("cyclegan", "--lambda_identity=0.5"), ("cut", "--nce_identity")],
)
def test_an_identity_of_other_channels_is_refused_where_it_is_asked_for(
    method, word, data_sets, tmp_path, capsys
):
    words = [*TINY, f"--method={method}", f"--dataset={data_sets / '3'}", word]
    assert train.main(["train.py", *words, f"--run_dir={tmp_path / 'run'}"]) == 2
    error = capsys.readouterr().err
    assert "needs x and y of equal channels, but they have 3 and 1: use --" in error
