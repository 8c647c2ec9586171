import collections
import sys

import keras
import numpy as np
import pytest

from cyclegan_keras.export import tflite
from cyclegan_keras.export.options import ExportOptions
from cyclegan_keras.files.errors import ExportError
from cyclegan_keras.images.values import Values
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.weights.keras_example_generator import KerasExampleGenerator

SIZE = (16, 24)
BATCH = 2


def pictures(count=3):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (20, 30, 3)).astype("uint8") for _ in range(count)]


def psnr(expected, found):
    return 10 * np.log10(4 / np.mean((expected - found) ** 2))


@pytest.fixture(scope="module")
def generator():
    keras.utils.set_random_seed(0)  # whatever tests came before
    return ResNetGenerator(ngf=8, n_blocks=1, norm="instance_affine", init_gain=0.05)


@pytest.fixture(scope="module")
def files(generator, tmp_path_factory):
    pytest.importorskip("ai_edge_quantizer")
    return tflite.export_tflite(
        generator,
        tmp_path_factory.mktemp("tflite"),
        "generator_g",
        size=SIZE,
        batch=BATCH,
        calibration=pictures(),
        metadata={"domains": ["horses", "zebras"]},
    )


@pytest.fixture(scope="module")
def run():
    return pytest.importorskip("cyclegan_keras.export.tflite_run")


@pytest.mark.slow
@pytest.mark.parametrize("variant", tflite.VARIANTS)
def test_translates_as_keras(variant, generator, files, run):
    """Also of three pictures, of which the file takes two at a time."""
    inputs = [tflite._calibration_input(each, *SIZE) for each in pictures()]
    x = np.concatenate(inputs)
    x = np.float32(np.round((x + 1) * 127.5)) / np.float32(127.5) - 1  # what uint8 can say
    y = run.run(run.open_model(files[variant]), x)
    expected = np.asarray(generator(x))
    assert y.shape == (3, *SIZE, 3)
    for one, found in zip(expected, y, strict=True):
        assert np.std(one) > 0.1
        assert psnr(one, found) >= tflite.LEAST_PSNR_DB[variant]


@pytest.mark.slow
@pytest.mark.parametrize("variant", tflite.VARIANTS)
def test_names_types_and_metadata(variant, files, run):
    assert files[variant].name == f"generator_g_{variant}.tflite"
    interpreter = run.open_model(files[variant])
    runner = interpreter.get_signature_runner("translate")
    dtype = {"uint8": np.uint8, "integer": np.int16}.get(variant, np.float32)
    tensors = (runner.get_input_details()["image"], runner.get_output_details()["translation"])
    for details in tensors:
        assert details["dtype"] == dtype
        assert tuple(details["shape"]) == (BATCH, *SIZE, 3)
    metadata = run.read_metadata(files[variant])
    assert metadata["variant"] == variant
    assert (metadata["height"], metadata["width"], metadata["batch"]) == (*SIZE, BATCH)
    assert metadata["domains"] == ["horses", "zebras"]
    assert metadata["range"] == ([0, 255] if variant == "uint8" else [-1, 1])


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["fp16", "dynamic"])
def test_long_metadata_of_a_large_model(variant, tmp_path, run):
    """The quantizer moves long buffers of models beyond 256 kB behind the flatbuffer."""
    note = "x" * 3000
    paths = tflite.export_tflite(
        ResNetGenerator(ngf=16, n_blocks=5),
        tmp_path,
        "g",
        size=16,
        variants=[variant],
        metadata={"note": note},
    )
    assert paths[variant].stat().st_size > 2**18
    assert run.read_metadata(paths[variant])["note"] == note


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["fp32", "fp16", "dynamic", "uint8", "int8"])
def test_one_partition(variant, files, run):
    names = [op["op_name"] for op in run.open_model(files[variant])._get_ops_details()]
    assert names.count("DELEGATE") == 1


@pytest.mark.slow
def test_integer_holds_no_float(files, run):
    details = run.open_model(files["integer"]).get_tensor_details()
    types = collections.Counter(each["dtype"].__name__ for each in details)
    assert set(types) <= {"int8", "int16", "int32", "int64"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "arguments", "size"),
    [
        (UNetGenerator, {"n_downs": 3}, 16),
        (UNetGenerator, {"n_downs": 3, "norm": "instance"}, 16),
        (KerasExampleGenerator, {"n_blocks": 1}, 16),
        (ResNetGenerator, {"n_blocks": 1, "antialias": True, "antialias_up": True}, 16),
        (ResNetGenerator, {"n_blocks": 1, "upsample": "resize", "norm": "batch"}, (16, 24)),
    ],
)
def test_other_networks(kind, arguments, size, tmp_path, run):
    generator = kind(ngf=4, **arguments)
    height, width = (size, size) if isinstance(size, int) else size
    x = np.random.default_rng(0).uniform(-1, 1, (3, height, width, 3)).astype("float32")
    paths = tflite.export_tflite(generator, tmp_path, "g", size=size, batch=3, variants=["fp32"])
    interpreter = run.open_model(paths["fp32"])
    np.testing.assert_allclose(run.run(interpreter, x), generator(x, training=False), atol=1e-4)
    if kind is not KerasExampleGenerator:
        names = [op["op_name"] for op in interpreter._get_ops_details()]
        assert names.count("DELEGATE") == 1


@pytest.mark.slow
@pytest.mark.process
def test_every_variant_and_size_is_compared_with_keras_and_measured(make_job, tmp_path, run):
    job = make_job(tmp_path, tflite_size="8,12x16", tflite_variants="fp32", tflite_batch=2)
    exported = tflite.write_tflite(job)
    names = [
        "generator_g_fp32_8.tflite",
        "generator_g_fp32_12x16.tflite",
        "generator_f_fp32_8.tflite",
        "generator_f_fp32_12x16.tflite",
    ]
    assert [each.path for each in exported] == [tmp_path / "tflite" / name for name in names]
    assert [each.facts["size"] for each in exported] == [8, "12x16", 8, "12x16"]
    for each in exported:
        height, width = (8, 8) if each.facts["size"] == 8 else (12, 16)
        assert (each.facts["height"], each.facts["width"]) == (height, width)
        assert each.facts["batch"] == 2
        assert each.kind == "tflite fp32"
        assert each.is_good
        assert each.facts["bytes"] == each.path.stat().st_size
        assert each.facts["latency_ratio"] > 0
        assert [sample.shape for sample in each.samples] == [(height, width, 3)] * 2
        metadata = run.read_metadata(each.path)
        assert metadata["direction"] == each.direction.signature
        assert metadata["licence"] == "CC0"
        assert metadata["generator"]["size_multiple"] == 4


@pytest.mark.parametrize(
    ("text", "size"), [("256", (256, 256)), ("480x640", (480, 640)), (" 480 X 4096 ", (480, 4096))]
)
def test_sizes(text, size):
    assert tflite.parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "big", "0", "-8", "8x", "x8", "8x0", "1x2x3", "4097", "8x4097", "8*8", "1.5"]
)
def test_what_is_no_size_is_a_sentence(text):
    sentence = "expected sides of 1 to 4096 pixels, one for a square or height x width"
    with pytest.raises(ExportError, match=sentence):
        tflite.parse_size(text)


TWELVE_BIT = Values(dtype="uint16", low=0, high=4095)


def twelve_bit_generator():
    generator = ResNetGenerator(
        ngf=4, n_blocks=1, init_gain=0.2, input_channels=1, output_channels=1
    )
    generator.description = Description.of(
        generator,
        source_values=TWELVE_BIT,
        target_values=TWELVE_BIT,
        training={"options": {"dataset": "/data/alice/slices", "crop_size": 16}},
    )
    return generator


@pytest.mark.slow
def test_twelve_bits_are_kept(tmp_path, run):
    """What the file adds to the network's own error is less than a level of 4095."""
    generator = twelve_bit_generator()
    (path,) = tflite.export_tflite(
        generator, tmp_path, "g", size=16, variants=["fp32"], calibration=None
    ).values()
    numbers = np.random.default_rng(0).integers(0, 4096, (1, 16, 16, 1)).astype("uint16")
    x = TWELVE_BIT.to_network(numbers)
    found = run.run(run.open_model(path), x)
    assert found.shape == (1, 16, 16, 1)
    np.testing.assert_allclose(found, generator(x), rtol=0, atol=2 / 4095)
    metadata = run.read_metadata(path)
    assert metadata["generator"]["source_values"] == TWELVE_BIT.to_dict()
    assert metadata["generator"]["input_channels"] == 1
    # Whoever is given the file learns nothing of the machine that it was made on.
    assert metadata["generator"]["training"]["options"] == {"dataset": "slices", "crop_size": 16}


@pytest.mark.slow
def test_deep_pictures_calibrate(tmp_path, run):
    pytest.importorskip("ai_edge_quantizer")
    generator = twelve_bit_generator()
    rng = np.random.default_rng(0)
    pictures = [rng.uniform(-1, 1, (20, 30, 1)).astype("float32") for _ in range(3)]
    paths = tflite.export_tflite(
        generator, tmp_path, "g", size=16, variants=["int8"], calibration=pictures
    )
    x = tflite._calibration_input(pictures[0], height=16, width=16)
    found = run.run(run.open_model(paths["int8"]), x)
    assert psnr(np.asarray(generator(x)), found) >= tflite.LEAST_PSNR_DB["int8"]


def test_sizes_and_variants_count_once():
    options = ExportOptions(tflite_size="64,64x64,64x96", tflite_variants="fp32, fp16,fp32")
    assert tflite.chosen_sizes(options) == [(64, 64), (64, 96)]
    assert tflite.chosen_variants(options) == ["fp32", "fp16"]


def test_levels_of_8_bits_alone_have_a_variant_of_them(caplog):
    description = twelve_bit_generator().description
    assert tflite.variants_for(description, ["fp32", "uint8"]) == ["fp32"]
    assert "uint8 is left out: it holds the levels 0 to 255 alone" in caplog.text
    with pytest.raises(ExportError, match="uint8 cannot be written"):
        tflite.variants_for(description, ["uint8"])
    assert tflite.variants_for(Description(), ["fp32", "uint8"]) == ["fp32", "uint8"]


def test_both_sides_are_in_the_name_where_they_differ(tmp_path):
    generator = UNetGenerator(ngf=2, n_downs=2, norm="none")
    (path,) = tflite.export_tflite(
        generator, tmp_path, "g", size=(8, 12), variants=["fp32"], sized_names=True
    ).values()
    assert path.name == "g_fp32_8x12.tflite"


@pytest.mark.slow
@pytest.mark.process
def test_facts_of_a_file(files, generator, run):
    x = np.random.default_rng(0).uniform(-1, 1, (1, *SIZE, 3)).astype("float32")
    y = np.asarray(generator(x))
    references = [(x, y), (x, y + 0.1)]
    measured = tflite.measure(files["fp32"], references, repeats=2, baseline=generator)
    facts = measured.facts
    assert facts["bytes"] == files["fp32"].stat().st_size
    assert facts["partitions"] == 1
    assert facts["operations"]["CONV_2D"] == 14  # 2 x 4 of the steps up
    assert "DELEGATE" not in facts["operations"]
    assert facts["latency_ms"] > 0
    assert facts["latency_ratio"] > 0
    assert facts["psnr_db"] == pytest.approx(26, abs=0.1)  # the worse one: 10 log10(4 / 0.1**2)
    assert facts["max_abs_error"] == pytest.approx(0.1, abs=1e-3)
    np.testing.assert_allclose(measured.translations[0], y, atol=1e-4)


@pytest.mark.slow
def test_milliseconds(files, run):
    found = tflite.milliseconds(files["uint8"], rounds=7)
    assert len(found) == 7
    assert all(ms > 0 for ms in found)
    assert len(tflite.milliseconds(files["integer"], seconds=0)) == 5


def test_a_file_that_cannot_run(tmp_path, run):
    with pytest.raises(ExportError, match="is not a file"):
        tflite.measure(tmp_path / "x.tflite", [])
    with pytest.raises(ExportError, match="is not a file"):
        tflite.milliseconds(tmp_path / "x.tflite")


def test_count_is_arithmetic():
    conv = keras.layers.Conv2D(5, 3, padding="same")
    up = keras.layers.Conv2DTranspose(2, 4, 2, padding="same")
    model = keras.Sequential([keras.Input((8, 6, 3)), conv, up])
    counted = tflite.count(model, 8, 6)
    assert counted["parameters"] == (27 * 5 + 5) + (16 * 5 * 2 + 2)
    assert counted["macs"] == 8 * 6 * 27 * 5 + 8 * 6 * 5 * 16 * 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"variants": ["fp8"]}, "no TFLite variant 'fp8': expected some of fp32, fp16"),
        ({"variants": ["int8"]}, "int8 needs pictures of the training set"),
        ({"variants": ["fp32"], "size": 18}, "no pictures of 18x18"),
    ],
)
def test_errors_are_sentences(arguments, sentence, generator, tmp_path):
    with pytest.raises(ExportError, match=sentence):
        tflite.export_tflite(generator, tmp_path, "g", **arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_missing_quantizer_is_a_sentence(generator, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer", None)
    with pytest.raises(ExportError, match=r'pip install "cyclegan-keras\[export\]"'):
        tflite.export_tflite(generator, tmp_path, "g", size=8, variants=["fp32", "dynamic"])
    assert [path.name for path in tmp_path.iterdir()] == ["g_fp32.tflite"]
