"""The evaluate command: what a user types, sees and is left with."""

import json
import shutil

import numpy as np
import pytest
from made_receipts import made_receipt
from made_runs import make_run
from PIL import Image

from cyclegan_keras.commands import evaluate
from cyclegan_keras.compression.receipt_files import write_receipt
from cyclegan_keras.evaluation.options import EvaluationOptions
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.images.values import Values
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.runs.run import Run
from cyclegan_keras.translation.opening import open_translators, usual_direction
from pipelines.data import open_source
from pipelines.options import DataOptions

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unoptimized_graphs")]
DEMO = ("--dataset=demo/ponies", "--metrics=paired", "--max_pictures=4")


def run(*words):
    """Runs the command in this process."""
    return evaluate.main(["evaluate.py", *words])


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run of two untrained generators, which says that it is a compression."""
    networks = {name: ResNetGenerator(ngf=2, n_blocks=3) for name in ("generator_g", "generator_f")}
    folder = make_run(
        tmp_path_factory.mktemp("runs") / "ponies",
        networks,
        step=7,
        facts={"domains": ["zebra", "horse"], "data": {"name": "demo/ponies"}},
        dataset="demo/ponies",
        crop_size=32,
        load_size=32,
        eval_every=5,
        direction="BtoA",
    )
    Run(folder).append_metrics({"step": 5, "d_x": 0.5})
    write_receipt(made_receipt(), folder)
    return folder


def folder_of(path, count, size=20, seed=0):
    path.mkdir(parents=True)
    for index, values in enumerate(
        np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)
    ):
        Image.fromarray(values).save(path / f"{index}.png")
    return path


@pytest.fixture(autouse=True)
def few_other_pictures(monkeypatch):
    monkeypatch.setattr("cyclegan_keras.evaluation.held_out.OTHER_REAL", 4)


@pytest.fixture
def opened_once(efficientnet, monkeypatch):
    """Gives commands the one feature network that all tests share."""

    def open_features(name, weights):
        assert (name, weights) == ("efficientnet_lite0", None)
        return efficientnet

    monkeypatch.setattr("cyclegan_keras.evaluation.features.open_features", open_features)


@pytest.mark.usefixtures("opened_once")
def test_a_run_is_evaluated_on_the_part_that_did_not_choose_it(run_dir, tmp_path, capsys):
    report = tmp_path / "pages" / "report.html"
    metrics = "--metrics=kid,perceptual,hit_rate,paired,cycle"
    assert run(f"--model={run_dir}", "--max_pictures=4", metrics, f"--report={report}") == 0
    out = capsys.readouterr().out
    assert out.index("zebra to horse") < out.index("horse to zebra")  # x is B: it shows zebras
    assert "zebra hit rate, top 1" in out
    written = json.loads(
        (run_dir / "evaluations" / "step_000000007" / "evaluation.json").read_text()
    )
    assert written["step"] == "7"
    assert written["test pictures"] == "held out"
    assert written["precision"] == "float32"
    assert written["evaluated on"] == "demo/ponies"
    names = [[m["name"] for m in direction["measures"]] for direction in written["directions"]]
    assert names[0][:2] == ["KID", "Perceptual distance to the input"]
    assert "horse to zebra" in report.read_text()
    assert "d_x" in report.read_text()
    assert "Compressed from vintagify: 64x9 to 16x6" in report.read_text()


def test_an_evaluation_says_its_precision_and_has_a_folder_of_its_own(run_dir, tmp_path):
    copy = shutil.copytree(run_dir, tmp_path / "ponies", ignore=lambda *_: ["evaluations"])
    words = ("--metrics=cycle", "--max_pictures=3", "--part=all", "--direction=AtoB")
    assert run(f"--model={copy}", *words, "--precision=bfloat16") == 0
    (written,) = copy.glob("evaluations/*/evaluation.json")
    assert written.parent.name == "step_000000007_bfloat16"
    assert json.loads(written.read_text())["precision"] == "bfloat16"


def test_copying_gets_the_score_of_copies(tmp_path, capsys):
    assert run("--model=copy", *DEMO, f"--output={tmp_path}") == 0
    directions = json.loads((tmp_path / "evaluation.json").read_text())["directions"]
    assert [direction["direction"] for direction in directions] == [
        "brown ponies to striped ponies",
        "striped ponies to brown ponies",
    ]
    measures = [measure for direction in directions for measure in direction["measures"]]
    assert len(measures) == 6
    assert all(measure["value"] == measure["ceiling"] for measure in measures)
    assert "L1 to the truth (lower is better)" in capsys.readouterr().out


@pytest.mark.usefixtures("opened_once")
def test_a_file_on_two_folders(tmp_path, capsys):
    network = ResNetGenerator(ngf=2, n_blocks=0)
    network.description = Description.of(network, source="day", target="night")
    network.save(tmp_path / "model.keras")
    x, y = folder_of(tmp_path / "x", 3), folder_of(tmp_path / "y", 8, seed=1)
    words = (f"--input={x}", f"--real={y}", f"--output={tmp_path / 'out'}")
    assert run(f"--model={tmp_path / 'model.keras'}", *words, "--metrics=kid,cycle") == 0
    out = capsys.readouterr().out
    assert "day to night" in out
    assert "3/8/4/3" in out
    assert "cycle error: not measured, because the model has no way back (F)." in out


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        (["AtoB", "BtoA"], ["AtoB"]),
        (["BtoA", "AtoB"], ["AtoB"]),  # the order is that in which a file holds its networks
        (["BtoA"], ["BtoA"]),
    ],
)
def test_two_folders_are_of_the_direction_in_which_pictures_are_translated(offered, expected):
    options = EvaluationOptions(model="both", input="x", real="y")
    offered = [Direction(name) for name in offered]
    assert evaluate.chosen_directions(options, offered) == expected
    assert [usual_direction(offered)] == expected


@pytest.mark.usefixtures("opened_once")
@pytest.mark.parametrize(
    ("inputs", "real"),
    [("{folder}", "{folder}"), ("{folder}/**/*.png", "{folder}"), ("{folder}", "{folder}/*.p?g")],
)
def test_a_folder_against_itself_is_0(inputs, real, tmp_path, capsys):
    folder = folder_of(tmp_path / "x", 7)
    (folder / "notes.md").touch()
    words = [f"--input={inputs}".format(folder=folder), f"--real={real}".format(folder=folder)]
    output = f"--output={tmp_path / 'out'}"
    assert run("--model=copy", *words, output, "--metrics=kid,frechet") == 0
    (direction,) = json.loads((tmp_path / "out" / "evaluation.json").read_text())["directions"]
    for measure in direction["measures"]:
        assert measure["value"] == measure["ceiling"] == pytest.approx(0, abs=1e-6)
        assert measure["n"] == [7, 7, 4, 7]
        assert measure["floor"] > 1  # one half against the other
    assert "one half of the real pictures with the other" in capsys.readouterr().out


def test_without_features_the_rest_is_measured(tmp_path, monkeypatch, caplog):
    def none(*arguments):
        raise evaluate.EvaluationError("no weights here.")

    monkeypatch.setattr("cyclegan_keras.evaluation.features.open_features", none)
    words = ("--model=copy", "--dataset=demo/ponies", "--max_pictures=3", f"--output={tmp_path}")
    assert run(*words, "--direction=AtoB") == 0
    assert "no weights here. Measures that need it are left out." in caplog.text
    (direction,) = json.loads((tmp_path / "evaluation.json").read_text())["directions"]
    assert {"kid", "frechet", "perceptual"} <= direction["left_out"].keys()
    assert direction["measures"]
    assert run(*words, "--metrics=kid") == 2


def test_dry_run_measures_nothing(run_dir, tmp_path, capsys):
    assert run(f"--model={run_dir}", f"--output={tmp_path / 'none'}", "--dry_run") == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["directions"] == ["BtoA", "AtoB"]
    assert plan["test pictures"] == "held out"
    assert not (tmp_path / "none").exists()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with a generator and a discriminator as files; beside it lie others of pictures."""
    folder = tmp_path_factory.mktemp("made") / "models"
    folder.mkdir()
    ResNetGenerator(ngf=2, n_blocks=0).save(folder / "generator.keras")
    PatchDiscriminator(ndf=2).save(folder / "discriminator_x.keras")
    folder_of(folder.parent / "one", 1)
    broken = folder_of(folder.parent / "broken", 3)
    (broken / "0.png").write_bytes(b"\x89PNG")
    return folder


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "--model is missing"),
        (("--model=nowhere",), "nowhere does not exist"),
        (("--model=copy",), "copy does not say what it was trained on"),
        (("--model=copy", "--dataset=demo/none"), "Did you mean --dataset=demo/ponies"),
        (("--model=copy", "--metrics=kid,fid"), "Unknown: fid."),
        (("--model=copy", "--metrics=,"), "expected some of kid"),
        (("--model=copy", "--precision=int8"), "belongs to a network"),
        (("--model=copy", "--input=x"), "--input and --real belong together"),
        (("--model=copy", "--input=none", "--real=none"), "--input=none does not exist"),
        (("--model=copy", "--input={models}", "--real={models}"), "holds 0 pictures"),
        (
            ("--model=copy", "--input={models}/generator.keras", "--real={models}"),
            "--input={models}/generator.keras is a file: give a folder of at least 3 pictures",
        ),
        (
            ("--model=copy", "--input={models}/../broken", "--real={models}/../broken"),
            "{models}/../broken/0.png is not a picture",
        ),
        (("--model=copy", "--input={models}/../one", "--real={models}"), "holds 1 picture, but"),
        (
            ("--model=copy", "--input={models}/*.keras", "--real=*.gif"),
            "--input={models}/*.keras: none of 2 files is a picture",
        ),
        (("--model={models}/generator.keras", "--direction=BtoA"), "translates only AtoB"),
        (("--model={models}/discriminator_x.keras",), "but no generator"),
        (("--model=copy", *DEMO, "--report={models}"), "is a folder: name a file"),
        (("--model=copy", *DEMO, "--output={models}/generator.keras/x"), "Cannot write to"),
        (("--model=copy", "--max_pictures=2"), "--max_pictures=2: expected at least 3"),
        (
            ("--model=copy", *DEMO, "--metrics=kid", "--features_weights={models}/no.pth"),
            "cannot be us",
        ),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(
    words, expected, models, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    typed = [word.format(models=models) for word in words]
    assert run(*typed) == 2
    err = capfd.readouterr().err
    assert expected.format(models=models) in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


HOUNSFIELD = Values(dtype="int16", low=-1024, high=3071)


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """A data set of pairs: photos in A, and in B their red channel in Hounsfield units."""
    folder = tmp_path_factory.mktemp("scans")
    random = np.random.default_rng(0)
    for part, count in (("train", 4), ("test", 3)):
        photos, slices = folder / f"{part}A", folder / f"{part}B"
        photos.mkdir()
        slices.mkdir()
        for index in range(count):
            photo = random.integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(photo).save(photos / f"{index}.png")
            hounsfield = np.rint(photo[..., 0] / 255 * 4095 - 1024).astype("int16")
            np.save(slices / f"{index}.npy", hounsfield)
    return folder


def run_between(folder, data, direction, method="pix2pix"):
    """Writes a run of an untrained generator between photos and scans; returns its directory."""
    channels = (3, 1) if direction == "AtoB" else (1, 3)
    generator = ResNetGenerator(
        ngf=2, n_blocks=3, input_channels=channels[0], output_channels=channels[1]
    )
    values = {"A": Values().to_dict(), "B": HOUNSFIELD.to_dict()}
    return make_run(
        folder,
        {"generator_g": generator},
        facts={"domains": ["x", "y"], "values": values},
        dataset=str(data),
        method=method,
        direction=direction,
        preprocess="none",
        input_nc=channels[0],
        output_nc=channels[1],
        reader_version=2,
    )


def test_a_run_to_scans_is_measured_in_their_unit(scans, tmp_path, capsys):
    run_dir = run_between(tmp_path / "run", scans, "AtoB")
    output = tmp_path / "out"
    assert run(f"--model={run_dir}", "--metrics=paired", f"--output={output}") == 0
    out = capsys.readouterr().out
    assert "in units of the pictures, which range from -1024 to 3071" in out
    assert "Inputs have 3 channels and their counterparts 1" in out
    (direction,) = json.loads((output / "evaluation.json").read_text())["directions"]
    error = direction["measures"][0]
    assert error["ceiling"] is None
    generator = open_translators(str(run_dir))["AtoB"]
    expected = []
    for index in range(3):
        photo = np.asarray(Image.open(scans / "testA" / f"{index}.png"))
        translated = generator(photo[None].astype("float32") / 127.5 - 1)[0, ..., 0]
        hounsfield = (np.clip(translated, -1, 1) + 1) / 2 * 4095 - 1024
        truth = np.load(scans / "testB" / f"{index}.npy")
        expected.append(np.abs(hounsfield - truth).mean())
    assert error["value"] == pytest.approx(np.mean(expected), rel=1e-4)


def test_pairs_that_have_moved_are_still_pairs(scans, tmp_path, capsys):
    folder = shutil.copytree(scans, tmp_path / "scans")
    run_dir = run_between(tmp_path / "run", folder, "AtoB")
    run_of_pairs = Run(run_dir)
    source = open_source(DataOptions(dataset=str(folder)), paired=True)
    run_of_pairs.save_facts({**run_of_pairs.saved_facts(), "data": source.training_facts})
    folder.rename(tmp_path / "moved")
    words = (f"--model={run_dir}", "--metrics=paired", f"--output={tmp_path / 'out'}")
    assert run(*words) == 2
    assert f"was trained on --dataset={folder}, which is not there" in capsys.readouterr().err
    assert run(*words, f"--dataset={tmp_path / 'moved'}") == 0
    assert "L1 to the truth" in capsys.readouterr().out


def test_a_run_from_scans_knows_which_domain_is_which(scans, tmp_path, capsys):
    """x is B: the run's input_nc is that of B."""
    run_dir = run_between(tmp_path / "run", scans, "BtoA")
    report = tmp_path / "report.html"
    words = (f"--output={tmp_path / 'out'}", f"--report={report}", "--metrics=paired")
    assert run(f"--model={run_dir}", *words) == 0
    assert "mean absolute difference in gray levels of 255" in capsys.readouterr().out
    assert "Pictures of x are shown with -" in report.read_text()
    assert "Compressed from" not in report.read_text()


@pytest.mark.usefixtures("opened_once")
def test_folders_are_read_in_the_forms_of_the_model(scans, tmp_path, capsys):
    run_dir = run_between(tmp_path / "run", scans, "BtoA")
    words = (f"--model={run_dir}", f"--output={tmp_path / 'out'}", "--metrics=perceptual")
    folders = (f"--input={scans / 'trainB'}", f"--real={scans / 'trainA'}")
    assert run(*words, *folders) == 0
    assert "inputs in 8 bits, -1024 as black and 3071 as white" in capsys.readouterr().out
    swapped = (f"--input={scans / 'trainA'}", f"--real={scans / 'trainB'}")
    assert run(*words, *swapped) == 2
    assert "0.npy holds numbers of type int16" in capsys.readouterr().err


def test_photos_cannot_be_copied_to_scans(scans, tmp_path, capsys):
    assert run("--model=copy", f"--dataset={scans}", f"--output={tmp_path / 'out'}") == 2
    assert "inputs have 3 channels and pictures of the target 1" in capsys.readouterr().err


def test_a_damaged_receipt_is_said_before_anything_is_measured(run_dir, tmp_path, capsys):
    broken = tmp_path / "run"
    shutil.copytree(run_dir, broken)
    (broken / "receipt.json").write_text("{}")
    assert run(f"--model={broken}", f"--report={tmp_path / 'report.html'}") == 2
    assert "receipt.json is no receipt of a compression" in capsys.readouterr().err
