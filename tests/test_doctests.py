"""The examples in the packages' docstrings run as they stand."""

import doctest
import importlib
import inspect

import keras
import pytest
from conftest import ROOT

from cyclegan_keras import layers

MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for package in ("cyclegan_keras", "pipelines")
    for path in sorted((ROOT / package).rglob("*.py"))
    if ">>>" in path.read_text()
]
LAYERS = [
    value
    for value in vars(layers).values()
    if inspect.isclass(value) and issubclass(value, keras.layers.Layer)
]


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)
def test_public_layer_has_an_example(layer):
    assert ">>>" in layer.__doc__
