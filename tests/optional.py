"""Packages that are not in every environment, and what their tests do where they are not."""

import importlib
import os
import types

import pytest


def optional(package: str) -> types.ModuleType:
    """Imports a package, or skips the test; where everything is to be tested, the test fails.

    Args:
        package: its name as it is imported, such as "wandb" or "mlflow.tracking".
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or package.split(".")[0] != error.name.split(".")[0]:
            raise  # the package is there, and something that it needs is not
    reason = f"needs the package {package.split('.')[0]}, which is not in this environment"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
