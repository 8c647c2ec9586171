"""Every program ends alike; tests/cli/test_console.py has what is around all of them."""

import errno

import pytest

from cyclegan_keras.commands import weights
from cyclegan_keras.files.errors import UserError, WriteError
from pipelines.pairs import __main__ as pairs
from pipelines.slices import __main__ as slices

# Name, arguments, and the function that does the work.
PROGRAMS = {
    "pairs": (pairs.main, ["split", "a", "--output=b"], "pipelines.pairs.side_by_side.split"),
    "slices": (slices.main, ["a", "--output=b"], "pipelines.slices.cutting.cut"),
    "weights": (weights.main, ["import", "a"], "cyclegan_keras.weights.networks.load_networks"),
}
ENDS = [
    (UserError("No such folder."), 2, "No such folder.\n"),
    (WriteError("The disk is full."), 1, "The disk is full.\n"),
    (OSError(errno.EIO, "the drive"), 1, "[Errno 5] the drive. What was saved is intact.\n"),
    (MemoryError(), 1, "The memory does not suffice: "),
    (KeyboardInterrupt(), 130, "interrupted; what was saved is intact.\n"),
]


@pytest.mark.parametrize(("error", "exit_code", "sentence"), ENDS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_end_alike(program, error, exit_code, sentence, monkeypatch, capsys):
    def fail(*arguments, **options):
        raise error

    main, argv, work = PROGRAMS[program]
    monkeypatch.setattr(work, fail)
    assert main(argv) == exit_code
    assert capsys.readouterr().err.startswith(f"{program}: {sentence}")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_name_that_a_library_cannot_take_is_a_sentence(program, monkeypatch, capsys):
    main, argv, work = PROGRAMS[program]
    monkeypatch.setattr(work, lambda *arguments, **options: "caf\udce9".encode())
    assert main(argv) == 2
    assert capsys.readouterr().err.startswith(f"{program}: caf\\udce9 is no UTF-8, and ")
