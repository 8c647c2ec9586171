"""Every kind of teacher becomes smaller, and what comes of it is used like any run."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tifffile
from made_runs import make_run
from PIL import Image
from tiny_compressions import TINY, keep_small, run

from cyclegan_keras.commands import evaluate, export, translate
from cyclegan_keras.compression.receipt_files import read_receipt
from cyclegan_keras.images.reading import read_picture
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import build_discriminator, build_generator
from cyclegan_keras.runs.networks import networks_of_run
from cyclegan_keras.runs.run import Run
from cyclegan_keras.weights.networks import load_network
from pipelines.data import Data
from pipelines.options import DataOptions
from pipelines.sources import scans

pytestmark = [
    pytest.mark.slow,  # whole commands
    pytest.mark.release,
]

SIDE = 16  # px
RESNET = {"generator": "resnet_2blocks", "ngf": 8, "discriminator": "pixel", "ndf": 2}
UNET = {
    "generator": "unet_8",
    "ngf": 4,
    "norm": "batch",
    "test_statistics": "picture",
    "dropout": True,
    "test_dropout": True,
    "discriminator": "pixel",
    "ndf": 2,
}
OF_CUT = {**RESNET, "antialias": True, "antialias_up": True, "init_type": "xavier"}
BOTH_WAYS = ("generator_g", "generator_f")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """A training whose generators are compressed.

    Attributes:
        method: of the training.
        dataset: of the training; "thermal" is the folder of pictures of 3 and 1 channels.
        networks: options of its networks.
        roles: of its generators.
        direction: of the training.
        words: options of the compression, beside the tiny ones.
        metric: by which the students are evaluated.
    """

    method: str
    dataset: str
    networks: dict
    roles: tuple[str, ...] = ("generator_g",)
    direction: str = "AtoB"
    words: tuple[str, ...] = ()
    metric: str = "paired"


KINDS = {
    "pix2pix": Kind(
        method="pix2pix",
        dataset="demo/pony_pairs",
        networks=UNET,
        words=("--shape=2", "--steps=2"),
    ),
    "pix2pix back": Kind(
        method="pix2pix",
        dataset="demo/pony_pairs",
        networks=UNET,
        direction="BtoA",
        words=("--shape=2", "--gan", "--steps=3"),
    ),
    "cut": Kind(method="cut", dataset="demo/ponies", networks=OF_CUT),
    "scans": Kind(method="cyclegan", dataset="demo/scans", networks=RESNET, roles=BOTH_WAYS),
    "color to gray": Kind(
        method="cyclegan",
        dataset="thermal",
        networks=RESNET,
        roles=BOTH_WAYS,
        metric="cycle",
    ),
    "trained back": Kind(
        method="cyclegan",
        dataset="demo/ponies",
        networks=RESNET,
        roles=BOTH_WAYS,
        direction="BtoA",
        words=("--gan", "--steps=3"),
    ),
}


@pytest.fixture(scope="module", autouse=True)
def small(small_and_without_graphs):
    """Few pictures, nothing exported, no features computed."""
    with pytest.MonkeyPatch.context() as patch:
        keep_small(patch)
        patch.setattr(scans, "TEST_COUNT", 4)
        patch.setattr(scans, "TRAIN_COUNT", 12)
        yield


@pytest.fixture(scope="module")
def thermal(tmp_path_factory):
    """A folder whose pictures of A have three channels, and those of B one of 12 bits."""
    root = tmp_path_factory.mktemp("thermal")
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        for domain in "AB":
            folder = root / f"{split}{domain}"
            folder.mkdir()
            for index in range(4):
                if domain == "A":
                    pixels = random.integers(0, 256, (SIDE, SIDE, 3), "uint8")
                    Image.fromarray(pixels).save(folder / f"{index}.png")
                else:
                    pixels = random.integers(0, 4096, (SIDE, SIDE), "uint16")
                    tifffile.imwrite(folder / f"{index}.tif", pixels)
    return root


@pytest.fixture(scope="module", params=KINDS)
def finished(request, thermal, tmp_path_factory):
    """A kind, the run that was compressed, and that of the students."""
    kind = KINDS[request.param]
    folder = tmp_path_factory.mktemp("kind")
    teacher = untrained_run(folder / "teacher", kind, thermal)
    run_dir = folder / "small"
    assert run(f"--model={teacher}", f"--run_dir={run_dir}", *TINY, *kind.words) == 0
    return kind, teacher, run_dir


def untrained_run(folder, kind, thermal):
    """Writes a run as a training leaves it, but for the training."""
    keras.utils.set_random_seed(0)
    data = Data(
        DataOptions(
            dataset=str(thermal) if kind.dataset == "thermal" else kind.dataset,
            direction=kind.direction,
            preprocess="crop",
            crop_size=SIDE,
        ),
        seed=0,
        paired=kind.method == "pix2pix",
    )
    channels = {side: data.shapes[side][-1] for side in ("x", "y")}
    options = NetworkOptions(init_gain=0.3, **kind.networks)
    networks = {}
    for role in kind.roles:
        source, target = ("x", "y") if role == "generator_g" else ("y", "x")
        networks[role] = build_generator(
            options, role, input_channels=channels[source], output_channels=channels[target]
        )
        seen = channels[target]
        if kind.method == "pix2pix":
            seen += channels[source]
        judge = f"discriminator_{target}"
        networks[judge] = build_discriminator(options, judge, input_channels=seen)
    return make_run(
        folder,
        networks,
        facts=data.facts(),
        method=kind.method,
        **vars(data.options),
        **vars(options),
    )


def test_students_are_those_of_their_teachers(finished):
    kind, teacher, run_dir = finished
    teachers = networks_of_run(teacher).networks
    students = networks_of_run(run_dir).networks
    assert {role for role in students if role.startswith("generator")} == set(kind.roles)
    for role in kind.roles:
        student, original = students[role], teachers[role]
        assert type(student) is type(original)
        assert student.ngf < original.ngf
        assert student.input_shape == original.input_shape
        assert student.output_shape == original.output_shape
        for name in ("direction", "source", "target", "source_values", "target_values"):
            assert getattr(student.description, name) == getattr(original.description, name)
        of_file = load_network(run_dir / f"{role}.keras")
        assert of_file.description.source_form == original.description.source_form
        assert of_file.description.target_form == original.description.target_form


def test_the_receipt_knows_every_direction(finished):
    kind, _, run_dir = finished
    receipt = read_receipt(run_dir)
    first = "a_to_b" if kind.direction == "AtoB" else "b_to_a"
    signatures = {each.signature for each in receipt.directions}
    assert signatures == ({"a_to_b", "b_to_a"} if len(kind.roles) == 2 else {first})
    for direction in receipt.directions:
        likeness = direction.quality.of("student")
        assert np.isfinite(likeness.psnr_db.value)
        assert direction.quality.count == 4
        assert (direction.quality.of("copy") is None) == (kind.dataset == "thermal")
    text = (run_dir / "receipt.md").read_text()
    assert "nan" not in text.lower().replace("nano", "")
    assert (run_dir / "before_after.png").exists()


def test_students_translate_and_are_evaluated(finished, tmp_path):
    kind, _, run_dir = finished
    data = Run(run_dir).saved_options()
    for role in kind.roles:
        student = networks_of_run(run_dir).networks[role]
        description = student.description
        path = picture_for(description, tmp_path)
        output = tmp_path / f"{role}{path.suffix}"
        words = [f"--model={run_dir}", f"--direction={description.direction}"]
        words += [f"--input={path}", f"--output={output}"]
        assert translate.main(["translate.py", *words]) == 0
        pixels = read_picture(output).pixels
        assert pixels.shape == (20, 24, student.output_shape[-1])
    words = [f"--model={run_dir}", f"--metrics={kind.metric}", "--part=all"]
    words.append(f"--output={tmp_path / 'measured'}")
    assert evaluate.main(["evaluate.py", *words]) == 0
    content = json.loads((tmp_path / "measured" / "evaluation.json").read_text())
    measures = [measure for way in content["directions"] for measure in way["measures"]]
    assert measures
    assert all(np.isfinite(measure["value"]) for measure in measures)
    assert data["direction"] == kind.direction


def test_students_are_exported(finished, tmp_path):
    kind, _, run_dir = finished
    tf.config.run_functions_eagerly(False)
    try:
        words = [f"--run_dir={run_dir}", f"--output={tmp_path / 'export'}", "--format=tflite"]
        exit_code = export.main(["export.py", *words, "--tflite_variants=dynamic"])
    finally:
        tf.config.run_functions_eagerly(True)
    files = json.loads((tmp_path / "export" / "receipt.json").read_text())["files"]
    assert len(files) == len(kind.roles)
    # Of networks that nobody has trained, not every one is as near as trained ones are.
    assert exit_code == (0 if all(file["good"] for file in files) else 1)
    assert all(file["psnr_db"] > 33 for file in files)


def test_pictures_of_unequal_sizes_and_fewer_than_a_batch(tmp_path):
    ResNetGenerator(ngf=8, n_blocks=2, init_gain=0.3).save(tmp_path / "g.keras")
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(0)
    for index, (width, height) in enumerate([(70, 40), (50, 90), (70, 40)]):
        pixels = random.integers(0, 256, (height, width, 3), "uint8")
        Image.fromarray(pixels).save(folder / f"{index}.png")
    words = [word for word in TINY if not word.startswith("--batch_size")]
    words += [f"--model={tmp_path / 'g.keras'}", f"--pictures={folder}", "--patch_size=32"]
    assert run(*words, f"--run_dir={tmp_path / 'small'}") == 0
    options = Run(tmp_path / "small").saved_options()
    assert options["batch_size"] == 4  # the default: a picture has many crops
    receipt = read_receipt(tmp_path / "small")
    assert receipt.directions[0].quality.count == 1
    words = [f"--model={tmp_path / 'small'}", f"--input={folder}", f"--output={tmp_path / 'out'}"]
    assert translate.main(["translate.py", *words]) == 0
    for path in folder.iterdir():
        with Image.open(path) as before, Image.open(tmp_path / "out" / path.name) as after:
            assert before.size == after.size


def picture_for(description, folder):
    """Writes a picture that a network translates, of an odd size; returns its path."""
    form = description.source_form
    random = np.random.default_rng(1)
    if form.channels == 3:
        path = folder / "picture.png"
        Image.fromarray(random.integers(0, 256, (20, 24, 3), "uint8")).save(path)
        return path
    path = folder / "picture.tif"
    low, high = (0, 4096) if str(form.values.dtype) == "uint16" else (-1000, 3000)
    tifffile.imwrite(path, random.integers(low, high, (20, 24)).astype(form.values.dtype))
    return path
