import collections
import sys

import keras
import numpy as np
import pytest

from cyclegan_keras.export import tflite
from cyclegan_keras.files.errors import ExportError
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.weights.keras_example_generator import KerasExampleGenerator

SIZE = (16, 24)


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
        calibration=pictures(),
        metadata={"domains": ["horses", "zebras"]},
    )


@pytest.fixture(scope="module")
def run():
    return pytest.importorskip("cyclegan_keras.export.tflite_run")


@pytest.mark.slow
@pytest.mark.parametrize("variant", tflite.VARIANTS)
def test_translates_as_keras(variant, generator, files, run):
    x = tflite._resized(pictures()[0], *SIZE)
    x = np.float32(np.round((x + 1) * 127.5)) / np.float32(127.5) - 1  # what uint8 can say
    y = run.run(run.open_model(files[variant]), x)
    expected = np.asarray(generator(x))
    assert np.std(expected) > 0.1
    assert psnr(expected, y) >= tflite.LEAST_PSNR_DB[variant]


@pytest.mark.slow
@pytest.mark.parametrize("variant", tflite.VARIANTS)
def test_names_types_and_metadata(variant, files, run):
    assert files[variant].name == f"generator_g_{variant}.tflite"
    interpreter = run.open_model(files[variant])
    runner = interpreter.get_signature_runner("translate")
    dtype = {"uint8": np.uint8, "integer": np.int16}.get(variant, np.float32)
    for details in (
        runner.get_input_details()["image"],
        runner.get_output_details()["translation"],
    ):
        assert details["dtype"] == dtype
        assert tuple(details["shape"]) == (1, *SIZE, 3)
    told = run.read_metadata(files[variant])
    assert told["variant"] == variant
    assert (told["height"], told["width"]) == SIZE
    assert told["domains"] == ["horses", "zebras"]
    assert told["range"] == ([0, 255] if variant == "uint8" else [-1, 1])


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


@pytest.mark.parametrize(
    ("kind", "arguments", "size"),
    [
        (UNetGenerator, {"n_downs": 3}, 16),
        (UNetGenerator, {"n_downs": 3, "norm": "instance"}, 16),
        (KerasExampleGenerator, {"n_blocks": 1}, 16),
        (ResNetGenerator, {"n_blocks": 1, "antialias": True, "antialias_up": True}, 16),
        (ResNetGenerator, {"n_blocks": 1, "upsample": "resize", "norm": "batch"}, 16),
    ],
)
def test_other_networks(kind, arguments, size, tmp_path, run):
    generator = kind(ngf=4, **arguments)
    x = np.random.default_rng(0).uniform(-1, 1, (1, size, size, 3)).astype("float32")
    paths = tflite.export_tflite(generator, tmp_path, "g", size=size, variants=["fp32"])
    interpreter = run.open_model(paths["fp32"])
    np.testing.assert_allclose(run.run(interpreter, x), generator(x, training=False), atol=1e-4)
    if kind is not KerasExampleGenerator:
        names = [op["op_name"] for op in interpreter._get_ops_details()]
        assert names.count("DELEGATE") == 1


def test_several_sizes_have_their_size_in_the_name(tmp_path):
    generator = UNetGenerator(ngf=2, n_downs=2, norm="none")
    names = [
        path.name
        for size in (8, (8, 12))
        for path in tflite.export_tflite(
            generator, tmp_path, "g", size=size, variants=["fp32"], sized_names=True
        ).values()
    ]
    assert names == ["g_fp32_8.tflite", "g_fp32_8x12.tflite"]


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
    paths = tflite.export_tflite(generator, tmp_path, "g", size=8, variants=["fp32", "fp16"])
    assert len(paths) == 2
    with pytest.raises(ExportError, match=r'pip install "cyclegan-keras\[export\]"'):
        tflite.export_tflite(generator, tmp_path, "g", size=8, variants=["dynamic"])
