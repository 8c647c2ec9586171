"""Prints the packages that the project, extras and dependency groups of pyproject.toml ask for.

    python locks/declared.py wandb mlflow > tools.in
    python locks/declared.py dependencies eval > needs.txt

What the project itself needs is printed only for the word dependencies, so that a lock in this
folder holds the tools alone.
"""

import pathlib
import sys

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

declared = tomllib.loads(pathlib.Path("pyproject.toml").read_text())
packages = {"dependencies": declared["project"]["dependencies"]}
packages |= declared["project"]["optional-dependencies"]
packages |= declared["dependency-groups"]
for name in sys.argv[1:]:
    if name not in packages:
        sys.exit(f"pyproject.toml has no {name}: expected some of {', '.join(packages)}.")
    print("\n".join(packages[name]))
