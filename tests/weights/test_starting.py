import pathlib

import numpy as np
import pytest

from cyclegan_keras.cli import flags
from cyclegan_keras.files.errors import OptionError, RunError, WeightsError
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import build_discriminator, build_generator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.runs.networks import networks_of_run
from cyclegan_keras.runs.run import Run
from cyclegan_keras.weights.keras_example_generator import KerasExampleGenerator
from cyclegan_keras.weights.networks import save_pth, save_safetensors
from cyclegan_keras.weights.starting import (
    network_options,
    role_of_name,
    split_role,
    starting_networks,
)
from cyclegan_keras.weights.torch_networks import to_state_dict
from cyclegan_keras.weights.torch_writer import write_state_dict


def generator(n_blocks=0, **kwargs):
    return ResNetGenerator(ngf=2, n_blocks=n_blocks, **kwargs)


def same(first, second):
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    ("file", "role"),
    [
        ("latest_net_G_A.pth", "generator_g"),
        ("200_net_G_B.pth", "generator_f"),
        ("latest_net_D_A.pth", "discriminator_y"),
        ("latest_net_D_B.pth", "discriminator_x"),
        ("latest_net_G.pth", "generator_g"),
        ("latest_net_D.pth", "discriminator_y"),
        ("generator_f.keras", "generator_f"),
        ("discriminator_x.keras", "discriminator_x"),
        ("anything.pth", "generator_g"),
    ],
)
def test_the_name_of_a_file_gives_its_role(file, role, tmp_path):
    network = PatchDiscriminator(ndf=2, n_layers=1) if "discriminator" in role else generator()
    if file.endswith(".pth"):
        save_pth(network, tmp_path / file)
    else:
        network.save(tmp_path / file)
    found = starting_networks(str(tmp_path / file))
    assert list(found) == [role]
    assert same(found[role], network)


def test_several_files_and_a_role_of_its_own(tmp_path):
    save_pth(generator(), tmp_path / "g.pth")
    save_pth(PixelDiscriminator(ndf=2), tmp_path / "d.pth")
    found = starting_networks(f"{tmp_path}/g.pth, discriminator_x={tmp_path}/d.pth")
    assert list(found) == ["generator_g", "discriminator_x"]


def write_several(path, **networks):
    """A file of several networks in one module, each under its name."""
    states = {name: to_state_dict(network) for name, network in networks.items()}
    arrays = {f"{n}.{key}": array for n, state in states.items() for key, array in state.items()}
    write_state_dict(path, arrays)


@pytest.fixture(scope="module")
def small():
    """A generator and a discriminator."""
    return {"generator": generator(), "discriminator": PixelDiscriminator(ndf=2)}


@pytest.mark.parametrize(
    ("name", "kind", "role"),
    [
        ("netG_A", "generator", "generator_g"),
        ("netG_B", "generator", "generator_f"),
        ("state_dict.generator_A2B", "generator", "generator_g"),
        ("generator_B2A", "generator", "generator_f"),
        ("G_AB", "generator", "generator_g"),
        ("genB2A", "generator", "generator_f"),
        ("netG_A2B", "generator", "generator_g"),
        ("G_YtoX", "generator", "generator_f"),
        ("generator_f", "generator", "generator_f"),
        ("netG", "generator", "generator_g"),
        ("netG_ema", "generator", None),
        ("", "generator", None),
        ("netD_A", "discriminator", "discriminator_y"),  # the reference's judges y
        ("discriminator_x", "discriminator", "discriminator_x"),
        ("discriminator_A", "discriminator", None),
        ("netG_A", "discriminator", None),
    ],
)
def test_the_name_of_a_network_in_a_file_may_say_its_role(name, kind, role, small):
    assert role_of_name(name, small[kind]) == role


def test_networks_of_a_file_get_roles_by_their_names(tmp_path, small, caplog):
    second = generator()
    file = tmp_path / "epoch=9-step=100.ckpt"
    write_several(file, G_BA=second, G_AB=small["generator"], judge_of_x=small["discriminator"])
    found = starting_networks(str(file))
    assert set(found) == {"generator_g", "generator_f"}
    assert same(found["generator_g"], small["generator"])
    assert same(found["generator_f"], second)
    assert "judge_of_x is left out" in caplog.text
    assert f"discriminator_x={file}@judge_of_x" in caplog.text


def test_one_network_of_several_gets_a_role(tmp_path, small):
    first, second, judge = small["generator"], generator(), small["discriminator"]
    file = tmp_path / "last.ckpt"
    write_several(file, netG=first, netG_ema=second, D=judge)
    words = rf"\['netG', 'netG_ema', 'D'\], .* as in generator_g={file}@netG\."
    with pytest.raises(WeightsError, match=words):  # which one is meant is not guessed
        starting_networks(str(file))
    found = starting_networks(f"{file}@netG_ema, discriminator_x={file}@D")
    assert same(found["generator_g"], second)
    assert same(found["discriminator_x"], judge)
    with pytest.raises(WeightsError, match=r"name one, as in generator_f=.*last\.ckpt@netG\."):
        starting_networks(f"generator_f={file}")


def test_the_only_generator_of_a_file_is_generator_g(tmp_path, small):
    """Its keys may have no prefix, and those of the others one."""
    state = to_state_dict(small["generator"])
    judge = to_state_dict(small["discriminator"])
    file = tmp_path / "net.pth"
    under_disc = {f"disc.{key}": array for key, array in judge.items()}
    write_state_dict(file, under_disc | state)
    assert list(starting_networks(str(file))) == ["generator_g"]
    found = starting_networks(f"discriminator_y={file}@disc, generator_f={file}@root")
    assert list(found) == ["generator_f", "discriminator_y"]
    assert same(found["generator_f"], small["generator"])
    under_ema = {f"ema.{key}": array for key, array in state.items()}
    write_state_dict(file, state | under_ema)
    with pytest.raises(WeightsError, match=rf"as in generator_g={file}@root\."):
        starting_networks(str(file))


def test_generators_of_the_keras_example_have_their_roles():
    prefix = pathlib.Path(__file__).with_name("keras_example_files") / "keras_2_15"
    assert list(starting_networks(str(prefix))) == ["generator_g", "generator_f"]
    assert list(starting_networks(f"{prefix}@generator_f")) == ["generator_f"]


def test_a_generator_alone_may_be_the_other_one(tmp_path, small):
    write_several(tmp_path / "last.ckpt", generator_B2A=small["generator"])
    assert list(starting_networks(str(tmp_path / "last.ckpt"))) == ["generator_f"]


@pytest.mark.parametrize(
    ("source", "role", "path"),
    [
        (" generator_f=a.pth", "generator_f", "a.pth"),
        ("epoch=9-step=100.ckpt", "", "epoch=9-step=100.ckpt"),
        ("generator_g=epoch=9.ckpt@netG", "generator_g", "epoch=9.ckpt@netG"),
        ("a.pth", "", "a.pth"),
    ],
)
def test_a_role_stands_before_the_path(source, role, path):
    assert split_role(source) == (role, pathlib.Path(path))


def test_a_folder_of_the_reference_gives_its_last_epoch(tmp_path):
    networks = {name: generator() for name in ("5", "10")}
    for epoch, network in networks.items():
        save_pth(network, tmp_path / f"{epoch}_net_G_A.pth")
    (tmp_path / "loss_log.txt").write_text("x")
    assert same(starting_networks(str(tmp_path))["generator_g"], networks["10"])
    networks["latest"] = generator()
    save_pth(networks["latest"], tmp_path / "latest_net_G_A.pth")
    assert same(starting_networks(str(tmp_path))["generator_g"], networks["latest"])


def save_run(directory, network, **others):
    run = Run(directory)
    run.create()
    run.save_options({"generator": "resnet_3blocks", "ngf": 2, "norm": network.norm, "seed": 1})
    state = {
        f"{name}/{index:03d}/{variable.name}": np.array(variable)
        for name, each in {"generator_g": network, **others}.items()
        for index, variable in enumerate(each.variables)
    }
    run.save(7, {**state, "generator_optimizer/000/iteration": np.array(7)})


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_a_run_gives_its_networks(norm, tmp_path):
    network = generator(3, norm=norm, input_channels=1, output_channels=1)
    save_run(tmp_path / "run", network)
    found = starting_networks(str(tmp_path / "run"))
    assert list(found) == ["generator_g"]
    assert same(found["generator_g"], network)
    assert found["generator_g"].norm == norm


def test_a_role_takes_that_network_of_a_folder_or_a_run_alone(tmp_path):
    network = generator(3)
    save_run(tmp_path / "run", network, generator_f=generator(3))
    folder = tmp_path / "folder"
    folder.mkdir()
    save_safetensors(generator(), folder / "latest_net_G_B.safetensors")
    save_pth(generator(), folder / "latest_net_G_A.pth")
    assert list(starting_networks(str(folder))) == ["generator_g", "generator_f"]
    found = starting_networks(f"generator_g={tmp_path}/run, generator_f={folder}")
    assert list(found) == ["generator_g", "generator_f"]
    assert same(found["generator_g"], network)
    with pytest.raises(WeightsError, match=r"holds .*, but no discriminator_y"):
        starting_networks(f"discriminator_y={folder}")


def test_averages_of_a_run(tmp_path):
    network, average = generator(3), generator(3)
    save_run(tmp_path / "run", network, average_generator_g=average)
    for averages, expected in ((False, network), (True, average)):
        step, found = networks_of_run(tmp_path / "run", averages=averages)
        assert step == 7
        assert same(found["generator_g"], expected)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.pth", "is not a file"),
        ("empty", "holds neither a run"),
        (".", "holds neither a run"),
        ("d.pth", "does not say which network"),
    ],
)
def test_sources_without_a_network(name, words, tmp_path):
    (tmp_path / "empty").mkdir()
    save_pth(PixelDiscriminator(ndf=2), tmp_path / "d.pth")
    with pytest.raises(WeightsError, match=words):
        starting_networks(str(tmp_path / name))


def test_a_word_that_is_no_role():
    with pytest.raises(WeightsError, match="'generator_q' is no role: expected one of generator_g"):
        starting_networks("generator_q=half.pth")
    for source in ("generator_g=epoch=9.ckpt", "folder/epoch=9.ckpt"):
        with pytest.raises(WeightsError, match=r"=9\.ckpt is not a file\.$"):
            starting_networks(source)


def test_a_run_without_a_checkpoint(tmp_path):
    run = Run(tmp_path / "run")
    run.create()
    run.save_options({"generator": "resnet_3blocks"})
    with pytest.raises(RunError, match="holds no checkpoint"):
        starting_networks(str(tmp_path / "run"))


def test_one_role_twice(tmp_path):
    save_pth(generator(), tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="Two files are given for generator_g"):
        starting_networks(f"{tmp_path}/a.pth,{tmp_path}/a.pth")


def test_the_second_file_without_a_name_is_for_the_way_back(tmp_path):
    for name in ("a.pth", "b.pth"):
        save_pth(generator(), tmp_path / name)
    found = starting_networks(f"{tmp_path}/a.pth,{tmp_path}/b.pth")
    assert list(found) == ["generator_g", "generator_f"]


@pytest.mark.parametrize(
    ("kind", "arguments", "expected"),
    [
        (
            ResNetGenerator,
            {"ngf": 2, "n_blocks": 6, "norm": "batch", "antialias": True},
            {"generator": "resnet_6blocks", "ngf": 2, "norm": "batch", "antialias": True},
        ),
        (
            ResNetGenerator,
            {"ngf": 2, "n_blocks": 3, "upsample": "resize_zero"},
            {"generator": "resnet_3blocks", "upsample": "resize_zero"},
        ),
        (UNetGenerator, {"ngf": 1, "n_downs": 7}, {"generator": "unet_128", "norm": "batch"}),
        (PatchDiscriminator, {"ndf": 2}, {"discriminator": "basic", "ndf": 2, "antialias": False}),
        (PatchDiscriminator, {"n_layers": 4}, {"discriminator": "n_layers", "n_layers": 4}),
        (PixelDiscriminator, {"ndf": 3}, {"discriminator": "pixel", "ndf": 3}),
        (
            PatchDiscriminator,
            {"ndf": 2, "norm": "none", "use_bias": False},
            {"norm": "none", "use_bias": False},
        ),
        (UNetGenerator, {"ngf": 1, "n_downs": 6, "norm": "none"}, {"use_bias": True}),
    ],
)
def test_options_build_such_networks(kind, arguments, expected):
    network = kind(**arguments)
    options = network_options({"network": network})
    assert options.items() >= expected.items()
    name = "generator" if kind in (ResNetGenerator, UNetGenerator) else "discriminator"
    build = build_generator if name == "generator" else build_discriminator
    same = build(NetworkOptions(**options))
    assert [v.shape for v in same.variables] == [v.shape for v in network.variables]


def test_generators_may_have_any_number_of_blocks():
    options = network_options({"generator_g": ResNetGenerator(ngf=2, n_blocks=5)})
    assert options["generator"] == "resnet_5blocks"
    groups = {"networks": NetworkOptions}
    assert flags.resolve(groups, {"generator": "resnet_5blocks"})["networks"].ngf == 64
    with pytest.raises(OptionError, match="--generator=resnet_blocks: expected one of"):
        flags.resolve(groups, {"generator": "resnet_blocks"})


def test_options_that_cannot_be():
    with pytest.raises(WeightsError, match=r"generator_f has ngf=4, another network 2"):
        network_options(
            {"generator_g": generator(3), "generator_f": ResNetGenerator(ngf=4, n_blocks=3)}
        )
    with pytest.raises(WeightsError, match="KerasExampleGenerator, which can be used but not"):
        network_options({"generator_g": KerasExampleGenerator(ngf=2, n_blocks=1)})


def test_generators_say_the_channels_of_x_and_of_y():
    g = generator(3, input_channels=4, output_channels=1)
    f = generator(3, input_channels=1, output_channels=4)
    d = PatchDiscriminator(ndf=2, input_channels=5)
    for networks in ({"generator_g": g}, {"generator_f": f}, {"generator_g": g, "generator_f": f}):
        options = network_options({**networks, "discriminator_y": d})
        assert (options["input_nc"], options["output_nc"]) == (4, 1)
    assert "input_nc" not in network_options({"discriminator_y": d})
    with pytest.raises(WeightsError, match=r"generator_f has input_nc=1, another network 4"):
        network_options({"generator_g": g, "generator_f": g})


@pytest.mark.parametrize(("file", "channels"), [("gray1to1.pth", (1, 1)), ("rgb3to1.pth", (3, 1))])
def test_files_of_the_reference_with_other_channels(file, channels, shared_data):
    """What PyTorch answered is written beside them, NCHW."""
    folder = shared_data / "golden" / "checkpoints" / "field"
    if not folder.is_dir():
        pytest.skip("the folder of large test data holds no files of weights")
    networks = starting_networks(str(folder / file))
    options = network_options(networks)
    assert (options["input_nc"], options["output_nc"]) == channels
    with np.load(folder / "inputs_outputs.npz") as recorded:
        x, y = recorded[f"{file}/x"], recorded[f"{file}/y"]
    network = networks["generator_g"]
    translated = np.moveaxis(np.asarray(network(np.moveaxis(x, 1, -1), training=False)), -1, 1)
    np.testing.assert_allclose(translated, y, atol=2e-5)

    names = vars(NetworkOptions())
    built = build_generator(
        NetworkOptions(**{name: value for name, value in options.items() if name in names}),
        "generator_g",
        options["input_nc"],
        options["output_nc"],
    )
    assert [v.shape for v in built.variables] == [v.shape for v in network.variables]
