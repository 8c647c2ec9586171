import functools
import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_files import FOLDER, load_golden, nhwc
from made_runs import make_run

from cyclegan_keras.export.saved_model import export_saved_model
from cyclegan_keras.files.errors import PictureError, TranslationError
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.values import EIGHT_BIT, Values
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import build_generator
from cyclegan_keras.translation import opening
from cyclegan_keras.translation.recipe import translate_picture
from cyclegan_keras.weights.keras_example_generator import KerasExampleGenerator
from cyclegan_keras.weights.networks import save_pth

pytestmark = pytest.mark.usefixtures("unoptimized_graphs")
OPTIONS = NetworkOptions(generator="resnet_3blocks", ngf=2)
PICTURES = np.random.default_rng(0).uniform(-1, 1, (2, 13, 10, 3)).astype("float32")


@functools.cache
def generator(seed=0):
    network = build_generator(OPTIONS)
    random = np.random.default_rng(seed)
    network.set_weights([random.normal(0, 0.3, w.shape) for w in network.get_weights()])
    return network


@functools.cache
def translated(seed=0):
    """The translations of PICTURES by `generator(seed)`."""
    return opening.translator_of(generator(seed))(PICTURES)


def described(network, **fields):
    network.description = Description.of(network, **fields)
    return network


FACTS = {"domains": ["horse", "zebra"], "data": {"name": "h2z"}, "versions": {}}


def test_a_run(tmp_path):
    networks = {
        "generator_g": generator(2),
        "generator_f": generator(1),
        "average_generator_g": generator(0),
    }
    found = opening.open_translators(
        str(make_run(tmp_path / "run", networks, step=40, facts=FACTS))
    )
    assert list(found) == ["AtoB", "BtoA"]
    np.testing.assert_allclose(found["AtoB"](PICTURES), translated(), atol=1e-6)
    description = found["BtoA"].description
    assert description.words == "zebra to horse"
    assert description.step == 40
    assert description.direction == "BtoA"
    assert description.training["data"] == {"name": "h2z"}


def test_a_run_of_the_opposite_direction(tmp_path):
    networks = {"generator_g": generator(0), "generator_f": generator(1)}
    run = make_run(tmp_path / "run", networks, facts=FACTS, direction="BtoA")
    found = opening.open_translators(str(run))
    np.testing.assert_allclose(found["BtoA"](PICTURES), translated(), atol=1e-6)
    assert found["BtoA"].description.words == "horse to zebra"  # facts name x first, here B


def test_files(tmp_path):
    fields = {"direction": "BtoA", "source": "zebra", "target": "horse"}
    described(generator(), **fields).save(tmp_path / "any name.keras")
    (found,) = opening.open_translators(str(tmp_path / "any name.keras")).items()
    assert (found[0], found[1].description.words) == ("BtoA", "zebra to horse")
    save_pth(generator(1), tmp_path / "latest_net_G_B.pth")
    (found,) = opening.open_translators(str(tmp_path / "latest_net_G_B.pth")).items()
    assert (found[0], found[1].description.words) == ("BtoA", "B to A")


def test_of_two_files_of_one_direction_the_second_is_for_the_way_back(tmp_path, caplog):
    for name in ("one.keras", "two.keras"):
        described(generator(), source="horse", target="zebra").save(tmp_path / name)
    found = opening.open_generators(f"{tmp_path}/one.keras,{tmp_path}/two.keras")
    assert list(found) == ["AtoB", "BtoA"]
    assert found["BtoA"].description.direction == "BtoA"
    assert "both generators were trained AtoB. The second is taken for BtoA." in caplog.text


def test_a_network_of_another_program_is_a_sentence(tmp_path):
    image = keras.Input((8, 8, 3))
    keras.Model(image, keras.layers.Conv2D(1, 1)(image)).save(tmp_path / "generator_g.keras")
    with pytest.raises(TranslationError, match="a Functional from 3 to 1 channels"):
        opening.open_translators(str(tmp_path / "generator_g.keras"))


def test_a_training_state_of_lightning():
    file = FOLDER / "checkpoints" / "lightning_ngf2.ckpt"
    expected = load_golden("checkpoints/nearest_expected.npz")
    x = nhwc(expected["x0"])
    found = opening.open_translators(str(file))
    (one,) = opening.open_translators(f"{file}@generator_B2A").items()
    for direction, translator, name in (
        ("AtoB", found["AtoB"], "generator_A2B"),
        ("BtoA", found["BtoA"], "generator_B2A"),
        (*one, "generator_B2A"),
    ):
        assert translator.description.direction == direction
        np.testing.assert_allclose(translator(x), nhwc(expected[name]), atol=2e-5)


@pytest.mark.slow
def test_a_saved_model_of_both_directions(tmp_path):
    small = {name: ResNetGenerator(ngf=2, n_blocks=0) for name in ("a_to_b", "b_to_a")}
    described(small["a_to_b"], source="x")
    generators = {name: network.description.to_dict() for name, network in small.items()}
    folder = tmp_path / "export" / "10"
    export_saved_model(
        small,
        folder,
        description={"generators": generators},
        warmup_size=16,
        max_image_pixels=130,
    )
    older = folder.with_name("9")
    older.mkdir()
    (older / "saved_model.pb").touch()  # never opened
    assert opening._saved_model(folder) == folder
    found = opening.open_translators(str(tmp_path / "export"))
    assert list(found) == ["AtoB", "BtoA"]
    expected = opening.translator_of(small["b_to_a"])(PICTURES)
    np.testing.assert_allclose(found["BtoA"](PICTURES), expected, atol=1e-5)
    assert found["AtoB"].description.source == "x"
    with pytest.raises(PictureError, match=r"1 to 130 pixels, received height and width 14 10\)"):
        found["AtoB"](np.zeros((1, 14, 10, 3), "float32"))


HOUNSFIELD = Values(dtype="int16", low=-1024, high=3071)
BANDS = {
    "input_channels": 5,
    "output_channels": 2,
    "target_values": HOUNSFIELD,
    "reader_version": 2,
}


@pytest.mark.parametrize("says_channels", [True, False])
def test_a_saved_model_of_bands_and_hounsfield_units(says_channels, tmp_path):
    """Its float signature takes and returns 0 to 1 of the range."""

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 5), name="images")])
    def halve(images):
        return {"translations": images[..., :2] / 2}

    tf.saved_model.save(tf.Module(), tmp_path / "1", {"translate_float_a_to_b": halve})
    told = Description(**BANDS).to_dict()
    if not says_channels:
        del told["input_channels"], told["output_channels"]
    extra = tmp_path / "1" / "assets.extra"
    extra.mkdir()
    (extra / "model.json").write_text(json.dumps({"generators": {"a_to_b": told}}))
    (translator,) = opening.open_translators(str(tmp_path)).values()
    description = translator.description
    assert (description.input_channels, description.output_channels) == (5, 2)
    assert (description.source_values, description.target_values) == (EIGHT_BIT, HOUNSFIELD)
    assert description.reader_version == 2
    pixels = np.random.default_rng(0).integers(0, 256, (7, 9, 5)).astype("uint8")
    made = translate_picture(translator, Picture(pixels=pixels)).pixels
    assert made.dtype == "int16"
    expected = pixels[..., :2] / 255 / 2 * 4095 - 1024
    np.testing.assert_allclose(made, expected, atol=0.51)


@pytest.mark.slow
def test_tflite_of_bands(tmp_path):
    pytest.importorskip("ai_edge_litert")
    from cyclegan_keras.export.tflite import export_tflite

    network = ResNetGenerator(ngf=2, n_blocks=0, init_gain=0.2, input_channels=5, output_channels=2)
    described(network, target_values=HOUNSFIELD, reader_version=2)
    metadata = {"direction": "a_to_b", "generator": network.description.to_dict()}
    (path,) = export_tflite(
        network, tmp_path, "g", size=(16, 12), variants=["fp32"], metadata=metadata
    ).values()
    (translator,) = opening.open_translators(str(path)).values()
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 13, 10, 5)).astype("float32")
    assert translator.description.target_form == Form(channels=2, values=HOUNSFIELD)
    expected = opening.translator_of(network)(pictures)
    np.testing.assert_allclose(translator(pictures), expected, atol=1e-5)
    larger = np.repeat(np.repeat(pictures, 3, axis=1), 3, axis=2)
    assert translator(larger).shape == (2, 39, 30, 2)


@pytest.mark.slow
def test_tflite(tmp_path):
    pytest.importorskip("ai_edge_litert")
    from cyclegan_keras.export import tflite_run
    from cyclegan_keras.export.tflite import export_tflite

    network = described(generator(), direction="BtoA", source="zebra", target="horse")
    metadata = {"direction": "b_to_a", "generator": network.description.to_dict()}
    (path,) = export_tflite(
        network, tmp_path, "g", size=(16, 12), variants=["fp32"], metadata=metadata
    ).values()
    (found,) = opening.open_translators(str(path)).items()
    assert (found[0], found[1].description.words) == ("BtoA", "zebra to horse")
    # Both mirror the pictures up to 16x12.
    np.testing.assert_allclose(found[1](PICTURES), translated(), atol=1e-5)
    larger = np.repeat(np.repeat(PICTURES, 3, axis=1), 3, axis=2)
    alone = tflite_run.translate_batch(tflite_run.open_model(path), larger)
    np.testing.assert_array_equal(found[1](larger), alone)


@pytest.mark.parametrize(
    ("arguments", "tiles", "most"),
    [
        ({"tile_size": 8}, 8, 64),
        ({"max_memory_mb": 1}, 72, 1e6 / 48),
        ({"max_memory_mb": 1000}, 1024, 1e9 / 48),
    ],
)
def test_memory_decides_about_tiles(arguments, tiles, most):
    translator = opening.translator_of(generator(), **arguments)
    assert translator._tiled.tile_size == tiles
    assert translator.most_pixels == int(most)


def test_tiles_give_the_same():
    tiled = opening.translator_of(generator(), tile_size=8)(PICTURES)
    np.testing.assert_allclose(tiled, translated(), atol=1e-4)


def test_tiles_of_bands_give_the_same():
    network = ResNetGenerator(ngf=2, n_blocks=1, init_gain=0.2, input_channels=5, output_channels=5)
    described(network, source_values=HOUNSFIELD, target_values=HOUNSFIELD, reader_version=2)
    random = np.random.default_rng(0)
    bands = Picture(pixels=random.integers(-1024, 3072, (37, 26, 5)).astype("int16"))
    whole = translate_picture(opening.translator_of(network), bands).pixels
    tiled = translate_picture(opening.translator_of(network, tile_size=16), bands).pixels
    assert whole.dtype == "int16"
    assert np.ptp(whole) > 100
    np.testing.assert_allclose(tiled, whole, atol=1)


def test_what_cannot_be_tiled_runs_at_once():
    network = KerasExampleGenerator(ngf=2, n_blocks=1)
    assert opening.translator_of(network)(PICTURES).shape == PICTURES.shape
    with pytest.raises(TranslationError, match="cannot be run in tiles"):
        opening.translator_of(network, tile_size=64)


def broken(path: pathlib.Path, content: bytes) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p / "nowhere", "nowhere does not exist: give a run"),
        (lambda p: broken(p / "1" / "saved_model.pb", b"x").parent, "cannot be read as an export"),
        (lambda p: broken(p / "x.tflite", b"x"), "no TFLite file|pip install"),
        (lambda p: p / "none.tflite", "is not a file|pip install"),
        (lambda p: PatchDiscriminator(ndf=2).save(q := p / "discriminator_x.keras") or q, "no gen"),
    ],
)
def test_errors(make, words, tmp_path):
    with pytest.raises(TranslationError, match=words):
        opening.open_translators(str(make(tmp_path)))


def test_a_generator_that_is_already_described_keeps_its_words():
    network = described(ResNetGenerator(ngf=2, n_blocks=0), source="day", target="night")
    assert opening.translator_of(network).description.words == "day to night"
