"""Writes docs/options.md anew from the options dataclasses: python docs/make_options.py."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import train  # noqa: E402
from cyclegan_keras import flags  # noqa: E402

HEADER = """# Options of train.py

An option comes from the first of these that has it: a flag that you type, options.json of a run
that is continued, `--preset`, the default below. `python docs/make_options.py` writes this page.

"""

(ROOT / "docs" / "options.md").write_text(HEADER + flags.option_table(train.GROUPS))
