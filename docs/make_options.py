"""Writes docs/options.md from the options dataclasses: python docs/make_options.py."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import cyclegan_commands  # noqa: E402, F401  (so that Keras is not loaded)
from cyclegan_keras.cli import flags, presets  # noqa: E402
from cyclegan_keras.commands import train  # noqa: E402
from cyclegan_keras.files.markdown import table  # noqa: E402

HEADER = """# Options of train.py

An option has the value of the first of these that sets it: a flag that you type, options.json of
the run that is continued, the weights of `--init_from`, `--preset`, `--method`, the default below.
`python docs/make_options.py` writes this page.
"""


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
        f"## Defaults of each --method\n\n{defaults_table(presets.METHOD_DEFAULTS)}\n",
        f"## Presets\n\n{defaults_table(presets.PRESET_DEFAULTS)}\n",
        flags.option_table(train.GROUPS),
    ]
    return "\n".join(sections)


if __name__ == "__main__":
    (ROOT / "docs" / "options.md").write_text(page())
