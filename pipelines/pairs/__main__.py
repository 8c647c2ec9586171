"""Puts pairs of pictures side by side, or splits them, for paired training.

    cyclegan-pairs combine photos labels --output=facades
    cyclegan-pairs split facades --output=facades_apart

`combine` joins photos/train/1.jpg and labels/train/1.png to facades/train/1.png, A left, B right.
Names may also end with _A and _B, as 1_A.jpg and 1_B.png do, and both may lie in one folder.
`split` makes trainA/1.png and trainB/1.png of such a file.
"""

import argparse
import logging
import pathlib
import sys

import absl.logging

import cyclegan_commands  # noqa: F401  (so that --help need not wait for Keras)
from cyclegan_keras.files.shield import run_shielded
from pipelines.pairs import side_by_side


def main(argv: list[str]) -> int:
    """Runs one command; returns the exit code."""
    return run_shielded("pairs", lambda: _run(argv))


def _run(argv: list[str]) -> int:
    arguments = _parser().parse_args(argv)
    logging.basicConfig(format="%(message)s")
    absl.logging.set_verbosity(absl.logging.INFO)  # what is passed over is said
    how = {"format": arguments.format, "overwrite": arguments.overwrite}
    output = arguments.output
    if arguments.command == "combine":
        written = side_by_side.combine(arguments.folder_a, arguments.folder_b, output, **how)
    else:
        written = side_by_side.split(arguments.folder, output, **how)
    print(f"Wrote {len(written)} pictures to {output}.")
    top_folders = {path.relative_to(output).parts[0] for path in written}
    if "train" in top_folders or "trainA" in top_folders:
        print(f"Train on them by --dataset={output}.")
    elif arguments.command == "combine" and output.name == "train":
        print(f"Train on them by --dataset={output.parent}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "cyclegan-pairs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    combine = commands.add_parser(
        "combine",
        help="two folders -> one, of pictures side by side",
        description="Example: cyclegan-pairs combine photos labels --output=facades",
    )
    combine.add_argument("folder_a", type=_folder, help="pictures of A, which come to the left")
    combine.add_argument("folder_b", type=_folder, help="those of B, under the same names")
    split = commands.add_parser(
        "split",
        help="one folder of pictures side by side -> folders of A and B",
        description="Example: cyclegan-pairs split facades --output=facades_apart",
    )
    split.add_argument("folder", type=_folder, help="with train, val and test, or just pictures")
    for command in (combine, split):
        command.add_argument("--output", type=_folder, required=True, help="the folder to write to")
        command.add_argument(
            "--format",
            choices=tuple(side_by_side.FORMATS),
            default="png",
            help="png (the default) keeps every pixel, also of 16 bits; tiff also holds negative "
            "numbers and fractions; jpeg, of quality 95, takes less disk space",
        )
        command.add_argument(
            "--overwrite", action="store_true", help="replace files that exist already"
        )
    return parser


def _folder(text: str) -> pathlib.Path:
    return pathlib.Path(text).expanduser()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
