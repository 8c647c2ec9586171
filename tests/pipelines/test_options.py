import dataclasses
import subprocess
import sys

import pytest
from conftest import ROOT

from pipelines.options import DataOptions


@pytest.mark.process
def test_importing_the_options_imports_no_tensorflow():
    check = (
        "import sys, cyclegan_commands, pipelines.options; sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0


def test_every_option_says_what_it_does_and_defaults_are_allowed():
    for field in dataclasses.fields(DataOptions):
        assert field.metadata["help"]
        assert field.default in field.metadata.get("choices", (field.default,))


def test_only_what_is_not_learned_from_may_change():
    changeable = {f.name for f in dataclasses.fields(DataOptions) if f.metadata.get("may_change")}
    assert changeable == {"data_dir", "cache", "cache_mb", "cache_dir", "on_bad_image"}
