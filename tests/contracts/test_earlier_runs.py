"""Runs, generators and exports of an earlier commit go on working; see tests/earlier/README.md."""

import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT
from PIL import Image

from cyclegan_keras.commands import evaluate, train, train_setup, translate
from pipelines.data import Data

pytestmark = pytest.mark.slow  # whole commands

EARLIER = ROOT / "tests" / "earlier"
RECORDED = ("newest", "floor")
FLOOR_LATER = ("newest", pytest.param("floor", marks=pytest.mark.release))


def tolerance_of(run):
    """Of weights after four more steps: other versions of TensorFlow add up in another order."""
    versions = json.loads((run / "facts.json").read_text())["versions"]
    return 1e-5 if versions["tensorflow"] == tf.__version__ else 1e-3


def command(script, *flags):
    """Runs a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, script, *flags], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def recorded(tmp_path):
    """Copies what was recorded to where it may be changed."""

    def copy(versions: str) -> pathlib.Path:
        return pathlib.Path(shutil.copytree(EARLIER / versions, tmp_path / versions))

    return copy


def pixels(path):
    return np.asarray(Image.open(path)).astype(int)


def check_resumed(run, tolerance):
    made = np.load(run / "checkpoints" / "step_000000008.npz")
    expected = np.load(run / "expected_step_8.npz")
    assert set(made.files) == set(expected.files)
    for name in set(made.files) - {"__meta__"}:
        np.testing.assert_allclose(
            made[name], expected[name], rtol=tolerance, atol=tolerance, err_msg=name
        )


def check_metrics(run, before, tolerance):
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert rows[:4] == before[:4]
    for row, expected in zip(rows[4:], before[4:], strict=True):
        assert row.keys() == expected.keys()
        for name in row.keys() - {"images_per_second"}:
            assert row[name] == pytest.approx(expected[name], rel=tolerance, abs=tolerance), name


@pytest.mark.parametrize("versions", FLOOR_LATER)
def test_a_run_is_continued(versions, recorded, capsys):
    run = recorded(versions) / "cyclegan"
    before = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    tolerance = tolerance_of(run)
    assert train.main(["train.py", f"--run_dir={run}"]) == 0
    said = capsys.readouterr().out
    assert "after step 4." in said
    assert "Finished: step 8 of 8." in said
    check_resumed(run, tolerance)
    check_metrics(run, before, tolerance)


@pytest.mark.parametrize("versions", FLOOR_LATER)
def test_a_run_translates(versions, recorded):
    folder = recorded(versions)
    run, picture = folder / "cyclegan", folder / "picture.png"
    shutil.copy(run / "expected_step_8.npz", run / "checkpoints" / "step_000000008.npz")
    flags = (f"--model={run}", f"--input={picture}", f"--output={folder}/out.png")
    assert translate.main(["translate.py", *flags]) == 0
    assert np.abs(pixels(folder / "out.png") - pixels(run / "expected_translation.png")).max() <= 1


@pytest.mark.parametrize("versions", FLOOR_LATER)
def test_a_run_is_evaluated(versions, recorded):
    folder = recorded(versions)
    run = folder / "cyclegan"
    shutil.copy(run / "expected_step_8.npz", run / "checkpoints" / "step_000000008.npz")
    flags = (
        f"--model={run}",
        "--metrics=cycle,paired,steganography",
        "--max_pictures=6",
        f"--output={folder}/again",
    )
    assert evaluate.main(["evaluate.py", *flags]) == 0
    made, expected = (
        json.loads((folder / name).read_text())["directions"]
        for name in ("again/evaluation.json", "evaluation.json")
    )
    assert [way["direction"] for way in made] == [way["direction"] for way in expected]
    for way, earlier in zip(made, expected, strict=True):
        for measure, wanted in zip(way["measures"], earlier["measures"], strict=True):
            assert measure.keys() >= wanted.keys()
            assert measure["name"] == wanted["name"]
            for name in ("value", "floor", "ceiling"):
                if wanted[name] is None:
                    assert measure[name] is None
                else:
                    assert measure[name] == pytest.approx(wanted[name], rel=1e-3, abs=1e-3), name


@pytest.mark.release
@pytest.mark.parametrize("versions", RECORDED)
def test_a_run_is_exported(versions, recorded):
    folder = recorded(versions)
    said = command(
        "export.py",
        f"--run_dir={folder}/cyclegan",
        f"--output={folder}/export",
        "--format=saved_model",
    )
    assert "a_to_b saved_model" in said
    names = {path.name for path in (folder / "export").iterdir()}
    assert {"1", "2", "receipt.json", "receipt-1.json"} <= names  # the earlier export stays


@pytest.mark.parametrize("method", ["cut", "pix2pix"])
def test_runs_of_other_methods_are_continued(method, recorded, capsys):
    run = recorded("newest") / method
    before = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    tolerance = tolerance_of(run)
    assert train.main(["train.py", f"--run_dir={run}", "--ngf=5"]) == 2
    assert train.main(["train.py", f"--run_dir={run}"]) == 0
    check_resumed(run, tolerance)
    check_metrics(run, before, tolerance)


@pytest.mark.parametrize("versions", RECORDED)
@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("cyclegan/generator_g.keras", "cyclegan/expected_translation.png"),
        ("export", "expected_of_saved_model.png"),
    ],
)
def test_files_translate_as_before(versions, model, expected, recorded, capsys):
    folder = recorded(versions)
    flags = (
        f"--model={folder / model}",
        f"--input={folder}/picture.png",
        f"--output={folder}/out.png",
    )
    assert translate.main(["translate.py", *flags]) == 0
    assert np.abs(pixels(folder / "out.png") - pixels(folder / expected)).max() <= 1


@pytest.mark.parametrize("method", ["cut", "pix2pix"])
def test_generators_of_other_methods_translate_as_before(method, recorded, capsys):
    folder = recorded("newest")
    model = folder / method / "generator_g.keras"
    flags = (f"--model={model}", f"--input={folder}/picture.png", f"--output={folder}/out.png")
    assert translate.main(["translate.py", *flags]) == 0
    expected = folder / method / "expected_translation.png"
    assert np.abs(pixels(folder / "out.png") - pixels(expected)).max() <= 1


def test_batches_of_odd_pictures_stay_what_they_were(recorded, tmp_path):
    """Listing by ending, EXIF, color profiles and depth: all as at the earlier commit."""
    shutil.copytree(EARLIER / "odd_pictures", tmp_path / "odd_pictures")
    run = recorded("newest") / "cyclegan"
    saved = json.loads((run / "options.json").read_text())
    assert "reader_version" not in saved
    saved.update(
        dataset=str(tmp_path / "odd_pictures"),
        preprocess="resize_and_crop",
        crop_size=8,
        load_size=12,
        flip=True,
        max_dataset_size=None,
        batch_size=1,
        seed=5,
    )
    (run / "options.json").write_text(json.dumps(saved))
    options = train_setup.resolve_options({"run_dir": str(run)}).options
    data = Data(options["data"], seed=options["run"].seed)
    facts = data.facts()["data"]
    assert [facts[name]["count"] for name in ("trainA", "trainB")] == [13, 13]
    assert facts["trainA"]["sha256"].startswith("c93e37b5f09f953340be93792ad24947")
    expected = np.load(tmp_path / "odd_pictures" / "expected_batches.npz")
    for step, batch in enumerate(data.train(0, 14).as_numpy_iterator()):
        for side in ("x", "y"):
            found = np.rint((batch[side][0] + 1) * 127.5)
            np.testing.assert_array_equal(found, expected[f"{side}{step}"])


def test_a_tflite_file_translates_as_its_generator(recorded, capsys):
    folder = recorded("newest")
    translations = []
    for model in ("export/tflite/generator_g_fp32.tflite", "cyclegan/generator_g.keras"):
        output = folder / f"{pathlib.Path(model).suffix[1:]}.png"
        flags = (f"--model={folder / model}", f"--input={folder}/small.png", f"--output={output}")
        Image.open(folder / "picture.png").resize((32, 32)).save(folder / "small.png")
        assert translate.main(["translate.py", *flags]) == 0
        translations.append(pixels(output))
    assert np.abs(translations[0] - translations[1]).max() <= 1
