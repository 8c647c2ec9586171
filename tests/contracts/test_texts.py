"""No text of the project names the machine it was written on."""

import re
import subprocess

import pytest
from conftest import ROOT

# Folders of a user or of a machine, and where packages were fetched from; `[i]` and the like keep
# this file from matching itself.
MACHINE_WORDS = re.compile(
    r"(?<![\w.$}])/(?:root|home|Users|work)/\w+|[a-z]:\\users|pyp[i]\.org|python[h]osted"
    r"|--(?:extra-)?index-url|--find[-]links",
    re.IGNORECASE,
)


@pytest.mark.process
def test_no_text_names_the_machine_it_was_written_on():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = {}
    for name in listed.stdout.splitlines():
        try:
            words = MACHINE_WORDS.findall((ROOT / name).read_text())
        except UnicodeDecodeError:
            continue  # a binary file
        if words:
            found[name] = words
    assert "Makefile" in listed.stdout.splitlines()
    assert found == {}
