"""Prints the packages that extras and dependency groups of pyproject.toml ask for.

    python locks/declared.py wandb mlflow > tools.in

What the project itself needs is left out, so that a lock in this folder holds the tools alone.
"""

import pathlib
import sys

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

declared = tomllib.loads(pathlib.Path("pyproject.toml").read_text())
for name in sys.argv[1:]:
    extras = declared["project"]["optional-dependencies"]
    packages = extras[name] if name in extras else declared["dependency-groups"][name]
    print("\n".join(packages))
