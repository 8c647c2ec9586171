"""What cannot be compressed: each is one sentence and exit code 2, before anything is written."""

import shutil
import types

import keras
import numpy as np
import pytest
from made_runs import make_run
from PIL import Image

from cyclegan_keras.commands import compress
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Models and pictures of all kinds."""
    folder = tmp_path_factory.mktemp("given")
    ResNetGenerator(ngf=4, n_blocks=1).save(folder / "g.keras")
    bands = ResNetGenerator(ngf=4, n_blocks=1, input_channels=5)
    bands.save(folder / "bands.keras")
    PatchDiscriminator(ndf=2, n_layers=1).save(folder / "discriminator_x.keras")
    (folder / "other").mkdir()
    inputs = keras.Input((None, None, 3))
    keras.Model(inputs, keras.layers.Conv2D(3, 1)(inputs)).save(
        folder / "other" / "generator_g.keras"
    )
    (folder / "a.tflite").write_bytes(b"\x1c\0\0\0TFL3")
    (folder / "export" / "1").mkdir(parents=True)
    (folder / "export" / "1" / "saved_model.pb").touch()
    (folder / "empty").mkdir()
    (folder / "photos").mkdir()
    for index in range(3):
        pixels = np.full((20, 20, 3), 60 * index, "uint8")
        Image.fromarray(pixels).save(folder / "photos" / f"{index}.png")
    make_run(folder / "training", {}, dataset="demo/ponies")
    make_run(folder / "begun", {}, model="moved.pth", shape="2x1")
    return folder


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--target_kb=9", "--model is missing"),
        ("--model={0}/g.keras", "Nothing says how small"),
        ("--model={0}/g.keras --shape=4x1 --target_kb=9", "give one of them"),
        ("--model={0}/g.keras --dry_run --target_macs=1e12", "nothing to compress"),
        ("--model={0}/g.keras --dry_run --target_macs=10", "no generator is so small"),
        ("--model={0}/g.keras --dry_run --target_macs=0", "no generator is so small"),
        ("--model={0}/nothing.keras --target_kb=-5", "expected at least 0"),
        ("--model={0}/g.keras --dry_run --target_kb=9 --size=30x41", "no pictures of 30x41"),
        ("--model={0}/g.keras --shape=2x1 --pictures={0}/photos --run_dir={0}/a.tflite", "a file"),
        ("--model={0}/g.keras --shape=9x1 --pictures={0}/photos", "does not lie within"),
        ("--model={0}/g.keras --shape=blue --pictures={0}/photos", "cannot be read"),
        ("--model={0}/nothing.keras --shape=2x1", "does not exist"),
        ("--model={0}/discriminator_x.keras --shape=2x1", "but no generator"),
        ("--model={0}/a.tflite --shape=2x1", "is a .tflite file"),
        ("--model={0}/export/1 --shape=2x1", "is a SavedModel"),
        ("--model={0}/g.keras --shape=2x1", "does not say what it was trained on"),
        ("--model={0}/g.keras --shape=2x1 --dataset=a --pictures=b", "give one of them"),
        ("--model={0}/g.keras --shape=2x1 --pictures={0}/nowhere", "is no folder"),
        ("--model={0}/bands.keras --shape=2x1 --pictures={0}/photos", "channels"),
        ("--model={0}/g.keras --shape=2x1 --direction=BtoA", "translates AtoB only"),
        (
            "--model={0}/g.keras --shape=2x1 --pictures={0}/photos --preprocess=crop "
            "--crop_size=32",
            "are smaller than --crop_size=32",
        ),
        ("--model={0}/g.keras --shape=2x1 --pictures={0}/photos --gan", "--gan needs real"),
        ("--model={0}/g.keras --shape=2x1 --dataset=demo/ponies --gan", "discriminators of a run"),
        ("--run_dir={0}/training --shape=2x1", "holds a training"),
        ("--run_dir={0}/begun", "begun was begun with it: say by --model where it lies now"),
        (
            "--model={0}/g.keras --shape=2x1 --pictures={0}/photos --run_dir={0}/photos",
            "holds files but no options.json",
        ),
        ("--model={0}/g.keras --minutes=0 --shape=2x1", "--minutes=0"),
        pytest.param(
            "--model={0}/g.keras --shape=9x1 --pictures={0}/photos",
            "does not lie within",
            marks=pytest.mark.release,
        ),
        pytest.param(
            "--model={0}/other --shape=2x1", "expected a generator", marks=pytest.mark.release
        ),
        pytest.param(
            "--model={0}/export --shape=2x1", "is a SavedModel", marks=pytest.mark.release
        ),
        pytest.param(
            "--model={0}/g.keras --shape=2x1 --pictures={0}/empty",
            "no pictures that can be read",
            marks=pytest.mark.release,
        ),
        pytest.param(
            "--model={0}/g.keras --shape=2x1 --direction=both",
            "translates AtoB only",
            marks=pytest.mark.release,
        ),
        pytest.param(
            "--model={0}/g.keras --shape=2x1 --pictures={0}/photos --size=0",
            "--size=0",
            marks=pytest.mark.release,
        ),
        ("--model={0}/g.keras --minutes=inf --shape=2x1", "--minutes=inf"),
        ("--model={0}/g.keras --shape=2x1 --gan --steps=2", "give at least 3"),
        (
            "--model={0}/g.keras --shape=2x1 --pictures={0}/photos --resize_filter=foo",
            "--resize_filter=foo",
        ),
        (
            "--model={0}/g.keras --shape=2x1 --pictures={0}/photos --preprocess=crop --crop_size=4",
            "takes no side below 8 px",
        ),
    ],
)
def test_what_cannot_be_compressed_is_a_sentence(
    folder, words, sentence, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    words = [word.format(folder) for word in words.split()]
    assert compress.main(["compress.py", *words]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_noticed_before_anything_is_written(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=0))
    words = (f"--model={folder}/g.keras", f"--pictures={folder}/photos", "--cache_gb=1")
    rest = ("--shape=2x1", "--steps=9", "--lambda_perceptual=0", f"--run_dir={tmp_path}/runs/small")
    assert compress.main(["compress.py", *words, *rest]) == 2
    assert "0.00 GB are free" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
