"""A run knows its pictures, wherever they lie: what moved is continued, what differs is refused."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.commands import train
from cyclegan_keras.files.errors import TrainingError
from cyclegan_keras.runs.run import Run
from pipelines.data import Data
from pipelines.options import DataOptions

SIZES = ("--load_size=18", "--crop_size=16")


@pytest.fixture(autouse=True)
def no_training(monkeypatch):
    """A training that gets as far as its networks has accepted the pictures."""

    def accepted(options, data, learning_rates):
        raise TrainingError(f"accepted {data.options.dataset} and {data.options.pairs}")

    monkeypatch.setattr(train, "build_trainer", accepted)


@pytest.fixture
def at(tmp_path, monkeypatch):
    """The working folder, with the data set `plain` of small pictures, and pairs of them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    write_pictures(tmp_path / "plain", seed=0)
    write_pairs(tmp_path / "plain" / "pairs.csv", ["trainA/0.png,trainB/0.png"])
    return tmp_path


def write_pictures(folder, seed, count=3):
    random = np.random.default_rng(seed)
    for name in ("trainA", "trainB"):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            pixels = random.integers(0, 256, (20, 20, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")


def write_pairs(file, rows):
    file.write_text("\n".join(["A,B", *rows]) + "\n")


def begin(folder, step=0, **options):
    """Writes what a run on `plain` leaves behind, with a checkpoint where `step` is not 0."""
    saved = {"dataset": "plain", "method": "cyclegan", "reader_version": 2, **options}
    names = ("dataset", "pairs", "reader_version")
    chosen = {name: saved[name] for name in names if name in saved}
    data = Data(DataOptions(**chosen, crop_size=16, load_size=18), seed=0)
    run = Run(folder)
    run.create()
    run.save_options(saved)
    run.save_facts(data.facts())
    if step:
        run.save(step, {})
    return run


def outcome(capsys, caplog, *words):
    """Runs the command; returns what it wrote on standard error."""
    caplog.clear()
    with caplog.at_level("INFO"):
        assert train.main(["train.py", *SIZES, *words]) == 2
    return "\n".join([*(record.getMessage() for record in caplog.records), capsys.readouterr().err])


SPELLINGS = ("plain", "plain/", "./plain", "{here}/plain", "~/plain", "{here}/x/../plain", "link")


@pytest.mark.parametrize("option", ["dataset", "pairs"])
@pytest.mark.parametrize("spelled", SPELLINGS)
def test_one_place_has_many_spellings(spelled, option, at, capsys, caplog):
    (at / "x").mkdir()
    (at / "link").symlink_to("plain")
    begin("run", pairs="plain/pairs.csv")
    path = spelled.format(here=at) + ("" if option == "dataset" else "/pairs.csv")
    said = outcome(capsys, caplog, "--run_dir=run", f"--{option}={path}")
    assert "accepted plain and plain/pairs.csv" in said
    assert "now lie" not in said


@pytest.mark.parametrize("path", ["renamed", "{here}/mnt/plain", "~/mnt/plain"])
def test_moved_pictures_continue_their_run(path, at, capsys, caplog):
    begin("run")
    target = at / path.format(here=at).replace("~", str(at))
    target.parent.mkdir(exist_ok=True)
    (at / "plain").rename(target)
    said = outcome(capsys, caplog, "--run_dir=run", f"--dataset={path.format(here=at)}")
    assert (
        f"The pictures of --dataset=plain now lie in {target}".replace(
            str(target), path.format(here=at).replace("~", str(at))
        )
        in said
    )
    assert "accepted" in said
    assert "have changed" not in said


def test_other_pictures_elsewhere_are_refused(at, capsys, caplog):
    begin("run")
    write_pictures(at / "other", seed=1, count=4)
    said = outcome(capsys, caplog, "--run_dir=run", "--dataset=other")
    assert "run was trained on --dataset=plain, but --dataset=other holds other pictures" in said
    assert "trainA had 3 and now has 4, trainB had 3 and now has 4" in said
    assert "accepted" not in said
    said = outcome(capsys, caplog, "--run_dir=run", "--dataset=demo/ponies")
    assert "--dataset=demo/ponies holds other pictures" in said


def test_other_pictures_in_the_same_place_are_a_warning_later(at, capsys, caplog):
    run = begin("run")
    shutil.rmtree(at / "plain")
    write_pictures(at / "plain", seed=1, count=4)
    assert "accepted" in outcome(capsys, caplog, "--run_dir=run", "--dataset=plain")
    run.note_facts(Data(DataOptions(dataset="plain", crop_size=16), seed=0).facts())
    assert "The pictures have changed since the run began (trainA had 3 and now has" in caplog.text


def test_a_run_without_fingerprints_goes_by_the_place(at, capsys, caplog):
    run = begin("run")
    run.save_facts({"domains": ["A", "B"]})
    (at / "plain").rename(at / "renamed")
    said = outcome(capsys, caplog, "--run_dir=run", "--dataset=renamed")
    assert "holds a run with other options: --dataset=renamed (the run has plain)" in said


@pytest.mark.parametrize(
    ("rows", "accepted"),
    [(["trainA/0.png,trainB/0.png"], True), (["trainA/1.png,trainB/0.png"], False)],
)
@pytest.mark.parametrize("name", ["pairs.csv", "of_today.csv"])
def test_pairs_are_known_by_what_their_file_lists(name, rows, accepted, at, capsys, caplog):
    begin("run", pairs="plain/pairs.csv")
    (at / "plain" / "pairs.csv").unlink()
    shutil.copytree(at / "plain", at / "copy")
    write_pairs(at / "copy" / name, rows)
    said = outcome(capsys, caplog, "--run_dir=run", f"--pairs=copy/{name}")
    if accepted:
        assert f"accepted plain and copy/{name}" in said
        assert f"The pictures of --pairs=plain/pairs.csv now lie in copy/{name}" in said
    else:
        assert (
            f"--pairs=copy/{name} holds other pictures: pairsA has 1 as before, but with other"
            in said
        )


@pytest.mark.parametrize("words", [(), ("--dataset=plain",)])
@pytest.mark.parametrize(
    ("gone", "saved"),
    [
        ("dataset", {"dataset": "plain"}),
        ("pairs", {"dataset": "demo/ponies", "pairs": "plain/pairs.csv"}),
        ("data_dir", {"dataset": "cycle_gan/maps", "data_dir": "plain"}),
    ],
)
def test_a_missing_place_is_named_with_the_way_to_go_on(gone, saved, words, at, capsys, caplog):
    run = begin("run")
    run.save_options({**run.saved_options(), **saved})
    (at / "plain").rename(at / "renamed")
    if gone != "dataset":
        words = ()
    said = outcome(capsys, caplog, "--run_dir=run", *words)
    assert f"run was trained with --{gone}={saved[gone]}, which is not there: add --{gone}=" in said
    capsys.readouterr()
    assert train.main(["train.py", "--run_dir=run", "--dry_run"]) == 0
    assert json.loads(capsys.readouterr().out)["dataset"] == saved["dataset"]


def test_a_renamed_folder_does_not_hide_its_run(at, capsys, caplog):
    begin("runs/plain-cyclegan")
    begin("runs/broken")
    (at / "runs" / "broken" / "options.json").write_text("{")
    (at / "plain").rename(at / "renamed")
    said = outcome(capsys, caplog, "--dataset=renamed")
    assert "add --run_dir=runs/plain-cyclegan to continue it" in said
    assert "--run_dir=runs/renamed-cyclegan for a new run" in said
    # All these are no mistake.
    for words in (
        ("--dataset=renamed", "--run_dir=runs/renamed-cyclegan"),
        ("--dataset=renamed", "--run_dir=runs/plain-cyclegan"),
        ("--dataset=renamed", "--method=cut"),
    ):
        assert "accepted" in outcome(capsys, caplog, *words), words
    write_pictures(at / "other", seed=1)
    assert "accepted" in outcome(capsys, caplog, "--dataset=other")


def test_a_run_with_a_name_of_its_own_is_not_overlooked(at, capsys, caplog):
    begin("runs/mine")
    said = outcome(capsys, caplog, "--dataset=plain")
    assert "runs/mine was trained on the pictures of plain: add --run_dir=runs/mine" in said
    begin("runs/another", step=3)
    said = outcome(capsys, caplog, "--dataset=plain")
    assert "runs/another was trained on the pictures of plain: add --run_dir=runs/anoth" in said
    assert "So was runs/mine." in said
    assert "accepted" in outcome(capsys, caplog, "--dataset=plain", "--run_dir=runs/plain-cyclegan")
    assert "accepted" in outcome(capsys, caplog, "--dataset=demo/ponies")


def test_what_a_run_began_with_is_not_read_again(at, capsys, caplog):
    begin("run", step=3, init_from="gone.keras")
    said = outcome(capsys, caplog, "--run_dir=run", "--init_from=/nowhere/gone.keras")
    assert "run began with --init_from=gone.keras and is continued" in said
    assert "accepted" in said
    said = outcome(capsys, caplog, "--run_dir=run", "--seed=0", "--pool_size=3")
    assert "accepted" in said


def test_a_run_without_a_checkpoint_may_begin_with_other_weights(at, capsys, caplog):
    begin("run", init_from="gone.keras")
    said = outcome(capsys, caplog, "--run_dir=run", "--init_from=here.keras")
    assert "run has no checkpoint yet: it begins with --init_from=here.keras." in said
    assert "here.keras" in said.splitlines()[-1]  # which is opened, and is not there


def test_weights_for_a_run_that_began_without_any_are_refused(at, capsys, caplog):
    begin("run", step=3, init_from=None)
    said = outcome(capsys, caplog, "--run_dir=run", "--init_from=here.keras")
    assert "--init_from=here.keras (the run has None)" in said
