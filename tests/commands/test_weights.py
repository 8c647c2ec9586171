import runpy
import sys

import numpy as np
import pytest
from golden_files import FOLDER

from cyclegan_keras.commands import weights
from cyclegan_keras.commands.weights import main
from cyclegan_keras.weights.networks import load_network
from cyclegan_keras.weights.safetensors_file import read_safetensors
from cyclegan_keras.weights.torch_file import read_state_dicts

RECORDED = FOLDER / "checkpoints" / "resnet6_ngf4_zip.pth"


def test_there_and_back(tmp_path, capsys):
    keras_file, torch_file = tmp_path / "generator_g.keras", tmp_path / "latest_net_G_A.pth"
    assert main(["import", str(RECORDED), f"--output={keras_file}"]) == 0
    assert main(["export-pth", str(keras_file), f"--output={torch_file}"]) == 0
    out = capsys.readouterr().out
    assert "ResNetGenerator(input_channels=3, output_channels=3, ngf=4, n_blocks=6" in out
    assert f"-> {keras_file}" in out
    before, after = (read_state_dicts(path)[""] for path in (RECORDED, torch_file))
    assert list(before) == list(after)
    for key, array in before.items():
        np.testing.assert_array_equal(after[key], array)


def test_without_an_output_it_only_prints(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["import", str(RECORDED.with_name("training_state_zip.pth"))]) == 0
    out = capsys.readouterr().out
    assert "netG_A: ResNetGenerator" in out
    assert "netD_A: PixelDiscriminator" in out
    assert not list(tmp_path.iterdir())


def test_running_statistics_are_told_in_one_line(capsys):
    assert main(["import", str(RECORDED.with_name("resnet6_ngf4_old_instancenorm_zip.pth"))]) == 0
    note, network = capsys.readouterr().out.splitlines()
    assert "the running statistics of 17 instance norms are left out" in note
    assert "ResNetGenerator" in network


def test_safetensors_of_a_network_of_lightning(tmp_path, capsys):
    file, output = str(RECORDED.with_name("lightning_ngf2.ckpt")), tmp_path / "g.keras"
    assert main(["import", file, f"--output={output}"]) == 2
    err = capsys.readouterr().err
    assert "holds the networks ['generator_A2B', 'generator_B2A'], so name one" in err
    assert main(["import", file, "--network=generator_B2A", f"--output={output}"]) == 0
    assert main(["export-pth", str(output), f"--output={tmp_path / 'g.safetensors'}"]) == 0
    written = read_safetensors(tmp_path / "g.safetensors")
    recorded = read_state_dicts(file)["state_dict"]
    for key, array in written.items():
        np.testing.assert_array_equal(array, recorded[f"generator_B2A.{key}"])


def test_one_network_of_several(tmp_path):
    path = str(RECORDED.with_name("training_state_legacy.pth"))
    output = tmp_path / "d.keras"
    assert main(["import", path, "--network=netD_A", f"--output={output}"]) == 0
    assert load_network(output).ndf == 2


@pytest.mark.parametrize(
    ("arguments", "words", "exit_code"),
    [
        (["import", "missing.pth"], "missing.pth is not a file", 2),
        (["import", str(RECORDED.with_name("MALICIOUS_os_system_zip.pth"))], "posix.system", 2),
        (["import", str(RECORDED), "--output=no/such/folder/g.keras"], "no/such/folder", 1),
        (["export-pth", "missing.keras", "--output=g.pth"], "missing.keras is not a file", 2),
    ],
)
def test_errors_are_sentences(arguments, words, exit_code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == exit_code
    err = capsys.readouterr().err
    assert err.startswith("weights: ")
    assert words in err
    assert not (tmp_path / "PWNED").exists()


def test_other_endings_are_refused(capsys):
    with pytest.raises(SystemExit):
        main(["import", str(RECORDED), "--output=g.h5"])
    assert "must end in .keras" in capsys.readouterr().err


def test_as_python_calls(tmp_path, capsys):
    output = tmp_path / "d.keras"
    weights.import_weights(
        RECORDED.with_name("training_state_zip.pth"), output=output, network="netD_A"
    )
    weights.export_pth(output, output=tmp_path / "d.pth")
    assert (tmp_path / "d.pth").exists()
    assert "PixelDiscriminator(input_channels=3, ndf=2, norm='instance'" in capsys.readouterr().out


def test_the_former_name_of_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["checkpoints", "import", str(RECORDED)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("cyclegan_keras.checkpoints", run_name="__main__")
    assert ended.value.code == 0
    assert "n_blocks=6" in capsys.readouterr().out
