"""The export command: what a user types, sees and is left with."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import filelock
import numpy as np
import pytest
from conftest import ROOT
from golden_files import FOLDER
from made_runs import make_run
from PIL import Image

from cyclegan_keras.commands import export
from cyclegan_keras.export import saved_model
from cyclegan_keras.export.job import ExportedFile
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.translation.opening import open_generators
from cyclegan_keras.weights.networks import save_pth

pytestmark = [
    pytest.mark.slow,  # whole commands
    pytest.mark.usefixtures("unoptimized_graphs", "without_blocks"),
]


def run(*words):
    """Runs the command in this process."""
    return export.main(["export.py", *map(str, words)])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with generators, pictures, and a run that keeps an average of one generator."""
    folder = tmp_path_factory.mktemp("made")
    networks = {
        name: ResNetGenerator(ngf=2, n_blocks=0, init_gain=0.1, name=name)
        for name in ("generator_g", "generator_f", "average_generator_g")
    }
    for name, network in networks.items():
        network.save(folder / f"{name}.keras")
    (folder / "pictures").mkdir()
    for seed in range(2):
        values = np.random.default_rng(seed).integers(0, 256, (20, 24, 3)).astype("uint8")
        Image.fromarray(values).resize((48, 40)).save(folder / "pictures" / f"{seed}.png")
    make_run(folder / "run", networks)
    (folder / "folder").mkdir()
    save_pth(ResNetGenerator(ngf=2, n_blocks=1), folder / "folder" / "latest_net_G_A.pth")
    # What cannot be exported.
    (folder / "empty").mkdir()
    network = ResNetGenerator(ngf=2, n_blocks=0)
    network.get_layer("head_conv").bias.assign([np.nan] * 3)
    network.save(folder / "nan.keras")
    PatchDiscriminator(ndf=2, n_layers=1).save(folder / "d.keras")
    ResNetGenerator(input_channels=1, output_channels=1, ngf=2, n_blocks=0).save(
        folder / "gray.keras"
    )
    return folder


@pytest.fixture(scope="module")
def first(made, tmp_path_factory):
    """An export of two generators, of which the first is the run's average."""
    output = tmp_path_factory.mktemp("exports") / "first"
    code = run(
        f"--model={made}/average_generator_g.keras,{made}/generator_f.keras",
        f"--pictures={made}/pictures",
        "--format=saved_model",
        f"--output={output}",
        "--licence=CC0",
    )
    assert code == 0
    return output


@pytest.fixture(scope="module")
def second(made, first):
    """A folder with that export, and after it one of another generator."""
    output = first.with_name("second")
    shutil.copytree(first, output)
    code = run(
        f"--model={made}/generator_g.keras",
        f"--pictures={made}/pictures",
        "--format=saved_model",
        f"--output={output}",
    )
    assert code == 0
    return output


@pytest.fixture
def words(made):
    """What most commands of these tests share."""
    return [f"--model={made}/generator_g.keras", f"--pictures={made}/pictures"]


def names(folder):
    return {path.name for path in folder.iterdir() if path.name[0] != "."}


def test_an_export_leaves_everything_and_a_receipt(first):
    grids = {"receipt_a_to_b.png", "receipt_b_to_a.png"}
    assert names(first) == {"1", "receipt.json", "receipt.md", *grids}
    receipt = json.loads((first / "receipt.json").read_text())
    assert [row["direction"] for row in receipt["files"]] == ["a_to_b", "b_to_a"]
    for row in receipt["files"]:
        assert row["good"]
        assert row["max_abs_error"] <= 1.01 / 127.5
        assert len(row["sha256"]) == 64
    assert "tensorflow" in receipt["versions"]
    model = first / "1" / "assets.extra" / "model.json"
    assert json.loads(model.read_text())["licence"] == "CC0"
    with Image.open(first / "receipt_a_to_b.png") as grid:
        assert grid.size == (3 * 192, 16 + 2 * 192)
        assert np.asarray(grid).std() > 20
    table = (first / "receipt.md").read_text()
    assert "| `1` | saved_model | a_to_b |" in table


def test_whole_files_are_compared(first):
    receipt = json.loads((first / "receipt.json").read_text())
    for row in receipt["files"]:
        kinds = {"original", "jpeg", "png_with_alpha", "png_gray", "png_16_bit"}
        assert set(row["files"]) == kinds
        assert row["files"]["original"]["count"] == 2
        assert row["files_max_abs_error"] <= 1.01 / 127.5
    table = (first / "receipt.md").read_text()
    assert "| `1` a_to_b | png with alpha | 1 |" in table


def test_a_gray_generator_is_exported(made, tmp_path):
    code = run(
        f"--model={made}/gray.keras",
        f"--pictures={made}/pictures",
        "--format=saved_model",
        f"--output={tmp_path}",
    )
    assert code == 0
    model = json.loads((tmp_path / "1" / "assets.extra" / "model.json").read_text())
    assert model["generators"]["a_to_b"]["input_channels"] == 1
    assert model["inputs"]["a_to_b"]["picture_files"] is True


def test_a_second_export_gets_the_next_number_and_loses_nothing(second):
    assert names(second) >= {"1", "2", "receipt.json", "receipt-1.json", "receipt_a_to_b-1.png"}
    assert json.loads((second / "receipt-1.json").read_text())["files"][0]["path"] == "1"
    assert json.loads((second / "receipt.json").read_text())["files"][0]["path"] == "2"


def test_every_export_keeps_the_earlier_ones_also_without_a_saved_model(tmp_path):
    output = tmp_path / "output"
    for number in (1, 2, 3, 4):
        version = export.next_version(output)
        assert version == number
        staged = tmp_path / f"staged-{number}"
        (staged / "web").mkdir(parents=True)
        (staged / "web" / "index.html").write_text(str(number))
        if number == 1:
            (staged / "web.html").write_text("1")  # later exports leave the single file out
        (staged / "receipt.json").write_text(str(number))
        output.mkdir(exist_ok=True)
        export.publish(staged, output, version)
    pages = ["web", "web-1", "web-2", "web-3"]
    assert sorted(path.name for path in output.glob("web*")) == sorted([*pages, "web-1.html"])
    for name, number in zip(pages, "4123", strict=True):
        assert (output / name / "index.html").read_text() == number
        assert (output / f"receipt{name.removeprefix('web')}.json").read_text() == number


def test_a_run_is_exported_by_its_last_checkpoint_with_averages(
    made, first, second, tmp_path, capsys
):
    code = run(
        f"--run_dir={made}/run",
        f"--pictures={made}/pictures",
        f"--calibration_dir={made}/pictures",
        "--format=saved_model",
        f"--output={tmp_path}",
    )
    assert code == 0
    out = capsys.readouterr().out
    assert "a_to_b saved_model" in out
    assert "b_to_a saved_model" in out
    source = json.loads((tmp_path / "receipt.json").read_text())["source"]
    assert (source["step"], source["name"]) == (5, "run")
    # What a server is given tells nobody where things lie on this machine.
    for file in (tmp_path / "1").rglob("*"):
        assert not file.is_file() or os.fsencode(made) not in file.read_bytes(), file
    grid, average, other = (
        np.asarray(Image.open(folder / "receipt_a_to_b.png"))
        for folder in (tmp_path, first, second)
    )
    np.testing.assert_array_equal(grid, average)
    assert np.any(grid != other)


def test_direction_b_to_a_of_the_run_names_the_directions(made, tmp_path, capsys):
    run_dir = shutil.copytree(made / "run", tmp_path / "run")
    options = json.loads((run_dir / "options.json").read_text())
    (run_dir / "options.json").write_text(json.dumps({**options, "direction": "BtoA"}))
    assert run(f"--run_dir={run_dir}", "--dry_run", "--format=saved_model") == 0
    assert json.loads(capsys.readouterr().out)["directions"] == ["b_to_a", "a_to_b"]


@pytest.mark.parametrize(
    ("typed", "size"), [([], "36"), (["--tflite_size=64,96x128"], "64,96x128")]
)
def test_graphs_for_phones_have_the_size_of_the_training(typed, size, made, tmp_path, capsys):
    run_dir = shutil.copytree(made / "run", tmp_path / "run")
    options = json.loads((run_dir / "options.json").read_text())
    (run_dir / "options.json").write_text(json.dumps({**options, "crop_size": 36}))
    assert run(f"--run_dir={run_dir}", "--dry_run", *typed) == 0
    assert json.loads(capsys.readouterr().out)["tflite_size"] == size


def test_dry_run_writes_nothing(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(*words, "--dry_run", "--format=saved_model") == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["version"], plan["output"]) == (1, "saved_models/generator_g")
    assert not list(tmp_path.iterdir())


def test_a_file_under_its_threshold_is_rejected(words, tmp_path, monkeypatch, capsys):
    """The files are real; only what counts as good is out of reach."""
    monkeypatch.setattr(saved_model, "LEAST_PSNR_DB", 1000.0)
    assert run(*words, "--format=saved_model", f"--output={tmp_path}") == 1
    assert "rejected" in capsys.readouterr().out
    assert "1.rejected" in names(tmp_path)
    assert "**no**, under 1000 dB" in (tmp_path / "receipt.md").read_text()


@pytest.mark.parametrize(("allowed", "name"), [(False, "1.rejected"), (True, "1")])
def test_quality_loss_can_be_allowed(allowed, name, tmp_path, capsys):
    path = tmp_path / "1"
    path.mkdir()
    bad = ExportedFile(
        path=path,
        kind="saved_model",
        direction=Direction.A_TO_B,
        facts={"psnr_db": 20.0},
        least_psnr_db=30.0,
    )
    assert export.reject([bad], allowed=allowed) == (0 if allowed else 1)
    assert [bad.path] == [tmp_path / name] == list(tmp_path.iterdir())
    kept = "kept" if allowed else "rejected"
    assert f"20.0 dB to Keras, expected at least 30: {kept}." in capsys.readouterr().out


HERE = ["--model=made/generator_g.keras", "--pictures=made/pictures"]
BAD_INPUT = {
    "nothing": ([], "--run_dir=<a run> or --model=<a file>"),
    "both": (["--run_dir=x", "--model=y.keras"], "either --run_dir"),
    "no run": (["--run_dir=nowhere"], "nowhere is not a run"),
    "no model": (["--model=nowhere.keras"], "nowhere.keras is not a file"),
    "format": (["--model=x.keras", "--format=coreml"], "--format=coreml: expected some of"),
    "no format": (["--model=x.keras", "--format="], "--format is empty"),
    "no pictures": (
        ["--model=made/generator_g.keras", "--pictures=made/empty"],
        "holds no pictures",
    ),
    "not finite": (["--model=made/nan.keras"], "not finite"),
    "no generator": (["--model=made/d.keras"], "does not say which network it holds"),
    "discriminator": (["--model=discriminator_x=made/d.keras"], "but no generator"),
    "twice": (["--model=made/nan.keras,made/nan.keras"], "Two files are given for generator_g"),
    "size": ([*HERE, "--format=tflite", "--tflite_size=48x50"], "takes no pictures of 48x50"),
    "batch": ([*HERE, "--format=tflite", "--tflite_batch=0"], "--tflite_batch=0: expected"),
    "no size": ([*HERE, "--format=tflite", "--tflite_size=big"], "--tflite_size=big: expected"),
    "variant": ([*HERE, "--format=tflite", "--tflite_variants=int4"], "no TFLite variant 'int4'"),
    "side": ([*HERE, "--format=saved_model,tflite", "--tflite_size=4"], "at least 8"),
    "variant of two": ([*HERE, "--tflite_variants=fp32,nope"], "no TFLite variant 'nope'"),
    "unwritable": ([*HERE, "--output=made/pictures/0.png"], "Cannot write to made/pictures/0.png"),
    "unknown flag": (["--modle=x"], "Did you mean --model"),
}


@pytest.mark.parametrize(("typed", "expected"), BAD_INPUT.values(), ids=list(BAD_INPUT))
def test_bad_input_is_a_sentence(typed, expected, made, tmp_path, monkeypatch, capsys):
    if "--format=tflite" in typed:
        pytest.importorskip("ai_edge_litert")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made").symlink_to(made)
    before = set(tmp_path.rglob("*"))
    assert run(*typed) == 2
    (line,) = [row for row in capsys.readouterr().err.splitlines() if row.startswith("export.py:")]
    assert expected in line
    assert set(tmp_path.rglob("*")) == before


LIGHTNING = FOLDER / "checkpoints" / "lightning_ngf2.ckpt"


@pytest.mark.parametrize(
    ("model", "directions"),
    [
        ("made/average_generator_g.keras", ["a_to_b"]),
        ("made/generator_f.keras", ["b_to_a"]),
        ("made/average_generator_g.keras,made/gray.keras", ["a_to_b", "b_to_a"]),
        ("generator_f=made/gray.keras", ["b_to_a"]),
        ("made/folder", ["a_to_b"]),
        (f"{LIGHTNING}", ["a_to_b", "b_to_a"]),
        (f"{LIGHTNING}@generator_B2A", ["b_to_a"]),
        (f"generator_g={LIGHTNING}@generator_B2A", ["a_to_b"]),
    ],
)
def test_directions_are_those_in_which_pictures_are_translated(
    model, directions, made, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made").symlink_to(made)
    assert run(f"--model={model}", "--dry_run", "--format=saved_model") == 0
    plan = json.loads(capsys.readouterr().out)
    assert sorted(plan["directions"]) == directions
    assert plan["source"]["name"] == pathlib.Path(model.partition(",")[0]).name.split(".")[0]
    assert len(plan["source"]["sha256"]) == len(model.split(","))
    assert sorted(found.signature for found in open_generators(model)) == directions


def test_two_exports_to_one_folder_do_not_mix(words, tmp_path, capsys):
    tmp_path.mkdir(exist_ok=True)
    with filelock.FileLock(tmp_path / ".lock"):
        assert run(*words, "--format=saved_model", f"--output={tmp_path}") == 2
    assert "Another process is exporting" in capsys.readouterr().err
    assert names(tmp_path) == set()


@pytest.mark.release
def test_a_killed_export_leaves_nothing_half(words, tmp_path):
    """What writes the SavedModel is real; it kills its process as soon as it has written."""
    code = (
        "import os, signal, sys\n"
        "from cyclegan_keras.commands import export\n"
        "from cyclegan_keras.export import saved_model\n"
        "write = saved_model.write_saved_model\n"
        "def write_and_die(job):\n"
        "    write(job)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "saved_model.write_saved_model = write_and_die\n"
        "export.main(sys.argv)"
    )
    command = [sys.executable, "-c", code, *words, "--format=saved_model", f"--output={tmp_path}"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert process.returncode == -signal.SIGKILL, process.stderr[-3000:]
    assert list(tmp_path.glob(".partial-*"))
    assert names(tmp_path) == set()
    assert run(*words, "--format=saved_model", f"--output={tmp_path}") == 0
    assert "1" in names(tmp_path)
    assert not list(tmp_path.glob(".partial-*"))


def test_leftovers_of_a_killed_export_are_removed(tmp_path):
    stale = tmp_path / ".partial-stale"
    (stale / "1").mkdir(parents=True)
    with export.staging(tmp_path) as folder:
        assert not stale.exists()
        assert folder.is_dir()
    assert names(tmp_path) == set()


def test_help_is_complete(capsys):
    assert run("--help") == 0
    out = capsys.readouterr().out
    assert "python export.py --run_dir" in out
    assert "--tflite_size" in out
