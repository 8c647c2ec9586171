"""Puts pairs of pictures side by side, or splits them, for paired training.

    python -m pipelines.pairs combine photos labels --output=facades
    python -m pipelines.pairs split facades --output=facades_apart

`combine` joins photos/train/1.jpg and labels/train/1.png to facades/train/1.png, A left, B right;
`split` makes trainA/1.png and trainB/1.png of such a file.
"""

import argparse
import pathlib
import sys

import cyclegan_commands  # noqa: F401  (so that --help need not wait for Keras)
from cyclegan_keras.files.errors import DataError
from pipelines.pairs import side_by_side
from pipelines.pairs.side_by_side import FORMATS


def main(argv: list[str]) -> int:
    """Runs one command; returns the exit code."""
    arguments = vars(_parser().parse_args(argv))
    run, output = arguments.pop("run"), arguments["output"]
    try:
        written = run(**arguments)
    except (DataError, OSError) as error:
        print(f"pairs: {error}", file=sys.stderr)
        return 1
    folders = sorted({path.relative_to(output).parts[0] for path in written})
    print(f"Wrote {len(written)} pictures to {output}.")
    if {"train", "trainA"} & set(folders):
        print(f"Train on them by --dataset={output}.")
    elif run is side_by_side.combine and output.name == "train":
        print(f"Train on them by --dataset={output.parent}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "python -m pipelines.pairs", description=__doc__, formatter_class=raw
    )
    commands = parser.add_subparsers(required=True)
    joining = commands.add_parser(
        "combine",
        help="two folders -> one, of pictures side by side",
        description="Example: python -m pipelines.pairs combine photos labels --output=facades",
    )
    joining.add_argument("folder_a", type=_folder, help="pictures of A, which come to the left")
    joining.add_argument("folder_b", type=_folder, help="those of B, under the same names")
    joining.set_defaults(run=side_by_side.combine)
    parting = commands.add_parser(
        "split",
        help="one folder of pictures side by side -> folders of A and B",
        description="Example: python -m pipelines.pairs split facades --output=facades_apart",
    )
    parting.add_argument("folder", type=_folder, help="with train, val and test, or just pictures")
    parting.set_defaults(run=side_by_side.split)
    for command in (joining, parting):
        command.add_argument("--output", type=_folder, required=True, help="the folder to write to")
        command.add_argument(
            "--format",
            choices=tuple(FORMATS),
            default="png",
            help="png (the default) keeps every pixel; jpeg, of quality 95, takes less room",
        )
        command.add_argument(
            "--overwrite", action="store_true", help="replace files that are there already"
        )
    return parser


def _folder(text: str) -> pathlib.Path:
    return pathlib.Path(text).expanduser()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
