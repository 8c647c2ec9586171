import numpy as np
import pytest

from cyclegan_keras.compression.inheritance import inherit
from cyclegan_keras.compression.shapes import (
    Shape,
    build_student,
    check_shape,
    macs,
    parameters,
)
from cyclegan_keras.export.tflite import count, export_tflite
from cyclegan_keras.files.errors import CompressionError
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator

GENERATORS = [
    (ResNetGenerator, {"n_blocks": 0}),
    (ResNetGenerator, {"n_blocks": 2, "norm": "instance_affine"}),
    (ResNetGenerator, {"n_blocks": 1, "norm": "batch", "dropout": True, "padding": "zero"}),
    (ResNetGenerator, {"n_blocks": 1, "norm": "none", "input_channels": 1}),
    (ResNetGenerator, {"n_blocks": 1, "norm": "none", "use_bias": False, "output_channels": 5}),
    (ResNetGenerator, {"n_blocks": 1, "upsample": "resize"}),
    (ResNetGenerator, {"n_blocks": 1, "upsample": "resize_zero", "antialias": True}),
    (ResNetGenerator, {"n_blocks": 1, "antialias": True, "antialias_up": True}),
    (UNetGenerator, {"n_downs": 2, "norm": "instance"}),
    (UNetGenerator, {"n_downs": 5, "dropout": True, "test_dropout": True}),
    (UNetGenerator, {"n_downs": 5, "norm": "instance_affine", "input_channels": 4}),
    (UNetGenerator, {"n_downs": 3, "norm": "none", "output_channels": 1}),
    (UNetGenerator, {"n_downs": 3, "norm": "none", "use_bias": False}),
]
# Those of which all others are variations; a graph of each takes a while.
FEW = [GENERATORS[1], GENERATORS[7], GENERATORS[9]]


@pytest.mark.parametrize(("kind", "arguments"), GENERATORS)
def test_parameters_are_those_of_the_network(kind, arguments):
    network = kind(ngf=3, **arguments)
    assert parameters(network, Shape.of(network)) == network.count_params()


@pytest.mark.parametrize(("kind", "arguments"), FEW)
def test_macs_are_those_of_the_graph(kind, arguments):
    network = kind(ngf=3, **arguments)
    assert macs(network, Shape.of(network), 32, 64) == count(network, 32, 64)["macs"]


@pytest.mark.release
@pytest.mark.parametrize(("kind", "arguments"), GENERATORS)
def test_macs_are_those_of_the_file(kind, arguments, tmp_path):
    """Up to what the file's graph does in another way, which is known."""
    network = kind(ngf=4, **arguments)
    shape = Shape.of(network)
    found = macs_of_file(export_tflite(network, tmp_path, "g", size=(32, 64), variants=("fp32",)))
    expected = macs(network, shape, 32, 64)
    if kind is ResNetGenerator:
        # A head of 8 x 8 in place of 7 x 7 makes four pixels at once.
        expected += 32 * 64 * (8**2 - 7**2) * 4 * network.output_channels
    if arguments.get("upsample", "transpose") != "transpose":
        # Doubled pixels are never made: 4 kernels of 2 x 2 in place of 4 pixels of 3 x 3.
        expected -= 16 * 8 * (4 * 3**2 - 4 * 2**2) * 16 * 8
        expected -= 32 * 16 * (4 * 3**2 - 4 * 2**2) * 8 * 4
    assert found == expected


def macs_of_file(paths):
    tflite_run = pytest.importorskip("cyclegan_keras.export.tflite_run")
    interpreter = tflite_run.open_model(paths["fp32"])
    shapes = {each["index"]: each["shape"] for each in interpreter.get_tensor_details()}
    found = 0
    for operation in interpreter._get_ops_details():
        assert operation["op_name"] != "TRANSPOSE_CONV"
        if operation["op_name"] == "CONV_2D":
            _, height, width, _ = shapes[operation["outputs"][0]]
            outputs, rows, columns, inputs = shapes[operation["inputs"][1]]
            found += height * width * outputs * rows * columns * inputs
    return found


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (ResNetGenerator(ngf=6, n_blocks=3, norm="batch", antialias_up=True), Shape(2, 1)),
        (UNetGenerator(ngf=4, n_downs=3), Shape(3)),
    ],
)
def test_students_are_like_their_teachers_but_for_the_shape(network, shape):
    student = build_student(network, shape, name="generator_f")
    assert Shape.of(student) == shape
    assert student.name == "generator_f"
    changed = {"ngf", "n_blocks", "name"}
    expected = {key: value for key, value in network.get_config().items() if key not in changed}
    assert expected.items() <= student.get_config().items()
    assert parameters(network, shape) == student.count_params()
    assert macs(network, shape, 32, 32) == macs(student, shape, 32, 32)
    assert build_student(network, shape).name == network.name


@pytest.mark.parametrize("shape", [Shape(16, 6), Shape(1, 0), Shape(64)])
def test_shapes_as_text(shape):
    assert Shape.parse(str(shape)) == shape
    assert Shape.parse(f" {str(shape).upper()} ") == shape


@pytest.mark.parametrize("text", ["", "x6", "16x", "0x6", "16x6x3", "-16x6", "16.5", "sixteen"])
def test_texts_that_are_no_shapes(text):
    with pytest.raises(CompressionError, match="cannot be read: expected channels x residual"):
        Shape.parse(text)


@pytest.mark.parametrize(
    ("network", "shape", "words"),
    [
        (ResNetGenerator(ngf=2, n_blocks=1), Shape(3, 1), "3x1 does not lie within .* 2x1"),
        (ResNetGenerator(ngf=2, n_blocks=1), Shape(2, 2), "2x2 does not lie within .* 2x1"),
        (ResNetGenerator(ngf=2, n_blocks=1), Shape(2), "write it as 2x1"),
        (UNetGenerator(ngf=2, n_downs=2), Shape(3), "3 does not lie within .* 2"),
        (UNetGenerator(ngf=2, n_downs=2), Shape(2, 1), "a U-Net has none: write 2"),
        (PatchDiscriminator(ndf=2), Shape(1), "A PatchDiscriminator cannot be compressed"),
    ],
)
def test_refused_shapes(network, shape, words):
    with pytest.raises(CompressionError, match=words):
        check_shape(network, shape)
    with pytest.raises(CompressionError, match=words):
        build_student(network, shape)


@pytest.mark.release
def test_a_student_has_no_noise_of_its_own_and_inherits_nevertheless():
    teacher = UNetGenerator(ngf=4, n_downs=5, dropout=True, test_dropout=True)
    student = build_student(teacher, Shape(2))
    assert not student.dropout
    assert not student.test_dropout
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype("float32")
    inherit(teacher, student, pictures, seed=0)
    np.testing.assert_array_equal(student(pictures), student(pictures))
