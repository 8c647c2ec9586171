"""Evaluation of pictures that are no ordinary RGB: bands, 16 bits, Hounsfield units."""

import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.evaluation import pages
from cyclegan_keras.evaluation.best import score
from cyclegan_keras.evaluation.ground_truth import ground_truth
from cyclegan_keras.evaluation.held_out import pictures_of
from cyclegan_keras.evaluation.protocol import Pictures, evaluate, translate_all
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.values import Values
from cyclegan_keras.images.window import Window
from cyclegan_keras.metrics.paired import paired_error

HOUNSFIELD = Values(dtype="int16", low=-1024, high=3071)
CT = Form(channels=1, values=HOUNSFIELD)
RGB = Form()
HALF = (3071 + 1024) / 2


def arrays(form, count=4, size=16, seed=0):
    """Returns pictures of a form: uint8, or float32 in [-1, 1]."""
    random = np.random.default_rng(seed)
    shape = (count, size, size, form.channels)
    if form.dtype == "uint8":
        return list(random.integers(0, 256, shape, np.uint8))
    return list(random.uniform(-1, 1, shape).astype("float32"))


def first_channel(images):
    return images[..., :1]


def three_channels(images):
    return np.repeat(images, 3, axis=-1)


def test_translations_have_the_form_of_their_domain():
    """What a network returns beyond [-1, 1] is clipped; inputs of 8 bits stay uint8 on return."""
    inputs = arrays(RGB)
    translated, cycled = translate_all(
        lambda x: 2 * first_channel(x),
        lambda y: three_channels(y) / 2,
        inputs,
        title="test",
        source_form=RGB,
        target_form=CT,
    )
    for picture, fake, back in zip(inputs, translated, cycled, strict=True):
        values = picture[..., :1] / np.float32(127.5) - 1
        assert (fake.dtype, back.dtype) == (np.float32, np.uint8)
        np.testing.assert_allclose(fake, np.clip(2 * values, -1, 1), atol=1e-6)
        np.testing.assert_array_equal(back, np.repeat(picture[..., :1], 3, axis=-1))


def test_errors_are_in_the_unit_of_the_target():
    truth = [0.5 * picture for picture in arrays(CT)]
    inputs = [picture - np.float32(0.2) for picture in truth]
    pictures = Pictures(
        inputs=inputs, real=truth, other_real=truth, truth=truth, source_form=CT, target_form=CT
    )
    found = evaluate(
        lambda x: x + 0.1,
        lambda x: x + 0.3,
        pictures,
        source="mr",
        target="ct",
        network=None,
        metrics=["paired", "cycle", "steganography"],
    )
    measures = {measure.name: measure for measure in found.measures}
    error = measures["L1 to the truth"]
    assert error.value == pytest.approx(0.1 * HALF, rel=1e-4)
    assert error.copy_score == pytest.approx(0.2 * HALF, rel=1e-4)
    assert "in units of the pictures, which range from -1024 to 3071" in error.protocol
    signal = measures["PSNR to the truth"]
    assert signal.value == pytest.approx(20 * np.log10(2 / 0.1), rel=1e-4)
    assert "10 log10(4095^2 / mean" in signal.protocol
    assert measures["L1 of the cycle"].value == pytest.approx(0.4 * HALF, rel=1e-4)
    assert "other than 0 to 255 are not kept in files of 8 bits" in found.left_out["steganography"]
    assert score([found]) == pytest.approx(0.5, rel=1e-4)


def test_structural_similarity_of_deep_pictures_equals_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    truth = arrays(CT, count=1)
    pictures = Pictures(
        inputs=truth, real=truth, other_real=truth, truth=truth, source_form=CT, target_form=CT
    )
    found = evaluate(
        lambda x: 0.7 * x,
        None,
        pictures,
        source="a",
        target="b",
        network=None,
        metrics=["paired"],
    )
    a, b = (np.float64(each[0]) * HALF + HALF for each in (found.translated, truth))
    expected = metrics.structural_similarity(
        a,
        b,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=2 * HALF,
        channel_axis=2,
    )
    (likeness,) = [each for each in found.measures if each.name == "SSIM to the truth"]
    assert likeness.value == pytest.approx(expected, abs=1e-6)


def test_there_are_no_copies_between_different_channels():
    inputs = arrays(RGB)
    truth = [first_channel(picture) / np.float32(127.5) - 1 for picture in inputs]
    pictures = Pictures(
        inputs=inputs, real=truth, other_real=truth, truth=truth, source_form=RGB, target_form=CT
    )
    found = evaluate(
        lambda x: np.clip(first_channel(x) + 0.5, -1, 1),
        None,
        pictures,
        source="photo",
        target="ct",
        network=None,
        metrics=["paired"],
    )
    for measure in found.measures:
        assert np.isnan(measure.copy_score)
        assert "Inputs have 3 channels and their counterparts 1" in measure.note
    error = found.measures[0].value
    assert score([found]) == pytest.approx(error / 4095)


@pytest.mark.parametrize("deep_side", ["source", "target"])
def test_copies_are_stretched_to_the_range_of_the_target(deep_side):
    plain = Form(channels=1)
    source, target = (CT, plain) if deep_side == "source" else (plain, CT)
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    exact = {"uint8": levels, "float32": levels / np.float32(127.5) - 1}
    truth = list(exact[target.dtype])
    pictures = Pictures(
        inputs=list(exact[source.dtype]),
        real=truth,
        other_real=truth,
        truth=truth,
        source_form=source,
        target_form=target,
    )
    found = evaluate(
        lambda x: x, None, pictures, source="a", target="b", network=None, metrics=["paired"]
    )
    error = found.measures[0]
    assert error.value == pytest.approx(0, abs=1e-3)
    assert error.copy_score == pytest.approx(0, abs=1e-3)
    assert "is stretched to that of their counterparts" in error.note


def test_copies_keep_their_unit_where_only_the_ranges_differ():
    """A scan from 0 to 100 units beside one from -50 to 150: the same tissue is the same number."""
    source = Form(channels=1, values=Values(dtype="int16", low=0, high=100))
    target = Form(channels=1, values=Values(dtype="int16", low=-50, high=150))
    numbers = (np.arange(256, dtype=np.int16) % 90).reshape(1, 16, 16, 1)
    pictures = Pictures(
        inputs=list(source.values.to_network(numbers)),
        real=list(target.values.to_network(numbers)),
        other_real=list(target.values.to_network(numbers)),
        truth=list(target.values.to_network(numbers + 7)),
        source_form=source,
        target_form=target,
    )
    found = evaluate(
        lambda x: x, None, pictures, source="a", target="b", network=None, metrics=["paired"]
    )
    assert found.measures[0].copy_score == pytest.approx(7, abs=1e-3)
    inputs, truth = pictures.inputs[0], pictures.truth[0]
    error = paired_error(lambda x: x, [(inputs, truth)], target.values, source.values)
    assert error["copied"] == pytest.approx(7, abs=1e-3)


def test_feature_networks_see_views_and_say_so(toy_network):
    bands = Form(channels=4, values=Values(dtype="uint16", low=0, high=65535))
    pictures = Pictures(
        inputs=arrays(bands, 6),
        real=arrays(CT, 6, seed=1),
        other_real=arrays(CT, 6, seed=2),
        source_form=bands,
        target_form=CT,
    )
    found = evaluate(
        first_channel,
        None,
        pictures,
        source="satellite",
        target="map",
        network=toy_network,
        metrics=["kid", "frechet", "perceptual"],
    )
    assert found.measures[0].name == "KID"
    for measure in found.measures:
        assert np.isfinite(measure.value)
        assert (
            "as they are; inputs in 8 bits, 0 as black and 65535 as white; inputs by the first "
            "three of their 4 channels; translations and real pictures in 8 bits, -1024 as black "
            "and 3071 as white;"
        ) in measure.protocol


def test_bands_of_8_bits_cannot_be_written_as_jpeg():
    bands = Form(channels=4)
    pictures = Pictures(
        inputs=arrays(bands),
        real=arrays(bands),
        other_real=arrays(bands),
        source_form=bands,
        target_form=bands,
    )
    found = evaluate(
        lambda x: x * 0.9,
        lambda x: x,
        pictures,
        source="a",
        target="b",
        network=None,
        metrics=["cycle", "steganography"],
    )
    assert found.left_out["steganography"] == (
        "Translations of 4 channels cannot be written as JPEG."
    )
    assert "in gray levels of 255" in found.measures[0].protocol


def test_a_page_shows_views_and_states_their_window(tmp_path, toy_network):
    bands = Form(channels=4)
    pictures = Pictures(
        inputs=arrays(bands),
        real=arrays(CT),
        other_real=arrays(CT),
        truth=arrays(CT, seed=1),
        source_form=bands,
        target_form=CT,
    )
    for network in (None, toy_network):
        found = evaluate(
            first_channel,
            lambda y: np.repeat(y, 4, axis=-1),
            pictures,
            source="satellite",
            target="ct",
            network=network,
            metrics=["paired", "cycle"],
        )
        pages.write_page(
            tmp_path / "report.html",
            [(found, pictures)],
            facts={"model": "mine"},
            curves={},
            network=network,
            count=4,
        )
        page = (tmp_path / "report.html").read_text()
        low, high = Window.of(pictures.real, CT).words.split("..")
        assert f"Pictures of ct are shown with {low} as black and {high} as white." in page
        assert "Of the 4 channels of satellite the first three are shown." in page
        assert page.count("data:image") == 4 * 4


class Data:
    """Stands in for pictures of the forms given; y is half of the first channel of x."""

    name, paired_test = "mine", True

    def __init__(self, x_form, y_form):
        self.forms = {"x": x_form, "y": y_form}
        self.arrays = {"x": arrays(x_form, 4), "y": arrays(y_form, 4, seed=1)}

    def test(self):
        x = np.random.default_rng(0).uniform(-1, 1, (4, 1, 8, 8, self.forms["x"].channels))
        x = x.astype("float32")
        y = x[..., :1] / 2
        return tf.data.Dataset.from_tensor_slices({"x": x, "y": y})

    def unaugmented(self, split, side):
        return Loader(self.arrays[side])


class Loader:
    """Stands in for a loader of pictures."""

    def __init__(self, pictures):
        self.loaded = pictures
        self.pictures = self
        self.names = [f"picture {index}" for index in range(len(pictures))]

    def __len__(self):
        return len(self.loaded)

    def __call__(self, index):
        return self.loaded[index]


class Trainer:
    """Stands in for one that returns the first channel."""

    translators = {"x_to_y": "generator_g"}  # noqa: RUF012

    def translate(self, images, direction):
        return images[..., :1]


def test_ground_truth_of_deep_domains_is_in_their_unit():
    data = Data(CT, CT)
    line = ground_truth(Trainer(), data)
    error = np.mean([np.abs(batch["x"] - batch["y"]) for batch in data.test()]) * HALF
    assert line == (
        f"G on x: the mean error to the true counterparts is {error:.4g} on a scale of -1024 to "
        f"3071; unchanged inputs have {error:.4g}, so it is cut by 0%."
    )


def test_ground_truth_of_inputs_with_other_channels():
    line = ground_truth(Trainer(), Data(RGB, CT))
    assert line.endswith("; inputs, which have other channels, cannot be compared with them.")
    assert "on a scale of -1024 to 3071" in line


def test_pictures_of_a_data_set_know_their_forms():
    found = pictures_of(Data(RGB, CT))
    there, back = found["x_to_y"], found["y_to_x"]
    assert (there.source_form, there.target_form) == (RGB, CT)
    assert (back.source_form, back.target_form) == (CT, RGB)
    assert there.inputs[0].dtype == np.uint8
    assert there.truth[0].dtype == np.float32
