import importlib.util
import io
import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.python.framework import convert_to_constants

from cyclegan_keras.export.receipt import translate_any_size
from cyclegan_keras.export.serving import sentence_of, serving_module
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.weights.keras_example_generator import KerasExampleGenerator

MOST_PIXELS = 3000


def picture(height, width, seed=0):
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    return values.astype("uint8")


def encoded(image, form="PNG", mode="RGB"):
    file = io.BytesIO()
    Image.fromarray(image).convert(mode).save(file, form)
    return file.getvalue()


def decoded(data):
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.fixture(autouse=True)
def keras_settings():
    """Replaces the seeding of every test, at which TensorFlow forgets its compiled graphs."""


@pytest.fixture(scope="module")
def generators():
    keras.utils.set_random_seed(0)
    return {
        "a_to_b": ResNetGenerator(ngf=2, n_blocks=0, init_gain=0.3),
        "b_to_a": UNetGenerator(ngf=2, n_downs=2, norm="instance", init_gain=0.3),
    }


@pytest.fixture(scope="module")
def signatures(generators):
    return serving_module(generators, MOST_PIXELS)[1]


def translate(signatures, files, name="serving_default"):
    return signatures[name](bytes_inputs=tf.constant(files))["image_bytes"].numpy()


def test_signatures(signatures):
    assert set(signatures) == {
        "serving_default",
        "a_to_b",
        "b_to_a",
        "translate_float",
        "translate_float_a_to_b",
        "translate_float_b_to_a",
    }


@pytest.mark.parametrize("direction", ["a_to_b", "b_to_a"])
def test_pictures_of_any_sizes_in_one_batch(direction, signatures, generators):
    images = [picture(16, 24), picture(13, 50), picture(1, 1), picture(2, 9), picture(3, 33)]
    answers = translate(signatures, [encoded(image) for image in images], direction)
    for image, answer in zip(images, answers, strict=True):
        expected = np.round((translate_any_size(generators[direction], image) + 1) * 127.5)
        assert decoded(answer).shape == image.shape
        if image.size > 3:  # a norm makes anything of a single color
            assert np.abs(decoded(answer).astype(int) - expected.clip(0, 255)).max() <= 1


def test_the_default_is_the_first_direction(signatures):
    files = [encoded(picture(16, 16))]
    assert translate(signatures, files) == translate(signatures, files, "a_to_b")
    assert translate(signatures, files) != translate(signatures, files, "b_to_a")


def test_each_answer_is_that_of_its_picture_alone(signatures):
    files = [encoded(picture(8, 12, seed)) for seed in range(3)]
    together = translate(signatures, files)
    assert list(together) == [translate(signatures, [file])[0] for file in files]
    assert len(translate(signatures, np.zeros(0, "S1").astype(object))) == 0


@pytest.mark.parametrize(
    ("form", "mode"),
    [("PNG", "RGB"), ("PNG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("GIF", "P"), ("BMP", "RGB")],
)
def test_formats(form, mode, signatures):
    black = np.random.default_rng(0).integers(0, 2, (16, 12, 1)).astype("uint8")
    image = np.repeat(black * np.uint8(255), 3, axis=2)  # two colors, which any palette has
    answer = translate(signatures, [encoded(image, form, mode), encoded(image)])
    assert decoded(answer[0]).shape == image.shape
    assert np.abs(decoded(answer[0]).astype(int) - decoded(answer[1])).max() <= 1


def test_jpeg(signatures):
    answer = translate(signatures, [encoded(picture(20, 28), "JPEG")])[0]
    assert answer[:4] == b"\x89PNG"
    assert decoded(answer).shape == (20, 28, 3)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP"])
def test_oversized_pictures_are_refused_by_their_header(form, signatures):
    file = encoded(picture(60, 51), form)[:300]  # the rest is not needed for it
    with pytest.raises(tf.errors.InvalidArgumentError, match="Picture 1 has 3060 pixels, expected"):
        translate(signatures, [encoded(picture(8, 8)), encoded(picture(60, 51), form)])
    if form != "GIF":
        with pytest.raises(tf.errors.InvalidArgumentError):
            translate(signatures, [file])


@pytest.mark.parametrize("data", [b"", b"hello", b"x" * 100, b"\x89PNG", b"RIFF" + b"\0" * 40])
def test_other_files_are_named(data, signatures):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Picture 1 is no JPEG, PNG, GIF or B"):
        translate(signatures, [encoded(picture(8, 8)), data])


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP"])
def test_damaged_files_are_invalid_arguments(form, signatures):
    data = encoded(picture(16, 16), form)
    with pytest.raises(tf.errors.InvalidArgumentError):
        translate(signatures, [data[: len(data) // 2]])


def test_floats_between_0_and_1(signatures, generators):
    images = np.random.default_rng(0).uniform(0, 1, (2, 16, 24, 3)).astype("float32")
    found = signatures["translate_float"](images=tf.constant(images))["translations"]
    expected = (np.array(generators["a_to_b"](images * 2 - 1)) + 1) / 2
    np.testing.assert_allclose(found, expected, atol=1e-5)
    found = signatures["translate_float"](images=tf.constant(images[:, :13, :7]))["translations"]
    assert found.shape == (2, 13, 7, 3)


@pytest.mark.parametrize("size", [(60, 61), (0, 8), (8, 0)])
def test_floats_of_other_sizes_are_refused_by_a_sentence(size, signatures):
    with pytest.raises(tf.errors.InvalidArgumentError) as refused:
        signatures["translate_float"](images=tf.zeros((1, *size, 3)))
    sentence = "Expected pictures of 1 to 3000 pixels, received height and width {} {}"
    assert sentence_of(refused.value.message) == sentence.format(*size)


# ---- the float signatures in TensorFlow.js ----


def known_to_tfjs():
    """The operations that the converter takes; it takes assertions out by itself."""
    lines = (pathlib.Path(__file__).parent / "tfjs_operations.txt").read_text().splitlines()
    return {"Assert", *" ".join(lines[1:]).split()}


def operations(signature):
    """What the converter finds, which freezes the variables first, and looks into functions."""
    graph = convert_to_constants.convert_variables_to_constants_v2(signature).graph.as_graph_def()
    bodies = [function.node_def for function in graph.library.function]
    return {node.op for nodes in (graph.node, *bodies) for node in nodes}


def test_float_signatures_hold_operations_of_tfjs_alone(signatures):
    for name in ("translate_float_a_to_b", "translate_float_b_to_a"):
        assert operations(signatures[name]) - known_to_tfjs() == set()


@pytest.mark.release
@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (ResNetGenerator, {"antialias": True, "antialias_up": True}),
        (ResNetGenerator, {"upsample": "resize", "norm": "batch", "padding": "zero"}),
        (ResNetGenerator, {"norm": "batch", "dropout": True, "test_statistics": "picture"}),
        (ResNetGenerator, {"dropout": True, "test_dropout": True, "input_channels": 5}),
        (UNetGenerator, {"n_downs": 6, "dropout": True, "test_dropout": True}),
        (KerasExampleGenerator, {}),
    ],
)
def test_other_float_signatures_do_so_too(kind, arguments):
    if kind is not UNetGenerator:
        arguments = {**arguments, "n_blocks": 1}
    _, signatures = serving_module({"a_to_b": kind(ngf=2, **arguments)}, MOST_PIXELS)
    assert operations(signatures["translate_float_a_to_b"]) - known_to_tfjs() == set()


def test_the_operations_of_tfjs_are_the_installed_converters():
    spec = importlib.util.find_spec("tensorflowjs")
    if spec is None:
        pytest.skip("tensorflowjs is not installed: its list is kept in tfjs_operations.txt")
    found = set()
    for path in (pathlib.Path(spec.origin).parent / "op_list").glob("*.json"):
        found |= {each["tfOpName"] for each in json.loads(path.read_text())}
    assert known_to_tfjs() <= {"Assert", *found}
