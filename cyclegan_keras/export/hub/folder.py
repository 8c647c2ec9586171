"""The folder that is uploaded to the Hub: generators, exported files, receipt, model card.

Nothing in it tells where things lie on the machine that made it.
"""

import json
import pathlib
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from cyclegan_keras.export.hub import card, samples
from cyclegan_keras.export.job import ExportJob
from cyclegan_keras.export.receipt import write_receipt
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.paths import without_folders
from cyclegan_keras.hub.listing import write_listing
from cyclegan_keras.models.description import Description

NAME = "hub"  # of the folder within an export
UPLOADED = (".tflite", ".onnx")  # a SavedModel runs whatever its graph says, and stays here


def roles_of(generators: Mapping[Direction, keras.Model]) -> dict[Direction, str]:
    """Returns which generator is G and which F: G translates from x to y, as in the training.

    Example:
        >>> from cyclegan_keras.models.resnet_generator import ResNetGenerator
        >>> roles_of({Direction.B_TO_A: ResNetGenerator(ngf=2, n_blocks=0)})
        {<Direction.B_TO_A: 'BtoA'>: 'generator_g'}
    """
    if len(generators) == 1:
        return dict.fromkeys(generators, "generator_g")
    options = next(iter(generators.values())).description.training.get("options", {})
    x_to_y = Direction(options.get("direction") or Direction.A_TO_B)
    return {x_to_y: "generator_g", x_to_y.opposite: "generator_f"}


def write_folder(
    job: ExportJob,
    *,
    repository: str,
    shown: Mapping[Direction, Sequence[np.ndarray]],
) -> pathlib.Path:
    """Writes what is to be uploaded into the job's folder; returns where.

    Args:
        job: what was exported; its folder holds the exported files and their receipt.
        repository: "user/name".
        shown: pictures of each direction that the model card may show, (height, width, channels)
            in its generator's source form: uint8, or float32 in [-1, 1].
    """
    folder = job.folder / NAME
    folder.mkdir()
    roles = roles_of(job.generators)
    for direction, role in roles.items():
        generator = job.generators[direction]
        own = generator.description
        generator.description = Description.from_dict(own.to_public_dict())
        try:
            generator.save(folder / f"{role}.keras")
        finally:
            generator.description = own
    # `keras.saving.load_model("hf://user/name")` reads a model that lies unpacked at the top.
    with zipfile.ZipFile(folder / "generator_g.keras") as archive:
        archive.extractall(folder)

    receipt = json.loads((job.folder / "receipt.json").read_text(encoding="utf-8"))
    public = public_receipt(receipt)
    for file in public["files"]:
        (folder / file["path"]).parent.mkdir(exist_ok=True)
        shutil.copyfile(job.folder / file["path"], folder / file["path"])
    write_receipt(public, folder)

    sheets = {
        direction: samples.write_sheet(
            job.generators[direction], pictures, folder, roles[direction]
        )
        for direction, pictures in shown.items()
        if len(pictures)
    }
    text = card.text_of(job, public, repository=repository, roles=roles, sheets=sheets)
    (folder / "README.md").write_text(text, encoding="utf-8")
    write_listing(folder)
    return folder


def public_receipt(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a receipt of the files that are uploaded, without places of this machine."""
    content = without_folders(dict(receipt))
    content["files"] = [file for file in content["files"] if file["path"].endswith(UPLOADED)]
    source = content["source"]
    pictures = str(source.get("pictures", ""))
    if pictures.startswith("folder "):
        source["pictures"] = f"folder {pathlib.PurePath(pictures[len('folder ') :]).name}"
    return content
