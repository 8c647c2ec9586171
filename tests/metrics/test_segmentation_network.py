import keras
import numpy as np
import pytest
from made_segmentation import color_network, stripes

from cyclegan_keras.files.errors import EvaluationError, MetricError
from cyclegan_keras.metrics.segmentation_network import (
    INPUTS,
    SegmentationNetwork,
    open_segmentation_network,
)

pytestmark = pytest.mark.usefixtures("unoptimized_graphs")
RED, GREEN = (200, 0, 0), (0, 200, 0)


def network_of(model, outputs=2, size=None):
    return SegmentationNetwork(
        model=model, name="x.keras", input="0..255", outputs=outputs, size=size
    )


def classes(network, pictures, sizes=None):
    sizes = sizes or [picture.shape[:2] for picture in pictures]
    found = dict(network.classes(pictures, sizes))
    return [found[index] for index in range(len(pictures))]


@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
def test_inputs_are_those_of_keras_applications(mode):
    levels = np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype("float32")
    expected = keras.applications.imagenet_utils.preprocess_input(levels.copy(), mode=mode)
    name = {"tf": "-1..1"}.get(mode, mode)
    np.testing.assert_allclose(INPUTS[name](levels), expected, atol=1e-4)
    np.testing.assert_array_equal(INPUTS["0..255"](levels), levels)
    np.testing.assert_array_equal(INPUTS["0..1"](levels), levels / 255)


def test_pictures_of_any_size_are_seen_at_their_size():
    pictures = [stripes(RED, GREEN, size) for size in (16, 24, 16)]
    for found, picture in zip(
        classes(network_of(color_network([RED, GREEN])), pictures), pictures, strict=True
    ):
        np.testing.assert_array_equal(found, picture[..., 1] > 0)


def test_scores_are_enlarged_before_the_largest_counts():
    """Between cells of 4 pixels, scores change sign where the stripe ends, in the midst of one."""
    pooled = keras.layers.AveragePooling2D(4)
    model = keras.Sequential([keras.Input((None, None, 3)), pooled, color_network([RED, GREEN])])
    picture = stripes(RED, GREEN, size=12, width=6)
    (found,) = classes(network_of(model), [picture])
    np.testing.assert_array_equal(found, picture[..., 1] > 0)


def test_a_fixed_input_gets_resized_pictures_and_the_map_its_size():
    model = color_network([RED, GREEN], size=(16, 16), activation="softmax")
    picture = stripes(RED, GREEN, 64, width=32)
    (found,) = classes(network_of(model, size=(16, 16)), [picture], [(32, 32)])
    assert found.shape == (32, 32)
    assert (found == (stripes(RED, GREEN, 32, width=16)[..., 1] > 0)).mean() > 0.95


def test_class_numbers_are_taken_as_they_are():
    scores = color_network([RED, GREEN], stride=2)
    numbers = keras.layers.Lambda(lambda x: keras.ops.argmax(x, axis=-1))(scores.output)
    picture = stripes(RED, GREEN)
    (found,) = classes(network_of(keras.Model(scores.input, numbers)), [picture])
    np.testing.assert_array_equal(found, picture[..., 1] > 0)
    with_axis = keras.Model(scores.input, keras.ops.expand_dims(numbers, -1))
    np.testing.assert_array_equal(classes(network_of(with_axis), [picture])[0], found)


def of_layers(*layers):
    return keras.Sequential([keras.Input((None, None, 3)), *layers])


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (lambda: of_layers(keras.layers.Conv2D(1, 1)), "that is no class number"),
        (
            lambda: of_layers(
                keras.layers.Conv2D(1, 1, kernel_initializer="zeros"),
                keras.layers.Rescaling(1, offset=7),
            ),
            "class numbers from 7 to 7, but the class list has 2 classes: expected 0 to 1.",
        ),
        (lambda: of_layers(keras.layers.GlobalAveragePooling2D()), "an array of shape (1, 3)"),
        (
            lambda: of_layers(keras.layers.MaxPooling2D(32)),
            "cannot segment pictures of 16x16:",
        ),
    ],
)
def test_what_a_network_cannot_do_is_a_sentence(model, expected):
    with pytest.raises(MetricError) as raised:
        classes(network_of(model()), [stripes((200, 3, 0), GREEN)])
    assert expected in str(raised.value)
    assert "x.keras" in str(raised.value)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segmentation")
    color_network([RED, GREEN]).save(folder / "any.keras")
    color_network([RED, GREEN, RED], size=(8, 16)).save(folder / "fixed.keras")
    inputs = keras.Input((8, 8, 3))
    code = keras.layers.Lambda(lambda x: x[..., :2])(inputs)
    keras.Model(inputs, code).save(folder / "lambda.keras")
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(folder / "dense.keras")
    of_four = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Conv2D(2, 1)])
    of_four.save(folder / "four.keras")
    (folder / "text.keras").write_text("no model")

    class Own(keras.layers.Layer):
        def call(self, x):
            return x[..., :2]

    keras.Sequential([keras.Input((8, 8, 3)), Own()]).save(folder / "own.keras")
    return folder


def opened(path, **changes):
    options = {"input_numbers": "0..255", "size": None, "scored": 2, "listed": 3}
    options.update(changes)
    return open_segmentation_network(str(path), **options)


def test_files_are_opened(files):
    network = opened(files / "any.keras")
    assert (network.outputs, network.size, network.name) == (2, None, "any.keras")
    assert opened(files / "any.keras", size="32").size == (32, 32)
    assert opened(files / "any.keras", size="64x32").size == (64, 32)
    network = opened(files / "fixed.keras")
    assert (network.outputs, network.size) == (3, (16, 8))  # one for each class that is listed
    assert "resized to 16x8" in network.protocol
    picture = stripes(RED, GREEN)
    assert classes(opened(files / "any.keras"), [picture])[0].tolist() == [[0] * 8 + [1] * 8] * 16


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("any.keras", {"input_numbers": None}, "--segmentation_input is missing"),
        ("any.keras", {"scored": 4, "listed": 5}, "has 4 classes to score, or 5 with the ignored"),
        ("any.keras", {"size": "12x"}, "--segmentation_size=12x: expected WIDTHxHEIGHT"),
        ("any.keras", {"size": "0"}, "--segmentation_size=0: expected WIDTHxHEIGHT"),
        ("fixed.keras", {"size": "8x16"}, "takes pictures of 16x8 only"),
        ("none.keras", {}, "does not exist"),
        ("text.keras", {}, "expected a .keras file"),
        ("lambda.keras", {}, "holds Python code, such as a Lambda layer, which is not executed"),
        ("own.keras", {}, "is built of classes that are not Keras' own"),
        ("dense.keras", {}, "expected one input of pictures"),
        ("four.keras", {}, "takes pictures of 4 channels, expected 1 or 3"),
    ],
)
def test_what_cannot_be_opened_is_a_sentence(name, changes, expected, files):
    with pytest.raises(EvaluationError) as raised:
        opened(files / name, **changes)
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)
