"""The translation command on pictures of every depth and number of channels."""

import json
import pathlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from cyclegan_keras.commands import translate
from cyclegan_keras.files.errors import OptionError
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.reading import read_picture
from cyclegan_keras.images.values import EIGHT_BIT, Values, whole_range
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.translation.recipe import Recipe
from cyclegan_keras.translation.translator import Translator

HOUNSFIELD = Values(dtype="int16", low=-1024, high=3071)
SHARE = Values(dtype="float32", low=0, high=1)
MODELS = {
    "photos": (3, EIGHT_BIT),
    "deep": (3, whole_range("uint16")),
    "scans": (1, HOUNSFIELD),
    "shares": (2, SHARE),
    "bands": (5, whole_range("uint16")),
    "rgba": (4, EIGHT_BIT),
}
RANDOM = np.random.default_rng(0)


def run(*words):
    return translate.main(["translate.py", *map(str, words)])


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, (channels, values) in MODELS.items():
        network = ResNetGenerator(
            ngf=2, n_blocks=0, init_gain=0.2, input_channels=channels, output_channels=channels
        )
        network.description = Description.of(
            network, source_values=values, target_values=values, reader_version=2
        )
        network.save(folder / f"{name}.keras")
    return folder


@pytest.fixture
def here(models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("models").symlink_to(models)
    return tmp_path


def swapped_profile():
    """A profile whose red and green are exchanged, so that nobody takes it for sRGB."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def levels(dtype, *shape):
    return RANDOM.integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def save_16_bit_png(path, pixels):
    import imagecodecs

    path.write_bytes(imagecodecs.png_encode(pixels))


# name of the file -> (model, how it is written, its numbers).
PICTURES = {
    "scan.tif": (
        "scans",
        lambda path, x: tifffile.imwrite(path, x[..., 0]),
        RANDOM.integers(-1024, 3072, (9, 12, 1)).astype("int16"),
    ),
    "array.npy": ("shares", np.save, RANDOM.uniform(0, 1, (9, 12, 2)).astype("float32")),
    "deep.png": ("deep", save_16_bit_png, levels("uint16", 9, 12, 3)),
    "bands.tif": (
        "bands",
        lambda path, x: tifffile.imwrite(path, x, photometric="minisblack", planarconfig="contig"),
        levels("uint16", 9, 12, 5),
    ),
    "colors.png": (
        "photos",
        lambda path, x: Image.fromarray(x).save(path),
        levels("uint8", 9, 12, 3),
    ),
    "gray.png": (
        "photos",
        lambda path, x: Image.fromarray(x[..., 0]).save(path),
        levels("uint8", 9, 12, 1),
    ),
    "transparent.png": (
        "rgba",
        lambda path, x: Image.fromarray(x).save(path),
        levels("uint8", 9, 12, 4),
    ),
}


def numbers_in(path):
    """What a file holds, transparency as the last channel, by other libraries."""
    if path.suffix == ".npy":
        pixels = np.load(path)
    elif path.suffix == ".tif":
        pixels = tifffile.imread(path)
    else:
        import imagecodecs

        pixels = imagecodecs.png_decode(path.read_bytes())
    return pixels if pixels.ndim == 3 else pixels[..., None]


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_numbers_come_out_at_strength_0(name, here):
    model, save, pixels = PICTURES[name]
    save(pathlib.Path(name), pixels)
    words = (f"--model=models/{model}.keras", f"--input={name}", f"--output=out/{name}")
    assert run(*words, "--strength=0") == 0
    made = numbers_in(pathlib.Path("out", name))
    assert made.dtype == pixels.dtype
    np.testing.assert_array_equal(made, pixels)


@pytest.mark.parametrize("name", PICTURES)
def test_what_comes_out_is_what_the_network_returns(name, here, models):
    import keras

    model, save, pixels = PICTURES[name]
    channels, values = MODELS[model]
    save(pathlib.Path(name), pixels)
    assert run(f"--model=models/{model}.keras", f"--input={name}", f"--output=out/{name}") == 0
    made = numbers_in(pathlib.Path("out", name)).astype("float64")
    network = keras.saving.load_model(models / f"{model}.keras")
    x = np.broadcast_to(pixels, (*pixels.shape[:2], channels)).astype("float64")
    x = (x - values.low) / (values.high - values.low) * 2 - 1
    # The network takes multiples of 4: its input is mirrored from 9 rows to 12.
    x = np.concatenate([x, x[-2:-5:-1]])
    y = np.asarray(network(x[None].astype("float32"), training=False))[0, :9]
    expected = (y.astype("float64") + 1) / 2 * (values.high - values.low) + values.low
    if pixels.shape[-1] == 1:
        expected = expected @ ([0.299, 0.587, 0.114] if channels == 3 else [1.0])
        expected = expected[..., None]
    tolerance = 1e-5 if values.dtype == "float32" else 1
    np.testing.assert_allclose(made, expected, atol=tolerance)


def test_colors_of_another_profile_come_back_in_it(here):
    pixels = np.repeat(np.repeat(levels("uint8", 3, 4, 3) // 2 + 64, 8, 0), 8, 1)
    profile = swapped_profile()
    Image.fromarray(pixels).save("a.jpg", quality=100, subsampling=0, icc_profile=profile)
    words = ("--model=models/photos.keras", "--input=a.jpg", "--output=b.jpg", "--quality=100")
    assert run(*words, "--strength=0") == 0
    with Image.open("a.jpg") as before, Image.open("b.jpg") as after:
        assert after.info["icc_profile"] == profile
        difference = np.asarray(after).astype(int) - np.asarray(before)
    assert np.abs(difference).max() <= 4  # two JPEG encodings, and there and back


@pytest.mark.slow
def test_names_follow_what_the_model_makes(here, capsys):
    pathlib.Path("in").mkdir()
    Image.fromarray(levels("uint8", 9, 12, 1)[..., 0]).save("in/a.png")
    tifffile.imwrite("in/b.tif", levels("int16", 9, 12) // 16)
    np.savez("in/c.npz", np.float32(levels("uint8", 9, 12)))
    pathlib.Path("in/readme.txt").write_text("no picture")
    words = ("--model=models/scans.keras", "--input=in", "--output=out")
    assert run(*words) == 0
    said = capsys.readouterr().out
    assert "Passed over 1 file of in: 1 text." in said
    made = {
        path.name: read_picture(path).pixels.dtype.name
        for path in pathlib.Path("out").glob("*.*")
        if path.name[0] != "."
    }
    assert made == {"a.png.tif": "int16", "b.tif": "int16", "c.npz.npy": "float32"}
    assert run(*words, "--bit_depth=8") == 2
    assert "bit_depth was None, now 8" in capsys.readouterr().err
    assert run(*words[:2], "--output=looked", "--bit_depth=8", "--format=png") == 0
    record = json.loads(pathlib.Path("looked/.translation.json").read_text())
    assert record["bit_depth"] == 8
    assert read_picture("looked/a.png").pixels.dtype == "uint8"


BAD = {
    "format": (
        ("scans", "a.tif", "out", "--format=png"),
        "--format=png cannot hold what the model makes, 1 channel of -1024 to 3071 (int16)",
    ),
    "ending": (
        ("scans", "a.tif", "b.png"),
        "--output=b.png: expected the ending .tif, .tiff or .npy, for what the model makes, "
        "1 channel of -1024 to 3071 (int16), unless --bit_depth=8 scales it to look at.",
    ),
    "channels": (
        ("photos", "a.tif", "b.tif"),
        "a.tif: It has 5 channels, but the model translates pictures of 3 channels.",
    ),
    "depth": (
        ("scans", "a.tif", "b.tif", "--bit_depth=12"),
        "--bit_depth=12: expected 8, 16 or 32",
    ),
}


@pytest.mark.parametrize(("words", "sentence"), BAD.values(), ids=list(BAD))
def test_what_cannot_be_is_a_sentence(words, sentence, here, capsys):
    bands = levels("int16", 9, 12, 5)
    tifffile.imwrite("a.tif", bands, photometric="minisblack", planarconfig="contig")
    model, source, output, *more = words
    flags = (f"--model=models/{model}.keras", f"--input={source}", f"--output={output}")
    assert run(*flags, *more) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said


def recipe_of(name):
    channels, values = MODELS[name]
    description = Description(
        input_channels=channels,
        output_channels=channels,
        source_values=values,
        target_values=values,
        reader_version=2,
    )
    return Recipe(translator=Translator(lambda x: -x, description))


@pytest.mark.parametrize(("name", "bit_depth"), [("photos", None), ("deep", None), ("scans", 8)])
def test_frames_of_videos_are_levels(name, bit_depth):
    recipe = translate.recipe_of_frames(recipe_of(name))
    assert recipe.bit_depth == bit_depth
    (made,) = recipe([Picture(pixels=levels("uint8", 9, 12, 1))])
    assert made[""].pixels.dtype in ("uint8", "uint16")


def test_a_video_of_bands_is_refused():
    with pytest.raises(OptionError, match="Videos and animations have 1 or 3 channels, but"):
        translate.recipe_of_frames(recipe_of("bands"))


def test_heic_becomes_png(here):
    heif = pytest.importorskip("pillow_heif")
    pixels = np.repeat(np.repeat(levels("uint8", 3, 4, 3), 16, 0), 16, 1)
    pathlib.Path("in").mkdir()
    heif.from_bytes("RGB", (64, 48), pixels.tobytes()).save("in/a.heic", quality=100)
    assert run("--model=models/photos.keras", "--input=in", "--output=out", "--strength=0") == 0
    made = numbers_in(pathlib.Path("out/a.heic.png")).astype(int)
    assert np.abs(made - pixels)[8::16, 8::16].mean() < 8  # HEIC stores colors at half the size
