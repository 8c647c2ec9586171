"""Writes docs/options.md anew from the options dataclasses: python docs/make_options.py."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import cyclegan_commands  # noqa: E402, F401  (so that Keras is not loaded)
from cyclegan_keras.cli import flags, presets  # noqa: E402
from cyclegan_keras.commands import train  # noqa: E402

HEADER = """# Options of train.py

An option comes from the first of these that has it: a flag that you type, options.json of a run
that is continued, `--preset`, the defaults of `--method`, the default below.
`python docs/make_options.py` writes this page.

"""


def table(title: str, sets: dict[str, dict[str, object]]) -> str:
    """Returns named sets of defaults as a Markdown table."""
    lines = [f"## {title}", "", "| name | sets |", "|---|---|"]
    for name, chosen in sets.items():
        told = ", ".join(f"`{typed(option, value)}`" for option, value in chosen.items())
        lines.append(f"| `{name}` | {told or 'nothing'} |")
    return "\n".join([*lines, "", ""])


def typed(option: str, value: object) -> str:
    """Returns an option as one types it."""
    if isinstance(value, bool):
        return f"--{'' if value else 'no'}{option}"
    return f"--{option}={value}"


def page() -> str:
    """Returns the whole page."""
    methods = table("Defaults of each --method", presets.METHOD_DEFAULTS)
    named = table("Presets", presets.PRESET_DEFAULTS)
    return HEADER + methods + named + flags.option_table(train.GROUPS)


if __name__ == "__main__":
    (ROOT / "docs" / "options.md").write_text(page())
