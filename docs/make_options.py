"""Writes docs/options.md, and the flags in docs/from-the-reference.md."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import cyclegan_commands  # noqa: E402, F401  (so that Keras is not loaded)
from cyclegan_keras.cli import flags, presets, reference_flags  # noqa: E402
from cyclegan_keras.commands import compress, train  # noqa: E402
from cyclegan_keras.files.markdown import table  # noqa: E402

HEADER = """# Options

Those of `train.py` come first, then [those of `compress.py`](#options-of-compresspy). What the
other commands take, `--help` tells.

## Options of train.py

An option has the value of the first of these that sets it: a flag that you type, options.json of
the run that is continued, the weights of `--init_from`, `--preset`, `--method`, the default below.

An option that is marked *may change* may be typed with another value when a run is continued. One
that is marked *not kept* is not part of a run: every command decides it anew. All other options
have the values with which the run began, and others are refused; but pictures count, not their
place, so that `--dataset` and `--pairs` may [lie elsewhere](data.md#when-pictures-move). A new
`--learning_rate` applies from the beginning of the next epoch ([going
on](from-the-reference.md#going-on)).

`python docs/make_options.py` writes this page.
"""

COMPRESS_HEADER = """## Options of compress.py

An option has the value of the first of these that sets it: a flag that you type, options.json of
the compression that is continued, the training of the model, the default below. *may change* and
*not kept* mean what they mean above.
"""

# Where the written part of docs/from-the-reference.md ends.
FLAGS = "## Flags of train.py\n"

# Flags of the reference and of CUT that have the same name and the same meaning here.
SAME_FLAGS = (
    "input_nc",
    "output_nc",
    "ngf",
    "ndf",
    "norm",
    "init_type",
    "init_gain",
    "direction",
    "batch_size",
    "load_size",
    "crop_size",
    "max_dataset_size",
    "preprocess",
    "n_epochs",
    "n_epochs_decay",
    "lr_policy",
    "lr_decay_iters",
    "gan_mode",
    "pool_size",
    "lambda_identity",
    "nce_layers",
    "flip_equivariance",
)


def defaults_table(defaults: dict[str, dict[str, object]]) -> str:
    """Returns a table of the options that each named set of defaults sets."""
    rows = []
    for name, options in defaults.items():
        flags_set = [f"`{as_flag(option, value)}`" for option, value in options.items()]
        rows.append((f"`{name}`", ", ".join(flags_set) or "nothing"))
    return table(("name", "sets"), rows)


def as_flag(option: str, value: object) -> str:
    """Returns an option as it is typed on the command line.

    Example:
        >>> as_flag("flip", False)
        '--noflip'
    """
    if isinstance(value, bool):
        return f"--{option}" if value else f"--no{option}"
    return f"--{option}={value}"


def page() -> str:
    """Returns the whole page."""
    sections = [
        HEADER,
        f"### Defaults of each --method\n\n{defaults_table(presets.METHOD_DEFAULTS)}\n",
        f"### Presets\n\n{defaults_table(presets.PRESET_DEFAULTS)}\n",
        flags.option_table(train.GROUPS),
        COMPRESS_HEADER,
        flags.option_table(compress.GROUPS),
    ]
    return "\n".join(sections)


def training_rows() -> list[tuple[str, str]]:
    """Returns theirs and ours for each flag of training."""
    options = flags.fields(train.GROUPS)
    rows = [(flag, "the same") for flag in SAME_FLAGS]
    for name, field in options.items():
        for alias in field.metadata.get("aliases", ()):
            rows.append((alias, f"the same, or --{name}"))
    for flag, answer in reference_flags.TRAIN.items():
        if flag not in options:
            rows.append((flag, answer))
    return rows


def testing_rows() -> list[tuple[str, str, str]]:
    """Returns theirs and ours, in translate.py and evaluate.py, for each flag of testing."""
    rows = []
    for flag in reference_flags.TRANSLATE | reference_flags.EVALUATE:
        if "display" not in flag:
            translated = reference_flags.TRANSLATE.get(flag, "the same")
            rows.append((flag, translated, reference_flags.EVALUATE.get(flag, "the same")))
    return rows


def grouped(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Returns rows of a table: flags that share an answer share a row."""
    sharing: dict[tuple[str, ...], list[str]] = {}
    for flag, *answers in rows:
        cells = tuple(as_code(answer) for answer in answers)
        sharing.setdefault(cells, []).append(f"`--{flag}`")
    return [(", ".join(names), *cells) for cells, names in sharing.items()]


def as_code(answer: str) -> str:
    """Returns an answer with its flags and paths as code.

    Example:
        >>> as_code("--input=<folder>/testA names the pictures")
        '`--input=<folder>/testA` names the pictures'
    """
    return re.sub(r"(--\w+(=[\w<>/.@]+)?|<run>/[\w/.]*\w)", r"`\1`", answer)


def reference_page() -> str:
    """Returns docs/from-the-reference.md: what is written there, with the tables of flags anew."""
    written = (ROOT / "docs" / "from-the-reference.md").read_text().partition(FLAGS)[0]
    return "\n".join(
        [
            f"{written}{FLAGS}",
            f"{table(('there', 'here'), grouped(training_rows()))}\n",
            "`--preprocess` takes all of their choices, and `--lr_policy` all but `plateau`.\n",
            "## Flags of test.py\n",
            "`--model` is the folder of a run, or a file.\n",
            f"{table(('there', 'translate.py', 'evaluate.py'), grouped(testing_rows()))}\n",
            "`python docs/make_options.py` writes these tables.",
            "",
        ]
    )


if __name__ == "__main__":
    (ROOT / "docs" / "options.md").write_text(page())
    (ROOT / "docs" / "from-the-reference.md").write_text(reference_page())
