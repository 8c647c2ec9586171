"""The notebook runs from its first cell to its last, at tiny size, and shows what it says."""

import base64
import io
import json
import os
import re
import zipfile

import PIL.Image
import pytest
from conftest import ROOT
from optional import optional

import cyclegan_keras
from cyclegan_keras.export.web import runtime
from cyclegan_keras.files.errors import ExportError

pytestmark = [pytest.mark.release, pytest.mark.process]

NOTEBOOK = ROOT / "notebooks" / "quickstart.ipynb"
# What the test puts after the cell of the parameters, as papermill would.
TINY = """
options = {
    "preprocess": "crop",
    "crop_size": 32,
    "generator": "resnet_3blocks",
    "ngf": 2,
    "ndf": 2,
    "steps_per_epoch": 4,
    "sample_every": 2,
    "n_epochs": 1,
    "n_epochs_decay": 0,
}
evaluation = {"metrics": "paired", "max_pictures": 3}
"""


def test_no_output_is_stored():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 5
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The cells of the notebook after all have run, by their id, and the folder they ran in."""
    nbclient, nbformat = optional("nbclient"), optional("nbformat")
    optional("ipykernel")
    folder = tmp_path_factory.mktemp("notebook")
    formats = "tflite,web"
    try:
        runtime.fetch_archives(tmp_path_factory.mktemp("litert"))
    except ExportError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"LiteRT.js cannot be had here: {error}")
        formats = "tflite"  # what the web page needs cannot be fetched here
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    (index,) = [
        number
        for number, cell in enumerate(notebook.cells)
        if "parameters" in cell.metadata.get("tags", [])
    ]
    injected = nbformat.v4.new_code_cell(f'{TINY}formats = "{formats}"\n', id="tiny")
    notebook.cells.insert(index + 1, injected)
    client = nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(folder)}}
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    client.execute(env=environment)
    return {cell.id: cell for cell in notebook.cells}, folder


def test_every_cell_runs(executed):
    cells, _ = executed
    code = [cell for cell in cells.values() if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    kinds = {output.output_type for cell in code for output in cell.outputs}
    assert kinds == {"stream", "display_data"}  # no error, and no exit code as a last line


@pytest.mark.parametrize(("name", "count"), [("look", 2), ("samples", 2), ("translate", 1)])
def test_pictures_are_shown(name, count, executed):
    cells, _ = executed
    shown = [output.data["image/png"] for output in cells[name].outputs if "data" in output]
    assert len(shown) == count
    assert len(set(shown)) == count
    for data in shown:
        picture = PIL.Image.open(io.BytesIO(base64.b64decode(data)))
        assert len(picture.getcolors(picture.width * picture.height)) > 100


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("versions", cyclegan_keras.__version__),
        ("check", "demo/ponies: 400 in trainA, 400 in trainB"),
        ("train", "Finished: step 4 of 4."),
        ("evaluate", "PSNR to the truth"),
        ("translate", "Wrote 4 pictures"),
        ("export", "generator_g_int8.tflite"),
        ("download", "quickstart.zip"),
    ],
)
def test_cells_say_what_they_did(name, words, executed):
    cells, _ = executed
    printed = "".join(output.get("text", "") for output in cells[name].outputs)
    assert words in printed


def test_the_archive_holds_what_is_taken_along(executed):
    _, folder = executed
    with zipfile.ZipFile(folder / "quickstart.zip") as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
    for name in (
        "run/generator_g.keras",
        "run/generator_f.keras",
        "data.html",
        "report.html",
        "evaluation/evaluation.json",
        "exported/receipt.md",
        "exported/tflite/generator_g_fp32.tflite",
    ):
        assert f"quickstart/{name}" in names
    translated = [name for name in names if re.fullmatch(r"quickstart/translated/\w+\.png", name)]
    assert len(translated) == 4
    assert not [name for name in names if "/checkpoints/" in name]
