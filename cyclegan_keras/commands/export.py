"""Exports trained generators to TensorFlow Serving, TFLite and ONNX, with a receipt.

python export.py --run_dir=runs/cycle_gan-horse2zebra-cyclegan
"""

import contextlib
import dataclasses
import json
import pathlib
import shlex
import shutil
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import absl.logging
import numpy as np

from cyclegan_keras.cli import backends, flags, reference_flags
from cyclegan_keras.cli.console import run_command
from cyclegan_keras.export.options import ExportOptions
from cyclegan_keras.files.digest import sha256
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import (
    DataError,
    ExportError,
    OptionError,
    PictureError,
    RunError,
)
from cyclegan_keras.files.lock import locked
from cyclegan_keras.files.names import under_utf8_name
from cyclegan_keras.files.writing import writing
from cyclegan_keras.hub import fetching, publishing
from cyclegan_keras.hub.words import PREFIX
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.resizing import resize
from cyclegan_keras.runs.run import Run
from cyclegan_keras.runs.sources import RunSource, find_source
from pipelines.sources import datasets
from pipelines.sources.base import Pictures
from pipelines.sources.files import FilePictures, HalfPictures, ListedPictures

GROUPS = {"export": ExportOptions}
N_PICTURES = 4  # on which every file is compared with Keras
N_CALIBRATION = 12
# How the files begin that a server decodes: JPEG, PNG, GIF and BMP.
SERVED = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM")
LARGEST_SIDE = 512  # of those pictures, so that comparing stays a matter of minutes


def run(**options) -> int:
    """Exports, as `export.py` does with the same options.

    Args:
        **options: by name, as `export.py --help` lists them; what is left out has its default.

    Returns:
        The exit code of the command: 0 where every file is as good as it should be, 1 where one was
        rejected.

    Raises:
        UserError: what was given cannot be used; the message says why.

    Example:
        from cyclegan_keras.commands import export
        export.run(run_dir="runs/photos-cyclegan", format="tflite")
    """
    return export_generators(flags.as_typed(options, GROUPS))


def main(argv: list[str]) -> int:
    """Runs the command; expected errors print one line and exit with code 2."""
    return run_command(argv, export_generators, GROUPS, __doc__, reference_flags.EXPORT)


def export_generators(typed: Mapping[str, Any]) -> int:
    """Exports what the options typed name; returns the exit code."""
    backends.check_environment(only_with_tensorflow="Exporting")
    from cyclegan_keras.export.hub import folder as hub_folder
    from cyclegan_keras.export.job import ExportJob, check_generator
    from cyclegan_keras.export.web.palette import find_drawings
    from cyclegan_keras.export.web.prepared import prepare_page
    from cyclegan_keras.models.description import describe

    # ---- the generators ----
    options = flags.resolve_one(ExportOptions, typed)
    formats = chosen_formats(options)
    destination = chosen_destination(options)
    generators, source = load_source(options)
    for direction, generator in generators.items():
        check_generator(direction, generator)
    trained_size = source.get("options", {}).get("crop_size") or 256
    options = dataclasses.replace(options, tflite_size=options.tflite_size or str(trained_size))
    check_formats(formats, options, generators)
    output = pathlib.Path(options.output or f"saved_models/{source['name']}").expanduser()
    version = next_version(output)
    description = {
        "name": source["name"],
        "directions": [direction.signature for direction in generators],
        "version": version,
        "licence": options.licence,
        "description": options.description,
        "source": source,
        "networks": {
            direction.signature: describe(generator) for direction, generator in generators.items()
        },
    }
    if options.dry_run:
        outline = {
            "formats": formats,
            "output": str(output),
            "tflite_size": options.tflite_size,
            "tflite_batch": options.tflite_batch,
        }
        if destination is not None:
            outline["push_to_hub"] = destination.address
        print(json.dumps({**outline, **description}, indent=2))
        return 0

    # ---- the files ----
    if destination is not None:  # before anything is computed
        publishing.prepare(destination)
        warn_of_unfinished(source)
    forms = {
        direction: generator.description.source_form for direction, generator in generators.items()
    }
    pictures, calibration, files, origin = load_pictures(options, source, forms)
    shown = pictures_to_show(options, source, forms, pictures) if destination else {}
    page = None
    if "web" in formats:
        drawings = find_drawings(options, source=source, calibration=calibration)
        page = prepare_page(options, drawings)
    with writing(output), staging(output) as folder:
        job = ExportJob(
            generators=generators,
            folder=folder,
            version=version,
            options=options,
            description=description,
            pictures=pictures,
            calibration=calibration,
            files=files,
            page=page,
        )
        rejected = write_files(job, formats, {**source, "pictures": origin})
        if destination is not None:
            hub_folder.write_folder(job, repository=destination.repository, shown=shown)
        publish(folder, output, version)
    written = sorted(path.name for path in output.iterdir() if not path.name.startswith("."))
    print(f"Wrote {output}: {', '.join(written)}")
    if page is not None:
        print(f"Try the page: cyclegan-serve {shlex.quote(str(output / 'web'))}")
    if destination is not None:
        push(output / hub_folder.NAME, destination, options, source)
    return 1 if rejected else 0


def writers() -> dict[str, Callable]:
    """Returns what writes each format of --format: `f(job)` returns the files that it wrote."""
    from cyclegan_keras.export.onnx import write_onnx
    from cyclegan_keras.export.saved_model import write_saved_model
    from cyclegan_keras.export.tflite import write_tflite
    from cyclegan_keras.export.web.site import write_web

    return {
        "saved_model": write_saved_model,
        "tflite": write_tflite,
        "onnx": write_onnx,
        "web": write_web,
    }


def chosen_formats(options: ExportOptions) -> list[str]:
    """Returns the formats asked for."""
    if options.format.strip() == "none":
        if not options.push_to_hub:
            raise OptionError("--format=none writes nothing: it is for --push_to_hub.")
        return []
    formats = [name.strip() for name in options.format.split(",") if name.strip()]
    for name in formats:
        if name not in writers():
            raise OptionError(f"--format={name}: expected some of {', '.join(writers())}.")
    if not formats:
        raise OptionError(f"--format is empty: expected some of {', '.join(writers())}.")
    return formats


def chosen_destination(options: ExportOptions) -> publishing.Destination | None:
    """Returns where on the Hub to publish; None where nothing is published.

    Raises:
        OptionError: an option of publishing without --push_to_hub.
        HubError: --push_to_hub names no repository.
    """
    if options.push_to_hub:
        return publishing.Destination(
            repository=options.push_to_hub.removeprefix(PREFIX),
            private=options.hub_private,
            branch=options.hub_branch,
        )
    for field in dataclasses.fields(options):
        if field.name.startswith("hub_") and getattr(options, field.name) != field.default:
            raise OptionError(f"--{field.name} is for --push_to_hub=user/name, which is missing.")
    return None


def pictures_to_show(
    options: ExportOptions,
    source: Mapping,
    forms: Mapping[Direction, Form],
    pictures: Mapping[Direction, list[np.ndarray]],
) -> dict[Direction, list[np.ndarray]]:
    """Returns pictures of each direction that the model card may show to everybody.

    They are those of --hub_examples, or of a set that this program draws.

    Args:
        options: of the command.
        source: of `load_source`.
        forms: of the pictures of each direction.
        pictures: on which files are compared with Keras.
    """
    if options.hub_examples is None:
        dataset = source.get("options", {}).get("dataset") or ""
        is_drawn = dataset.startswith("demo/") and dataset in datasets.known()
        return dict(pictures) if is_drawn and not options.pictures else {}
    folder = pathlib.Path(options.hub_examples).expanduser()
    if not folder.is_dir():
        raise OptionError(f"--hub_examples={options.hub_examples} is no folder.")
    folders = {direction: folder / f"test{direction.source}" for direction in forms}
    if not any(each.is_dir() for each in folders.values()):
        folders = dict.fromkeys(forms, folder)
    return {
        direction: spread(pictures_of_folder(str(each)), forms[direction], N_PICTURES)
        for direction, each in folders.items()
        if each.is_dir()
    }


def push(
    folder: pathlib.Path,
    destination: publishing.Destination,
    options: ExportOptions,
    source: Mapping,
) -> None:
    """Uploads the folder of an export to the Hub.

    Raises:
        HubError: it could not be uploaded; the message says how to do so without exporting again.
    """
    step = f", step {source['step']:,}" if source.get("step") else ""
    message = options.hub_message or f"Upload {source['name']}{step}"
    print(f"Uploading {folder} to {destination.address} ...", flush=True)
    commit = publishing.upload(folder, destination, message=message)
    print(
        f"Uploaded, commit {commit[:10]}: {publishing.page_of(destination)}\n"
        f"It is used as: translate.py --model={destination.address}"
    )


def warn_of_unfinished(source: Mapping) -> None:
    """Says so where the training that is to be published has not reached its last step.

    Args:
        source: the receipt's facts about the origin of the generators.
    """
    from cyclegan_keras.export.web.card import steps_asked_for

    asked = steps_asked_for(source.get("options", {}))
    if "run" not in source or asked is None:
        return
    step = Run(source["run"]).last_step()
    if step < asked:
        absl.logging.warning(
            "%s is not trained to its end: it has %s of %s steps. The model card says so.",
            source["name"],
            f"{step:,}",
            f"{asked:,}",
        )


def check_formats(formats: list[str], options: ExportOptions, generators: Mapping) -> None:
    """Refuses what the options and the generators alone show to be impossible.

    Args:
        formats: to be written.
        options: with a `tflite_size`.
        generators: by direction.
    """
    from cyclegan_keras.export.onnx import check_onnx
    from cyclegan_keras.export.tflite import check_tflite
    from cyclegan_keras.export.web.models import check_models
    from cyclegan_keras.export.web.prepared import check_page_options

    if "web" not in formats:
        refuse_page_options(options)
    elif "tflite" not in formats and options.tflite_batch != 1:
        raise OptionError(
            f"--tflite_batch={options.tflite_batch}: a page translates one picture at a time; "
            "leave the option out, or add tflite to --format."
        )
    if "tflite" in formats:
        check_tflite(options, generators.values())
    if "onnx" in formats:
        check_onnx()
    if "web" in formats:
        check_models(options, generators)
        check_page_options(options)


def refuse_page_options(options: ExportOptions) -> None:
    """Refuses the options of a page where none is written, rather than passing over them."""
    for field in dataclasses.fields(options):
        is_given = getattr(options, field.name) != field.default
        if field.name.startswith("web_") and is_given:
            raise OptionError(
                f"--{field.name} is an option of the format web, and --format={options.format} "
                "leaves that out: add web to it."
            )


def load_source(options: ExportOptions) -> tuple[dict, dict]:
    """Returns the generator of each direction, and the receipt's facts about their origin."""
    from cyclegan_keras.translation.opening import open_generators
    from cyclegan_keras.weights.starting import files_of_source, split_role

    if bool(options.run_dir) == bool(options.model):
        raise OptionError("Give either --run_dir=<a run> or --model=<a file>. See --help.")
    if options.run_dir:
        directory = pathlib.Path(options.run_dir).expanduser()
        run_source = find_source(directory)
        if run_source is None:
            raise RunError(f"{directory} is not a run: it has no options.json.")
        return load_run(run_source)
    run_source = find_source(options.model)
    if run_source is not None:
        return load_run(run_source)
    generators = open_generators(options.model)
    paths = [split_role(source)[1] for source in fetching.local(options.model).split(",")]
    files = [file for path in paths for file in files_of_source(path)]
    own_name = paths[0].name if paths[0].is_dir() else paths[0].stem
    source = {
        "name": fetching.name_of(options.model) or own_name,
        "model": ", ".join(path.name for path in paths),
        "sha256": [sha256(file) for file in files],
    }
    of_hub = fetching.pinned(options.model)
    if of_hub is not None:
        source["hub"] = of_hub
    return generators, source


def load_run(run_source: RunSource) -> tuple[dict, dict]:
    """Returns the same for a run: the moving averages where it keeps them."""
    from cyclegan_keras.runs.networks import networks_of_run

    options = Run(run_source.directory).saved_options()
    step, networks = networks_of_run(run_source, averages=True)
    x_to_y = Direction(options.get("direction") or Direction.A_TO_B)
    generators = {
        x_to_y.of_generator(name): networks[name]
        for name in ("generator_g", "generator_f")
        if name in networks
    }
    source = {
        "name": run_source.name,
        "run": str(run_source.directory),
        "step": step,
        "options": options,
    }
    return generators, source


def load_pictures(
    options: ExportOptions, source: Mapping, forms: Mapping[Direction, Form]
) -> tuple[dict, dict, dict, str]:
    """Returns pictures to compare and to calibrate on, files to compare on, and their origin.

    Args:
        options: of the command.
        source: of `load_source`.
        forms: of the pictures of each direction.
    """
    trained_with = source.get("options", {})
    dataset = trained_with.get("dataset", "demo/ponies")
    compared_on = pictures_of_folder(options.pictures)
    calibrated_on = pictures_of_folder(options.calibration_dir)
    if "run" not in source and not options.calibration_dir:
        # Pictures given for a model are nearer to what it is for than those of the demo set.
        calibrated_on = compared_on

    pictures, calibration, files = {}, {}, {}
    for direction, form in forms.items():
        compare, calibrate = compared_on, calibrated_on
        if compare is None or calibrate is None:
            if not datasets.exists(dataset):
                raise OptionError(
                    f"{options.run_dir} was trained on --dataset={dataset}, which is not there: "
                    "name folders of pictures by --pictures and --calibration_dir."
                )
            data = datasets.find(dataset, trained_with.get("data_dir"))
            train, test = data.train_a, data.test_a
            if direction.source == "B":
                train, test = data.train_b, data.test_b
            compare = compare or test or train
            calibrate = calibrate or train
        pictures[direction] = spread(compare, form, N_PICTURES)
        calibration[direction] = spread(calibrate, form, N_CALIBRATION)
        files[direction] = files_of(compare, N_PICTURES)
    origin = f"folder {options.pictures}" if options.pictures else dataset
    if "run" not in source and not options.pictures:
        print(
            f"A model without its run has no pictures of its own: it is compared with Keras on "
            f"those of {origin}. Name a folder of yours by --pictures."
        )
    return pictures, calibration, files, origin


def pictures_of_folder(path: str | None) -> Pictures | None:
    """Returns the pictures of a folder, None where none is named."""
    if path is None:
        return None
    pictures = FilePictures(pathlib.Path(path).expanduser())
    if not len(pictures):
        raise DataError(f"{path} holds no pictures.")
    return pictures


def spread(pictures: Pictures, form: Form, count: int) -> list[np.ndarray]:
    """Returns `count` of all pictures, evenly, at most LARGEST_SIDE pixels wide and high.

    Args:
        pictures: where they are.
        form: what they are to become.
        count: how many.

    Returns:
        Arrays (height, width, channels) of the form.

    Raises:
        DataError: a picture that cannot be read in this form.
    """
    arrays = []
    for index in evenly(pictures, count):
        try:
            array = form.array(pictures.picture(index, form.channels))
        except PictureError as error:
            raise DataError(f"{pictures.names[index]} {error}.") from error
        height, width = array.shape[:2]
        shrink = min(LARGEST_SIDE / max(height, width), 1)
        height, width = (max(round(side * shrink), 1) for side in (height, width))
        arrays.append(resize(array, (width, height)))
    return arrays


def files_of(pictures: Pictures, count: int) -> list[bytes]:
    """Returns those files of `count` pictures that may be sent to a server as they are.

    They are JPEG, PNG, GIF or BMP files, at most LARGEST_SIDE pixels wide and high.
    """
    if not isinstance(pictures, ListedPictures):
        return []
    if isinstance(pictures, HalfPictures):  # which are not what their files hold
        return []
    files = []
    for index in evenly(pictures, count):
        header = pictures.header(index)
        data = pictures.paths[index].read_bytes()
        if max(header.width, header.height) <= LARGEST_SIDE and data.startswith(SERVED):
            files.append(data)
    return files


def evenly(pictures: Pictures, count: int) -> list[int]:
    """Returns the indices of `count` pictures, or of all where there are fewer."""
    indices = np.linspace(0, len(pictures) - 1, min(count, len(pictures)))
    return [int(index) for index in indices]


def next_version(output: pathlib.Path) -> int:
    """Returns the number of the next export: of its SavedModel, and later of its other files."""
    models = [int(path.name) for path in output.glob("*") if path.name.isdecimal()]
    earlier = [path.stem.removeprefix("receipt-") for path in output.glob("receipt-*.json")]
    receipts = [int(number) for number in earlier if number.isdecimal()]
    # An export without a SavedModel has its number nowhere until it is followed by another.
    newest = max(receipts, default=0) + (output / "receipt.json").exists()
    return max([*models, newest]) + 1


@contextlib.contextmanager
def staging(output: pathlib.Path):
    """Yields a new folder inside `output`, which is locked; the folder is removed at the end."""
    busy = ExportError(f"Another process is exporting to {output}: wait for it.")
    with contextlib.ExitStack() as stack:
        try:
            output.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(output / ".lock", busy))
        except OSError as error:
            raise ExportError(f"Cannot write to {output}: {error}.") from error
        for stale in output.glob(".partial-*"):  # of a killed export
            shutil.rmtree(stale)
        folder = pathlib.Path(tempfile.mkdtemp(prefix=".partial-", dir=output))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield stack.enter_context(under_utf8_name(folder))


def write_files(job, formats: list[str], source: Mapping) -> int:
    """Writes all formats and the receipt into the job's folder; returns how many were rejected."""
    from cyclegan_keras.export import receipt
    from cyclegan_keras.export.receipt import translate_any_size

    exported = []
    for name in formats:
        print(f"Writing {name} ...", flush=True)
        files = writers()[name](job)
        for file in files:
            psnr = file.facts["psnr_db"]
            print(f"  {file.direction.signature} {file.kind}: {psnr:.1f} dB to Keras")
            if "picture_files" in file.facts:
                print(f"  {file.direction.signature}: {file.facts['picture_files']}")
        exported += files
    rejected = reject(exported, allowed=job.options.allow_quality_loss)
    content = receipt.receipt(
        source, job.description["networks"], exported=exported, folder=job.folder
    )
    receipt.write_receipt(content, job.folder)
    for direction, generator in job.generators.items():
        pictures = job.pictures[direction]
        receipt.write_grid(
            pictures,
            expected=[translate_any_size(generator, picture) for picture in pictures],
            exported=[file for file in exported if file.direction == direction],
            path=job.folder / f"receipt_{direction.signature}.png",
        )
    return rejected


def reject(exported: list, *, allowed: bool) -> int:
    """Gives files below their threshold the ending .rejected; returns how many."""
    bad = [file for file in exported if not file.is_good]
    for file in bad:
        print(
            f"{file.path.name} {file.direction.signature}: {file.facts['psnr_db']:.1f} dB to "
            f"Keras, expected at least {file.least_psnr_db:g}: {'kept' if allowed else 'rejected'}."
        )
    if allowed:
        return 0
    for path in {file.path for file in bad}:
        rejected = path.with_name(f"{path.name}.rejected")
        path.rename(rejected)
        for file in exported:
            if file.path == path:
                file.path = rejected
    return len(bad)


def publish(folder: pathlib.Path, output: pathlib.Path, version: int) -> None:
    """Moves the finished files to `output`; earlier ones get the number of their export."""
    page, single_file = output / "web", output / "web.html"
    if (folder / page.name).exists() and single_file.exists():
        # It belongs to the earlier page, also where the new one has none.
        single_file.rename(single_file.with_name(f"web-{version - 1}.html"))
    for item in sorted(folder.iterdir()):
        target = output / item.name
        if target.exists():
            target.rename(target.with_name(f"{target.stem}-{version - 1}{target.suffix}"))
        item.rename(target)
