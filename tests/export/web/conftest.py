"""What tests of the web page share: LiteRT.js as npm packs it, and one exported page."""

import dataclasses
import os
import pathlib

import filelock
import keras
import numpy as np
import pytest
from PIL import Image
from web_page import read_about

from cyclegan_keras.commands import export
from cyclegan_keras.export.web import runtime
from cyclegan_keras.export.web.serve import PageServer
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import ExportError
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.resnet_generator import ResNetGenerator

SIDE = 64  # px of the exported page's files


def without_runtime(reason: str):
    """Skips the test that cannot have LiteRT.js here; where all is to be tested, it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"LiteRT.js cannot be had here: {reason}")
    pytest.skip(f"LiteRT.js cannot be had here: {reason}")


@pytest.fixture(scope="session")
def archives(tmp_path_factory) -> pathlib.Path:
    """A folder with the two .tgz of LiteRT.js, for --web_runtime; its tests start processes."""
    folder = tmp_path_factory.mktemp("litert")
    try:
        runtime.fetch_archives(folder)
    except ExportError as error:
        without_runtime(str(error))
    return folder


@dataclasses.dataclass(frozen=True)
class Site:
    """An exported page of two small generators, "horse" to "zebra" and back.

    Its files are fp16, the default everywhere, and uint8, of 64 x 64 px. It has two examples: a
    photo of 90 x 60 px, taken sideways at a known place, and a drawing of four colors. The format
    tflite lies beside it.

    Attributes:
        output: what export.py wrote to; tests must leave it as it is.
        folder: the page, for a web server.
        single_file: the page as one file.
        models: a folder with generator_g.keras and generator_f.keras, what was exported.
        pictures: a folder of pictures, what the files were compared on.
    """

    output: pathlib.Path
    folder: pathlib.Path
    single_file: pathlib.Path
    models: pathlib.Path
    pictures: pathlib.Path

    def about(self) -> dict:
        """Returns the facts that the page holds."""
        return read_about(self.folder)

    def tflite(self, variant: str = "fp16", direction: Direction = Direction.A_TO_B):
        """Returns the path of a .tflite file of the page."""
        return self.folder / "models" / f"{direction.file_name}_{variant}.tflite"


@pytest.fixture(scope="session")
def web_models(tmp_path_factory) -> pathlib.Path:
    """A folder with two generators that change pictures, and with `pictures` and `examples`."""
    folder = tmp_path_factory.mktemp("web_models")
    keras.utils.set_random_seed(0)
    for direction, domains in zip(Direction, (("horse", "zebra"), ("zebra", "horse")), strict=True):
        generator = ResNetGenerator(ngf=4, n_blocks=1, init_gain=0.05)
        source, target = domains
        generator.description = Description.of(
            generator, direction=direction, source=source, target=target
        )
        generator.save(folder / f"{direction.file_name}.keras")
    for part in ("pictures", "examples"):
        (folder / part).mkdir()
    levels = np.random.default_rng(0).integers(0, 256, (3, 12, 8, 3)).astype("uint8")
    photos = [Image.fromarray(each).resize((60, 90), Image.Resampling.BICUBIC) for each in levels]
    for number, photo in enumerate(photos[:2]):
        photo.save(folder / "pictures" / f"{number}.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)  # degrees of latitude
    photos[2].save(folder / "examples" / "a photo.jpg", exif=exif, comment=b"secret")
    colors = np.array([[[255, 0, 0], [0, 0, 170]], [[0, 170, 0], [255, 255, 255]]], "uint8")
    drawing = Image.fromarray(colors.repeat(20, axis=0).repeat(20, axis=1))
    drawing.save(folder / "examples" / "b drawing.png")
    return folder


@pytest.fixture(scope="session")
def site(web_models, archives, tmp_path_factory) -> Site:
    """The one exported page of all tests; they are marked `slow` and `process`.

    The first process of a test run that needs it exports it for all.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    output = shared / "exported_page"
    with filelock.FileLock(shared / "exported_page.lock"):
        if not output.exists():
            export_page(web_models, archives, shared / "half_exported_page").rename(output)
    return Site(
        output=output,
        folder=output / "web",
        single_file=output / "web.html",
        models=web_models,
        pictures=web_models / "pictures",
    )


@pytest.fixture(scope="module")
def server(site):
    """A server of the exported page, started anew for each file of tests."""
    with PageServer(site.folder, port=0) as started:
        yield started


def export_page(models: pathlib.Path, archives: pathlib.Path, output: pathlib.Path) -> pathlib.Path:
    """Exports the generators of `web_models` to a folder, and returns it."""
    code = export.main(
        [
            "export.py",
            f"--model={models}/generator_g.keras,{models}/generator_f.keras",
            f"--pictures={models}/pictures",
            "--format=tflite,web",
            "--tflite_variants=fp16,uint8",
            f"--tflite_size={SIDE}",
            f"--output={output}",
            f"--web_runtime={archives}",
            f"--web_examples={models}/examples",
            "--web_single_file",
            "--licence=CC0",
            "--description=Turns horses into zebras, and back.",
        ]
    )
    assert code == 0
    return output
