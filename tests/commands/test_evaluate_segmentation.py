"""--metrics=segmentation, from what is typed to what is written."""

import json

import numpy as np
import pytest
from made_runs import make_run
from made_segmentation import color_network, stripes
from PIL import Image

from cyclegan_keras.commands import evaluate
from cyclegan_keras.evaluation.protocol import Pictures
from cyclegan_keras.evaluation.segmentation import palette_of
from cyclegan_keras.files.errors import EvaluationError
from cyclegan_keras.metrics.class_list import read_class_list
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from pipelines.sources.houses import LABELS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unoptimized_graphs")]


@pytest.fixture(autouse=True)
def few_other_pictures(monkeypatch):
    monkeypatch.setattr("cyclegan_keras.evaluation.held_out.OTHER_REAL", 1)


@pytest.fixture
def no_features(monkeypatch):
    def missing(*arguments):
        raise EvaluationError("no weights here.")

    monkeypatch.setattr("cyclegan_keras.evaluation.features.open_features", missing)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a run on houses, a class list, and a network that knows its colors."""
    folder = tmp_path_factory.mktemp("segmentation")
    make_run(
        folder / "run",
        {"generator_g": ResNetGenerator(ngf=2, n_blocks=3)},
        facts={"domains": ["labels", "houses"], "data": {"name": "demo/houses"}},
        method="pix2pix",
        dataset="demo/houses",
        crop_size=32,
        load_size=32,
        resize_filter="nearest",
    )
    with (folder / "classes.csv").open("w") as file:
        file.write("name,r,g,b\n")
        for name, color in LABELS.items():
            file.write(f"{name},{','.join(map(str, color))}\n")
    color_network(list(LABELS.values())).save(folder / "model.keras")
    return folder


@pytest.mark.usefixtures("no_features")
def test_a_run_from_labels_to_photos(made, capsys):
    code = evaluate.run(
        model=str(made / "run"),
        metrics="segmentation",
        segmentation_model=str(made / "model.keras"),
        segmentation_classes=str(made / "classes.csv"),
        segmentation_input="0..255",
        max_pictures=4,
        report=str(made / "report.html"),
    )
    assert code == 0
    out = capsys.readouterr().out
    assert "Per-pixel accuracy (higher is better)" in out
    assert "no weights here" not in out  # nobody asked for features
    folder = made / "run" / "evaluations" / "step_000000005"
    (direction,) = json.loads((folder / "evaluation.json").read_text())["directions"]
    measures = {measure["name"]: measure for measure in direction["measures"]}
    assert list(measures) == ["Per-pixel accuracy", "Per-class accuracy", "Class IoU"]
    for measure in measures.values():
        # The network knows the colors of label maps, so that copying them is perfect.
        assert measure["ceiling"] == 1
        assert 0 <= measure["floor"] < 1
        assert measure["features"] == "model.keras"
    assert set(measures["Class IoU"]["by_class"]) == set(LABELS)
    written = (folder / "evaluation.md").read_text()
    assert "| class | Per-class accuracy | Class IoU |" in written
    assert "| roof |" in written
    page = (made / "report.html").read_text()
    assert "Class IoU" in page
    assert "<h2>Classes</h2>" in page
    assert ">roof<" in page
    assert "compare only with scores of the same network" in page


def folder_of(path, pictures):
    path.mkdir(parents=True)
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(path / f"{index}_{path.name[-1]}.png")


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """Unpaired photos (A) and label maps (B), whose names pair them."""
    folder = tmp_path_factory.mktemp("apart")
    noise = np.random.default_rng(0).integers(-50, 51, (3, 32, 32, 3))
    photos = (stripes((60, 60, 60), (200, 200, 200), size=32) + noise).astype("uint8")
    maps = [stripes((128, 64, 128), (70, 130, 180), size=32)] * 3
    for part in ("train", "test"):
        folder_of(folder / f"{part}A", photos)
        folder_of(folder / f"{part}B", maps)
    return folder


def test_photos_to_labels_by_the_palette(apart, tmp_path, capsys):
    words = ("--model=copy", f"--dataset={apart}", f"--output={tmp_path}", "--direction=AtoB")
    words += ("--metrics=segmentation", "--segmentation_classes=palette")
    assert evaluate.main(["evaluate.py", *words]) == 0
    printed = capsys.readouterr().out
    assert "not measured, because the pictures have no known counterparts" in printed
    assert str(tmp_path / "segmentation_classes.txt") in printed
    assert evaluate.main(["evaluate.py", *words, "--pairs_by_name"]) == 0
    (direction,) = json.loads((tmp_path / "evaluation.json").read_text())["directions"]
    for measure in direction["measures"]:
        assert measure["value"] == measure["ceiling"]
        assert measure["floor"] == 1
    found = read_class_list(str(tmp_path / "segmentation_classes.txt"))
    assert set(found.scored) == {"#804080", "#4682b4"}


CITY = "--segmentation_classes=cityscapes"
ASKED = "--metrics=segmentation"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((ASKED,), "needs --segmentation_classes: cityscapes, palette"),
        ((CITY,), "--segmentation_classes is only for --metrics=segmentation"),
        ((ASKED, CITY, "--segmentation_size=8"), "is about a network: give --segmentation_model"),
        (
            (ASKED, "--segmentation_classes=palette", "--segmentation_model=x.keras"),
            "does not know in which order",
        ),
        ((ASKED, "--segmentation_classes=cityscape"), "expected cityscapes, cityscapes_train_ids"),
        (
            (ASKED, CITY, "--segmentation_model={made}/model.keras", "--segmentation_input=0..1"),
            "gives an output of shape (None, None, None, 12), but the class list has 19 classes",
        ),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(
    words, expected, made, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    typed = [word.format(made=made) for word in words]
    assert evaluate.main(["evaluate.py", "--model=copy", *typed]) == 2
    err = capfd.readouterr().err
    assert expected in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_segmentation_is_no_default(made, capsys):
    assert evaluate.main(["evaluate.py", f"--model={made / 'run'}", "--dry_run"]) == 0
    assert "segmentation" not in json.loads(capsys.readouterr().out)["metrics"]


def test_photos_have_no_palette():
    noise = list(np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8))
    with pytest.raises(EvaluationError, match="neither inputs nor targets are label maps"):
        palette_of([Pictures(inputs=noise, real=noise)])
