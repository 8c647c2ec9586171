import functools
import pathlib

import numpy as np
import pytest
from made_runs import make_run

from cyclegan_keras.export.saved_model import export_saved_model
from cyclegan_keras.files.errors import PictureError, TranslationError
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import build_generator
from cyclegan_keras.translation import opening
from cyclegan_keras.weights.keras_example_generator import KerasExampleGenerator
from cyclegan_keras.weights.networks import save_pth

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
    with pytest.raises(PictureError, match="140 pixels, expected 1 to 130"):
        found["AtoB"](np.zeros((1, 14, 10, 3), "float32"))


@pytest.mark.slow
def test_tflite(tmp_path):
    pytest.importorskip("ai_edge_litert")
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
    assert found[1](larger).shape == larger.shape


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
