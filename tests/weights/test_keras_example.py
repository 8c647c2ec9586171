"""The keras.io example's layers are put together here anew, as the oracle of the importer."""

import pathlib
import shutil

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.weights import keras_example
from cyclegan_keras.weights.keras_example import read_keras_example

FILES = pathlib.Path(__file__).parent / "keras_example_files"


class InstanceNorm(layers.Layer):
    """TensorFlow Addons' formula, with statistics by numpy's definition."""

    def build(self, shape):
        self.gamma = self.add_weight((shape[-1],), "ones", name="gamma")
        self.beta = self.add_weight((shape[-1],), "zeros", name="beta")

    def call(self, x):
        mean = keras.ops.mean(x, (1, 2), keepdims=True)
        variance = keras.ops.mean((x - mean) ** 2, (1, 2), keepdims=True)
        return self.gamma * (x - mean) / keras.ops.sqrt(variance + 1e-3) + self.beta


class Reflect(layers.Layer):
    def __init__(self, amount):
        super().__init__()
        self.amount = amount

    def call(self, x):
        sides = [self.amount, self.amount]
        return keras.ops.pad(x, [[0, 0], sides, sides, [0, 0]], "reflect")


class CycleGan(keras.Model):
    def __init__(self, *networks):
        super().__init__()
        self.gen_G, self.gen_F, self.disc_X, self.disc_Y = networks

    def call(self, x):
        return [network(x) for network in (self.gen_G, self.gen_F, self.disc_X, self.disc_Y)]


def example_generator(norm, filters=4, n_blocks=2, channels=(3, 3)):
    def conv(x, width, *args, kind=layers.Conv2D, relu=True):
        x = norm()(kind(width, *args, use_bias=False)(x))
        return layers.Activation("relu")(x) if relu else x

    inputs = keras.Input((None, None, channels[0]))
    x = conv(Reflect(3)(inputs), filters, 7)
    x = conv(conv(x, filters * 2, 3, 2, "same"), filters * 4, 3, 2, "same")
    for _ in range(n_blocks):
        y = conv(Reflect(1)(x), filters * 4, 3)
        x = layers.add([x, conv(Reflect(1)(y), filters * 4, 3, relu=False)])
    for width in (filters * 2, filters):
        x = conv(x, width, 3, 2, "same", kind=layers.Conv2DTranspose)
    x = layers.Activation("tanh")(layers.Conv2D(channels[1], 7)(Reflect(3)(x)))
    return randomized(keras.Model(inputs, x))


def discriminator(norm):
    inputs = keras.Input((None, None, 3))
    x = norm()(layers.Conv2D(4, 4, 2, "same")(inputs))
    return keras.Model(inputs, layers.Conv2D(1, 4, padding="same")(layers.LeakyReLU(0.2)(x)))


def randomized(model, rng=np.random.default_rng(0)):  # noqa: B008, one stream for all
    for v in model.weights:
        center = 1 if v.name == "gamma" else 0
        v.assign(rng.normal(center, 0.3, v.shape))
    return model


def group_norm():
    return layers.GroupNormalization(groups=1)


def pictures(size=(16, 24), channels=3):
    return np.random.default_rng(1).uniform(-1, 1, (2, *size, channels)).astype("float32")


def write_tensorflow(prefix, networks, dtype="float32", skip=()):
    """Writes networks as Keras 2 names them: layers with weights in the order of the network."""
    names, values = [], []
    for prefix_of_network, network in networks.items():
        weighted = [layer for layer in network.layers if layer.weights]
        for number, layer in enumerate(weighted):
            for v in layer.weights:
                name = f"{prefix_of_network}layer_with_weights-{number}/{v.name}"
                if (number, v.name) not in skip:
                    names += [f"{name}/.ATTRIBUTES/VARIABLE_VALUE"]
                    values += [tf.cast(v.value, dtype)]
                names += [f"{name}/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE"]
                values += [tf.zeros((1,))]
    order = np.argsort(names)  # as a checkpoint's index, 10 before 2
    names, values = [names[i] for i in order], [values[i] for i in order]
    tf.raw_ops.SaveV2(
        prefix=str(prefix), tensor_names=names, shape_and_slices=[""] * len(names), tensors=values
    )


@pytest.fixture(scope="module")
def example():
    return CycleGan(
        example_generator(group_norm),
        example_generator(group_norm),
        discriminator(group_norm),
        discriminator(group_norm),
    )


@pytest.fixture(scope="module")
def saved(example, tmp_path_factory):
    example.build((None, 16, 16, 3))
    path = tmp_path_factory.mktemp("saved") / "cyclegan_checkpoints.weights.h5"
    example.save_weights(path)
    return path


def test_whole_model_of_keras_3(example, saved):
    found = read_keras_example(saved)
    assert list(found) == ["generator_g", "generator_f"]
    for name, theirs in zip(found, (example.gen_G, example.gen_F), strict=True):
        np.testing.assert_allclose(found[name](pictures()), theirs(pictures()), atol=1e-5)
        assert found[name].name == name
    config = found["generator_g"].get_config()
    assert (config["ngf"], config["n_blocks"], config["groups"]) == (4, 2, 1)
    assert np.any(found["generator_g"](pictures()) != found["generator_f"](pictures()))


@pytest.mark.parametrize(("filters", "n_blocks", "channels"), [(2, 3, (1, 2)), (1, 0, (3, 1))])
def test_one_generator_of_any_size(tmp_path, filters, n_blocks, channels):
    theirs = example_generator(group_norm, filters, n_blocks, channels)
    theirs.save_weights(tmp_path / "g.weights.h5")
    found = read_keras_example(str(tmp_path / "g.weights.h5"))
    assert list(found) == ["generator"]
    x = pictures(channels=channels[0])
    np.testing.assert_allclose(found["generator"](x), theirs(x), atol=1e-5)


def test_translation_survives_a_keras_file(example, saved, tmp_path):
    read_keras_example(saved)["generator_f"].save(tmp_path / "generator_f.keras")
    loaded = keras.saving.load_model(tmp_path / "generator_f.keras")
    np.testing.assert_allclose(loaded(pictures()), example.gen_F(pictures()), atol=1e-5)


def test_tensorflow_checkpoint(tmp_path):
    theirs = [example_generator(InstanceNorm, n_blocks=1) for _ in range(2)]
    networks = {"gen_G/": theirs[0], "gen_F/": theirs[1], "disc_X/": discriminator(InstanceNorm)}
    write_tensorflow(tmp_path / "cyclegan.090", networks)
    for name in ("cyclegan.090", "cyclegan.090.index"):
        found = read_keras_example(tmp_path / name)
        assert list(found) == ["generator_g", "generator_f"]
        for ours, example in zip(found.values(), theirs, strict=True):
            assert ours.groups == -1
            np.testing.assert_allclose(ours(pictures()), example(pictures()), atol=1e-5)


def test_tensorflow_checkpoint_of_one_generator(tmp_path):
    theirs = example_generator(InstanceNorm, n_blocks=1)
    write_tensorflow(tmp_path / "one", {"": theirs})
    found = read_keras_example(tmp_path / "one")
    assert list(found) == ["generator"]
    np.testing.assert_allclose(found["generator"](pictures()), theirs(pictures()), atol=1e-5)


@pytest.mark.parametrize("ending", ["", "_generator.weights.h5"])
def test_files_of_keras_2_and_tensorflow_addons(ending):
    recorded = np.load(FILES / "keras_2_15_outputs.npz")
    found = read_keras_example(FILES / f"keras_2_15{ending}")
    names = {"generator_g": "gen_G", "generator_f": "gen_F", "generator": "gen_G"}
    for name, ours in found.items():
        assert ours.groups == -1
        np.testing.assert_allclose(ours(recorded["x"]), recorded[names[name]], atol=1e-5)


def test_file_of_keras_3_8():
    recorded = np.load(FILES / "keras_3_8_outputs.npz")
    ours = read_keras_example(FILES / "keras_3_8_generator.weights.h5")["generator"]
    assert ours.groups == 1
    np.testing.assert_allclose(ours(recorded["x"]), recorded["gen_G"], atol=1e-5)


def test_whole_weights_h5_of_keras_2(tmp_path):
    """Keras 2 lists the networks instead of naming them."""
    one = h5py.File(FILES / "keras_2_15_generator.weights.h5")
    with one, h5py.File(tmp_path / "whole.weights.h5", "w") as whole:
        for name in ("functional", "functional_1"):
            one.copy("layers", whole.create_group(f"layers/{name}"))
        whole["layers/functional_1/layers/conv2d/vars/0"][...] = 0
    found = read_keras_example(tmp_path / "whole.weights.h5")
    assert np.any(found["generator_g"].weights[0])
    assert not np.any(found["generator_f"].weights[0])


def test_groups_can_be_given(tmp_path):
    theirs = example_generator(lambda: layers.GroupNormalization(groups=-1), n_blocks=1)
    theirs.save_weights(tmp_path / "g.weights.h5")
    found = read_keras_example(tmp_path / "g.weights.h5", groups=-1)["generator"]
    np.testing.assert_allclose(found(pictures()), theirs(pictures()), atol=1e-5)
    with pytest.raises(ValueError, match="Received: groups=2"):
        read_keras_example(tmp_path / "g.weights.h5", groups=2)


def test_names_with_backslashes(saved, tmp_path):
    with h5py.File(saved) as source, h5py.File(tmp_path / "w.weights.h5", "w") as file:

        def copy(name, item):
            if isinstance(item, h5py.Dataset):
                file[name.replace("/layers/", "\\layers\\")] = item[()]

        source.visititems(copy)
    assert len(read_keras_example(tmp_path / "w.weights.h5")) == 2


def _refused(path, words):
    with pytest.raises(WeightsError, match=words) as info:
        read_keras_example(path)
    assert str(path) in str(info.value)


def test_no_such_file(tmp_path):
    _refused(tmp_path / "missing.weights.h5", "neither a file")
    _refused(tmp_path, "neither a file")


def test_no_hdf5(tmp_path):
    path = tmp_path / "a.weights.h5"
    for content in (b"", b"PK\x03\x04 and so on"):
        path.write_bytes(content)
        _refused(path, "cannot be read as a checkpoint")


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_truncated(saved, tmp_path, share):
    content = saved.read_bytes()
    path = tmp_path / "cut.weights.h5"
    path.write_bytes(content[: int(len(content) * share)])
    _refused(path, "cannot be read as a checkpoint")


def test_truncated_tensorflow_checkpoint(tmp_path):
    for ending in (".index", ".data-00000-of-00001"):
        for other in (".index", ".data-00000-of-00001"):
            shutil.copy(FILES / f"keras_2_15{other}", tmp_path / f"cut{other}")
        path = tmp_path / f"cut{ending}"
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 8])
        _refused(tmp_path / "cut", "cut")
    path.unlink()
    _refused(tmp_path / "cut", "cannot be read as a checkpoint")


def changed(saved, tmp_path, change):
    path = tmp_path / "changed.weights.h5"
    shutil.copy(saved, path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def replace(name, **kwargs):
    def change(file):
        del file[name]
        file.create_dataset(name, **kwargs)

    return change


def remove(*names):
    def change(file):
        for name in names:
            del file[name]

    return change


LAYERS = "gen_G/layers/"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (remove("gen_F"), r"gen_G and gen_F.*layers in \['gen_G'\]; at the top \['disc_X'"),
        (remove("gen_F", "gen_G"), r"Found: layers in \[\]"),
        (remove(LAYERS + "conv2d_3"), "array 9 .*gamma.*Found: .*kernel|6 more for every block"),
        (remove(LAYERS + "conv2d_7/vars/1"), "6 more for every block"),
        (remove(LAYERS + "group_normalization"), "6 more for every block"),
        (
            remove(LAYERS + "conv2d_transpose", LAYERS + "conv2d_transpose_1"),
            "of the kinds conv2d",
        ),
        (lambda f: f.move(LAYERS + "conv2d_2", LAYERS + "dense"), "of the kinds.*Found: .*'dense'"),
        (replace(LAYERS + "conv2d_2/vars/0", data=np.zeros((3, 3, 8, 9), "f4")), r"\(3, 3, 8, 16"),
        (replace(LAYERS + "conv2d/vars/0", data=np.zeros((49, 12), "f4")), "kernel of 4"),
        (replace(LAYERS + "conv2d/vars/0", data=np.zeros((7, 7, 3, 4), "i4")), "Found: .*int32"),
        (replace(LAYERS + "conv2d/vars/0", data=h5py.Empty("f4")), "expected arrays of float"),
        (replace(LAYERS + "conv2d/vars/0", data="text"), "expected arrays of float"),
    ],
)
def test_other_arrays(saved, tmp_path, change, words):
    _refused(changed(saved, tmp_path, change), words)


def test_a_discriminator_is_no_generator(tmp_path):
    discriminator(group_norm).save_weights(tmp_path / "d.weights.h5")
    _refused(tmp_path / "d.weights.h5", r"of the kinds conv2d.*Found: \['conv2d', 'group_norm")


def test_claimed_sizes_are_not_believed(saved, tmp_path):
    """A compressed array of zeros, a thousand times larger than the file."""
    name = LAYERS + "conv2d/vars/0"
    huge = replace(name, shape=(7, 7, 3, 10**6), dtype="f4", chunks=(7, 7, 3, 10), fillvalue=0)
    _refused(changed(saved, tmp_path, huge), "bytes cannot hold")


def test_other_files_are_not_opened(saved, tmp_path):
    name, secret = LAYERS + "conv2d/vars/0", tmp_path / "secret"
    secret.write_bytes(bytes(7 * 7 * 3 * 4 * 4))
    outside = replace(name, shape=(7, 7, 3, 4), dtype="f4", external=[(secret, 0, 2352)])
    _refused(changed(saved, tmp_path, outside), "lie in other files")

    def link(file):
        del file["gen_G"]
        file["gen_G"] = h5py.ExternalLink(saved, "gen_G")

    _refused(changed(saved, tmp_path, link), r"layers in \['gen_F'\]")


def test_batch_norm_is_not_taken_for_instance_norm(tmp_path):
    write_tensorflow(tmp_path / "b", {"": example_generator(layers.BatchNormalization, n_blocks=1)})
    _refused(tmp_path / "b", "6 more for every block|expected array")


def test_tensorflow_checkpoint_without_an_array(tmp_path):
    networks = {"": example_generator(InstanceNorm, n_blocks=1)}
    write_tensorflow(tmp_path / "m", networks, skip={(1, "beta")})
    _refused(tmp_path / "m", "6 more for every block")
    write_tensorflow(tmp_path / "m", networks, dtype="bfloat16")
    _refused(tmp_path / "m", "to be floats")
    write_tensorflow(tmp_path / "m", {"my_generator/": networks[""]})
    _refused(tmp_path / "m", r"layers in \[\]; at the top \['my_generator'\]")


def test_weights_are_claimed_as_the_network_has_them():
    model = keras_example.KerasExampleGenerator(1, 2, 3, 4)
    expected = [(v.name, tuple(v.shape)) for v in model.weights]
    assert keras_example._expected(1, 2, 3, 4) == expected
