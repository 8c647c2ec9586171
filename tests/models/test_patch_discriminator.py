import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.models.patch_discriminator import PatchDiscriminator, patch_logits_size


def test_parameter_count_of_the_paper():
    assert PatchDiscriminator().count_params() == 2_764_737


def test_30x30_logits_for_256x256_pixels():
    discriminator = PatchDiscriminator(ndf=2)
    assert discriminator.compute_output_shape((1, 256, 256, 3)) == (1, 30, 30, 1)
    assert discriminator(np.zeros((1, 256, 256, 3))).shape == (1, 30, 30, 1)


@pytest.mark.parametrize(("n_layers", "field"), [(1, 16), (2, 34), (3, 70)])
def test_receptive_field(n_layers, field):
    # Without a norm, which would let every pixel of the picture reach every logit.
    discriminator = PatchDiscriminator(ndf=2, n_layers=n_layers, norm="none", init_gain=0.5)
    images = tf.Variable(np.random.default_rng(0).normal(size=(1, 128, 128, 3)), dtype="float32")
    with tf.GradientTape() as tape:
        logits = discriminator(images)
        middle = logits.shape[1] // 2
        logit = logits[0, middle, middle, 0]
    reached = np.argwhere(np.abs(tape.gradient(logit, images)[0]).sum(axis=-1) > 0)
    assert (reached.max(axis=0) - reached.min(axis=0) + 1).tolist() == [field, field]


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("n_layers", [1, 2, 3, 4, 5])
def test_logits_size_and_smallest_size(n_layers, antialias):
    discriminator = PatchDiscriminator(ndf=1, n_layers=n_layers, norm="none", antialias=antialias)
    smallest = discriminator.smallest_size
    for size in (smallest, smallest + 1, 97, 128):
        if size >= smallest:
            side = patch_logits_size(size, n_layers)
            shape = discriminator.compute_output_shape((1, size, 128, 3))
            assert shape[1:3] == (side, patch_logits_size(128, n_layers))
            assert discriminator(np.zeros((1, size, size, 3))).shape == (1, side, side, 1)
    assert patch_logits_size(smallest, n_layers) == 1
    with pytest.raises(ValueError, match=rf"at least {smallest}\. Received: shape="):
        discriminator(np.zeros((1, smallest - 1, 128, 3)))


def test_layers():
    discriminator = PatchDiscriminator(input_channels=6, ndf=4, n_layers=5)
    convs = [v for v in discriminator.layers if isinstance(v, keras.layers.Conv2D)]
    assert [conv.filters for conv in convs] == [4, 8, 16, 32, 32, 32, 1]
    assert [conv.strides[0] for conv in convs] == [2, 2, 2, 2, 2, 1, 1]
    assert convs[0].kernel.shape == (4, 4, 6, 4)
    names = [layer.name for layer in discriminator.layers]
    assert "stage_1_norm" not in names
    assert "stage_2_norm" in names
    assert discriminator.get_layer("stage_3").negative_slope == 0.2


def test_biases_with_batch_norm():
    discriminator = PatchDiscriminator(ndf=2, norm="batch")
    convs = [v for v in discriminator.layers if isinstance(v, keras.layers.Conv2D)]
    assert [conv.use_bias for conv in convs] == [True, False, False, False, True]


def test_no_two_kernels_are_equal():
    kernels = [v for v in PatchDiscriminator(ndf=2).variables if v.name == "kernel"]
    assert len({tuple(np.ravel(kernel)[:8]) for kernel in kernels}) == len(kernels) == 5


def test_mixed_precision_returns_float32():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        discriminator = PatchDiscriminator(ndf=2)
    finally:
        keras.config.set_dtype_policy(before)
    assert discriminator(np.zeros((1, 32, 32, 3))).dtype == "float32"
    assert discriminator.get_layer("stage_2").compute_dtype == "float16"


def test_round_trip(tmp_path):
    discriminator = PatchDiscriminator(
        input_channels=1,
        ndf=2,
        n_layers=2,
        norm="batch",
        init_type="kaiming",
        init_gain=0.1,
        name="discriminator_x",
    )
    discriminator.save(tmp_path / "d.keras")
    loaded = keras.saving.load_model(tmp_path / "d.keras")
    assert type(loaded) is PatchDiscriminator
    assert loaded.get_config() == discriminator.get_config()
    x = np.random.default_rng(0).normal(size=(1, 32, 24, 1))
    np.testing.assert_array_equal(loaded(x), discriminator(x))


@pytest.mark.parametrize(
    "arguments", [{"ndf": 0}, {"n_layers": 0}, {"input_channels": 0}, {"norm": "layer"}]
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match="Received: " + next(iter(arguments))):
        PatchDiscriminator(**arguments)
