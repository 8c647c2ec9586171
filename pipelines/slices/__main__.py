"""Cuts DICOM series and NIfTI volumes into slices to train on, and joins translated slices.

    cyclegan-slices scanner1 --output=ct_scanners --split=trainA --test_share=0.2
    cyclegan-slices scanner2 --output=ct_scanners --split=trainB --test_share=0.2
    cyclegan-slices join translated --like=scanner1/patient7/chest --output=joined

The first word may be `cut`, and is `cut` where it is neither `cut` nor `join`.
"""

import argparse
import pathlib
import sys
from collections.abc import Sequence

import cyclegan_commands  # noqa: F401  (so that --help need not wait for Keras)
from cyclegan_keras.files.errors import NAMED, first_few
from cyclegan_keras.files.shield import run_shielded

COMMANDS = ("cut", "join")


def main(argv: list[str]) -> int:
    """Runs one command; returns the exit code."""
    return run_shielded("slices", lambda: _run(argv))


def _run(argv: list[str]) -> int:
    if argv and argv[0] not in (*COMMANDS, "-h", "--help"):
        argv = ["cut", *argv]
    arguments = _parser().parse_args(argv)
    if arguments.command == "cut":
        return _cut(arguments)
    return _join(arguments)


def _cut(arguments: argparse.Namespace) -> int:
    from pipelines.slices.cutting import CutOptions, cut

    modalities = tuple(word.strip().upper() for word in arguments.modality.split(",") if word)
    options = CutOptions(
        plane=arguments.plane,
        split=arguments.split,
        test_share=arguments.test_share,
        format=arguments.format,
        dtype=arguments.dtype,
        every=arguments.every,
        skip_empty=arguments.skip_empty,
        modalities=modalities,
        description=arguments.description,
        original_only=arguments.original_only,
        min_slices=arguments.min_slices,
        salt=arguments.salt,
        overwrite=arguments.overwrite,
    )
    done = cut(arguments.input, arguments.output, options, dry_run=arguments.dry_run)
    if arguments.dry_run:
        _print_plan(done)
    else:
        _print_written(done, arguments.output)
    _print_warnings(done.warnings)
    _print_passed_over(done)
    for sentence in done.failed[:NAMED]:
        print(f"slices: {sentence}", file=sys.stderr)
    if done.failed:
        more = len(done.failed) - NAMED
        if more > 0:
            print(f"slices: {more} more cannot be read", file=sys.stderr)
        return 1
    return 0


def _print_plan(done) -> None:
    for one in done.volumes:
        slices, rows, columns = one.shape
        about = [
            one.volume.modality or one.volume.source,
            one.volume.unit,
            f"{slices} {one.name.plane} of {columns}x{rows}",
            one.volume.description,
            one.volume.apart_by,
        ]
        print(f"{one.folder / one.name.stem}: {', '.join(text for text in about if text)}")
        print(f"    from {one.volume.where}")
    print(f"Would cut {_volumes_and_patients(done.volumes)}.")


def _print_written(done, output: pathlib.Path) -> None:
    from pipelines.slices.passed_over import counted

    stems = {(path.parent, path.stem.rpartition("_")[0]) for path in done.written}
    volumes = [one for one in done.volumes if (one.folder, one.name.stem) in stems]
    line = f"Wrote {counted(len(done.written), 'slice')} of {_volumes_and_patients(volumes)}"
    print(f"{line} to {output}.")
    if done.written:
        kinds = ", ".join(f"{count} of {name}" for name, count in done.dtypes.most_common())
        units = ", ".join(sorted(unit for unit in done.units if unit)) or "no unit"
        print(f"Values: {done.lowest:g} to {done.highest:g} ({units}); {kinds}.")
    if done.empty:
        print(f"Left out {counted(done.empty, 'empty slice')} (--skip_empty).")
    if len(done.dtypes) > 1:
        print(
            "Slices are of several number types: --dtype=float32 writes one, and "
            "--value_range=LOW,HIGH of train.py reads all of them alike."
        )
    for split in sorted({one.split for one in volumes}):
        patients = {one.volume.patient for one in volumes if one.split == split}
        if split:
            print(f"{split}: {counted(len(patients), 'patient')}.")
    if (output / "trainA").is_dir() and (output / "trainB").is_dir():
        print(f"Train on them by --dataset={output}.")


def _volumes_and_patients(volumes: Sequence) -> str:
    from pipelines.slices.passed_over import counted

    series = {one.volume.series for one in volumes}
    patients = {one.volume.patient for one in volumes}
    text = counted(len(series), "series")
    if len(volumes) > len(series):
        text += f" ({counted(len(volumes), 'volume')})"
    return f"{text} of {counted(len(patients), 'patient')}"


def _print_warnings(warnings: dict[str, list[str]]) -> None:
    for sentence, volumes in warnings.items():
        print(f"slices: {sentence} This is about {first_few(volumes)}.", file=sys.stderr)


def _print_passed_over(done) -> None:
    from pipelines.slices.passed_over import counted, describe

    for noun, reasons in (
        ("file", done.passed_over_files),
        ("volume", done.passed_over_series),
    ):
        if reasons:
            print(f"Passed over {counted(reasons.total(), noun)}: {describe(reasons)}.")


def _join(arguments: argparse.Namespace) -> int:
    from pipelines.slices.joining import join
    from pipelines.slices.passed_over import counted, describe

    done = join(
        arguments.folder,
        arguments.output,
        like=arguments.like,
        fill=arguments.fill,
        salt=arguments.salt,
        overwrite=arguments.overwrite,
    )
    files = counted(len(done.written), "file")
    print(f"Wrote {counted(done.slices, 'slice')} in {files} to {arguments.output}.")
    if done.filled:
        print(f"Of these, {done.filled} were missing and hold {arguments.fill:g}.")
    if done.step is not None:
        print(f"DICOM holds 16 bits: values are rounded to steps of {done.step:.3g}.")
    if done.passed_over:
        passed_over = counted(done.passed_over.total(), "file")
        print(f"Passed over {passed_over}: {describe(done.passed_over)}.")
    print("Translations are no diagnosis: they may show what is not there, and hide what is.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "cyclegan-slices",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    cut = commands.add_parser(
        "cut",
        help="DICOM series and NIfTI volumes -> folders of slices",
        description="Example: cyclegan-slices scanner1 --output=ct_scanners --split=trainA",
    )
    cut.add_argument(
        "input", type=_path, nargs="+", help="DICOM or NIfTI files, or folders of them"
    )
    cut.add_argument("--output", type=_path, required=True, help="the folder to write to")
    cut.add_argument(
        "--plane",
        choices=("axial", "coronal", "sagittal"),
        help="default: DICOM as it was acquired, NIfTI axial",
    )
    cut.add_argument(
        "--split", default="", help="a sub-folder: trainA, trainB, testA, testB, valA or valB"
    )
    cut.add_argument(
        "--test_share",
        type=float,
        default=0.0,
        help="share of the patients that goes to testA instead of trainA, or testB instead of "
        "trainB; the same patients in every data set",
    )
    cut.add_argument(
        "--modality", default="", help="take only these, with commas, such as CT or MR,PT"
    )
    cut.add_argument(
        "--description",
        default="",
        help="take only series whose description (of NIfTI, whose file name) fits this pattern, "
        "such as '*t1*'; case does not matter",
    )
    cut.add_argument(
        "--original_only",
        action="store_true",
        help="leave out series that were computed from others: reformats, projections, maps",
    )
    cut.add_argument(
        "--min_slices", type=int, default=1, help="take only volumes of at least so many slices"
    )
    cut.add_argument("--every", type=int, default=1, help="take each N-th slice; default 1")
    cut.add_argument(
        "--skip_empty",
        type=float,
        default=0.0,
        help="leave out slices of which less than this share shows the patient, such as 0.05",
    )
    cut.add_argument("--format", choices=("tiff", "npy"), default="tiff", help="default tiff")
    cut.add_argument(
        "--dtype",
        choices=("int16", "uint16", "float32"),
        help="default: the smallest that holds a volume exactly",
    )
    cut.add_argument(
        "--dry_run", action="store_true", help="list the series that would be cut, and stop"
    )
    join = commands.add_parser(
        "join",
        help="translated slices -> a DICOM series or a NIfTI volume",
        description="Example: cyclegan-slices join translated --like=scanner1/patient7/chest "
        "--output=joined",
    )
    join.add_argument("folder", type=_path, help="of slices, under the names they were cut with")
    join.add_argument(
        "--like", type=_path, nargs="+", required=True, help="the original series or volume"
    )
    join.add_argument(
        "--output",
        type=_path,
        required=True,
        help="a folder, or a file that ends with .nii or .nii.gz",
    )
    join.add_argument("--fill", type=float, help="value of slices that are missing, such as -1024")
    for command in (cut, join):
        command.add_argument(
            "--salt",
            default="",
            help="mixed into the pseudonyms of patients and series; keep it secret, and the same "
            "for all data sets",
        )
        command.add_argument(
            "--overwrite", action="store_true", help="replace files that exist already"
        )
    return parser


def _path(text: str) -> pathlib.Path:
    return pathlib.Path(text).expanduser()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
