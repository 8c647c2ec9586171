"""What a student inherits: everything that there is room for."""

import numpy as np
import pytest
from hidden_generators import hide_resnet, hide_unet, pictures, resnets, shake, unets

from cyclegan_keras.compression.inheritance import inherit
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator

RESNETS = {
    "the paper's": {"norm": "instance"},
    "affine, resize": {"norm": "instance_affine", "upsample": "resize", "padding": "zero"},
    "batch, resize_zero": {"norm": "batch", "upsample": "resize_zero", "dropout": True},
    "batch by picture": {"norm": "batch", "test_statistics": "picture", "input_channels": 1},
    "none, CUT's steps": {"norm": "none", "antialias": True, "antialias_up": True},
    "none, no biases": {"norm": "none", "use_bias": False, "output_channels": 1},
}
UNETS = {
    "the paper's": {"norm": "batch", "dropout": True},
    "by picture": {"norm": "batch", "test_statistics": "picture"},
    "instance": {"norm": "instance"},
    "none, no biases": {"norm": "none", "use_bias": False, "input_channels": 1},
}


def largest_difference(network, other, images):
    return np.abs(np.asarray(network(images)) - np.asarray(other(images))).max()


@pytest.mark.parametrize("name", RESNETS)
def test_a_small_resnet_in_a_wide_one_is_given_back(name):
    small, wide = resnets(**RESNETS[name])
    hide_resnet(small, wide)
    images = pictures(channels=small.input_channels)
    assert largest_difference(small, wide, images) < 1e-5
    student = ResNetGenerator.from_config({**small.get_config(), "name": "student"})
    inherit(wide, student, images, seed=0)
    others = pictures(seed=9, channels=small.input_channels)
    assert largest_difference(small, student, others) < 1e-5


@pytest.mark.parametrize("name", UNETS)
def test_a_small_unet_in_a_wide_one_is_given_back(name):
    small, wide = unets(**UNETS[name])
    hide_unet(small, wide)
    images = pictures(count=32, channels=small.input_channels)
    assert largest_difference(small, wide, images) < 1e-5
    student = UNetGenerator.from_config({**small.get_config(), "name": "student"})
    inherit(wide, student, images, seed=0)
    others = pictures(seed=9, channels=small.input_channels)
    assert largest_difference(small, student, others) < 1e-5


@pytest.mark.parametrize("norm", ["instance", "instance_affine"])
def test_blocks_that_do_nothing_go_without_change(norm):
    teacher = ResNetGenerator(ngf=2, n_blocks=4, norm=norm)
    shake(teacher)
    for number in (1, 3):
        block = teacher.get_layer(f"block_{number}")
        block.conv_2.kernel.assign(np.zeros(block.conv_2.kernel.shape))
        if norm == "instance_affine":
            block.norm_2.beta.assign(np.zeros(block.norm_2.beta.shape))
    student = ResNetGenerator(ngf=2, n_blocks=2, norm=norm)
    inherited = inherit(teacher, student, pictures(), seed=0)
    assert inherited.blocks == (2, 4)
    assert largest_difference(teacher, student, pictures(seed=9)) < 1e-5


@pytest.mark.parametrize("blocks", [0, 2])
def test_a_student_of_the_same_shape_is_its_teacher(blocks):
    teacher = ResNetGenerator(ngf=2, n_blocks=blocks, norm="batch")
    shake(teacher)
    student = ResNetGenerator(ngf=2, n_blocks=blocks, norm="batch")
    inherit(teacher, student, pictures(), seed=0)
    for own, original in zip(student.get_weights(), teacher.get_weights(), strict=True):
        np.testing.assert_allclose(own, original, atol=1e-5)


def test_the_same_seed_gives_the_same_weights():
    teacher = ResNetGenerator(ngf=4, n_blocks=2)
    shake(teacher)
    students = [ResNetGenerator(ngf=2, n_blocks=1) for _ in range(2)]
    inherited = [inherit(teacher, student, pictures(), seed=3) for student in students]
    assert inherited[0] == inherited[1]
    for own, other in zip(students[0].get_weights(), students[1].get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)


BLACK = np.full((2, 16, 16, 3), -1, "float32")
DULL = {
    "black, instance": (BLACK, "instance"),
    "black, none": (BLACK, "none"),
    "black, batch": (BLACK, "batch"),
    "one picture": (pictures(count=1), "instance"),
    "two equal pictures": (np.repeat(pictures(count=1), 2, axis=0), "batch"),
}


@pytest.mark.parametrize("name", DULL)
def test_pictures_that_say_little_suffice_for_themselves(name):
    images, norm = DULL[name]
    small, wide = resnets(wide_blocks=2, norm=norm)
    hide_resnet(small, wide)
    _silence(wide.get_layer("block_2"))
    student = ResNetGenerator.from_config({**small.get_config(), "name": "student"})
    inherited = inherit(wide, student, images, seed=0)
    assert len(inherited.blocks) == 1
    nearness = 0.1 if name.startswith("black") else 1e-3  # few equations, of nearly one kind
    assert largest_difference(wide, student, images) < nearness
    assert all(np.isfinite(weight).all() for weight in student.get_weights())
    if not name.startswith("black"):
        assert inherited.blocks == (1,)


@pytest.mark.parametrize("norm", ["instance_affine", "batch", "none"])
@pytest.mark.parametrize("share", ["half", "all"])
def test_a_teacher_with_dead_channels_gives_what_is_alive(norm, share):
    teacher = ResNetGenerator(ngf=4, n_blocks=2, norm=norm)
    shake(teacher)
    for layer in teacher._flatten_layers():
        if hasattr(layer, "kernel") and layer.name != "head_conv":
            _kill(layer, alive=layer.filters // 2 if share == "half" else 0)
    student = ResNetGenerator(ngf=2, n_blocks=1, norm=norm)
    inherit(teacher, student, pictures(), seed=0)
    assert all(np.isfinite(weight).all() for weight in student.get_weights())
    assert np.isfinite(np.asarray(student(pictures(seed=9)))).all()
    if share == "all":  # what is left is one picture, whatever the input
        assert largest_difference(teacher, student, pictures(seed=9)) < 1e-3


@pytest.mark.parametrize("norm", ["instance", "batch", "none"])
def test_a_unet_of_zeros_is_inherited(norm):
    teacher = UNetGenerator(ngf=4, n_downs=3, norm=norm)
    student = UNetGenerator(ngf=2, n_downs=3, norm=norm)
    for layer in teacher.layers:
        if hasattr(layer, "kernel"):
            layer.kernel.assign(np.zeros(layer.kernel.shape))
    inherit(teacher, student, BLACK, seed=0)
    assert largest_difference(teacher, student, pictures()) < 1e-5


def _silence(block):
    """Has a block add nothing."""
    block.conv_2.kernel.assign(np.zeros(block.conv_2.kernel.shape))
    for variable in (block.conv_2.bias, getattr(block.norm_2, "beta", None)):
        if variable is not None:
            variable.assign(np.zeros(variable.shape))


def _kill(layer, alive):
    """Has all but the first channels of a convolution be constant."""
    kernel = np.array(layer.kernel)
    if "Transpose" in type(layer).__name__:
        kernel[:, :, alive:] = 0
    else:
        kernel[..., alive:] = 0
    layer.kernel.assign(kernel)


def test_inheriting_is_nearer_to_the_teacher_than_leaving_channels_out():
    teacher = ResNetGenerator(ngf=8, n_blocks=2, norm="none")
    shake(teacher)
    student = ResNetGenerator(ngf=6, n_blocks=2, norm="none")
    images = pictures(count=8)
    inherited = inherit(teacher, student, images, seed=0)
    cut = ResNetGenerator(ngf=6, n_blocks=2, norm="none")
    cut.set_weights(student.get_weights())
    before = teacher.get_layer("head_conv")
    kept = list(inherited.channels["up_2"])
    cut.get_layer("head_conv").kernel.assign(np.asarray(before.kernel)[:, :, kept])
    cut.get_layer("head_conv").bias.assign(before.bias)
    truth = np.asarray(teacher(pictures(seed=9)))
    errors = [np.mean((np.asarray(net(pictures(seed=9))) - truth) ** 2) for net in (student, cut)]
    assert errors[0] < errors[1]


WRONG = {
    "wider": (ResNetGenerator, {"ngf": 3, "n_blocks": 1}, "larger ngf"),
    "deeper": (ResNetGenerator, {"ngf": 2, "n_blocks": 2}, "larger n_blocks"),
    "channels": (ResNetGenerator, {"ngf": 2, "n_blocks": 1, "input_channels": 1}, "input_channels"),
    "norm": (ResNetGenerator, {"ngf": 2, "n_blocks": 1, "norm": "batch"}, "norm"),
    "class": (UNetGenerator, {"ngf": 2, "n_downs": 2}, "both"),
    "discriminator": (PatchDiscriminator, {"ndf": 2}, "both"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_pair_that_does_not_fit_is_named(name):
    network, arguments, words = WRONG[name]
    teacher = ResNetGenerator(ngf=2, n_blocks=1)
    with pytest.raises(ValueError, match=words) as error:
        inherit(teacher, network(**arguments), pictures(), seed=0)
    assert "teacher=ResNetGenerator(" in str(error.value)
    assert f"student={network.__name__}(" in str(error.value)


def test_pictures_of_other_channels_are_named():
    teacher, student = (ResNetGenerator(ngf=2, n_blocks=1) for _ in range(2))
    with pytest.raises(ValueError, match=r"pictures\.shape=\(4, 16, 16, 1\)"):
        inherit(teacher, student, pictures(channels=1), seed=0)
