import pathlib

import pytest

from cyclegan_keras.files.errors import RunError
from cyclegan_keras.runs.sources import RunSource, find_source


@pytest.fixture
def horse(tmp_path, monkeypatch):
    """A run with a checkpoint of step 7 and snapshots of steps 5 and 7; the working directory."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "horse"
    (folder / "checkpoints").mkdir(parents=True)
    for name in ("options.json", "checkpoints/step_000000007.npz", "checkpoints/notes.txt"):
        (folder / name).touch()
    for step in (5, 7):
        (folder / "snapshots" / f"step_{step:09d}").mkdir(parents=True)
    for name in ("mail@7", "no_run"):  # the first is a run
        (tmp_path / name).mkdir()
    (tmp_path / "mail@7" / "options.json").touch()
    (tmp_path / "other.npz").touch()
    return folder


@pytest.mark.parametrize(
    ("word", "step", "file"),
    [
        ("horse", None, None),
        ("horse/", None, None),
        ("horse@7", 7, "checkpoints/step_000000007.npz"),
        ("horse@7/", 7, "checkpoints/step_000000007.npz"),
        ("horse@000000005", 5, "snapshots/step_000000005"),
        ("horse/checkpoints/step_000000007.npz", 7, "checkpoints/step_000000007.npz"),
        ("horse/snapshots/step_000000005/", 5, "snapshots/step_000000005"),
    ],
)
def test_words_of_a_run(word, step, file, horse):
    found = find_source(word)
    assert found.directory.resolve() == horse
    assert found.step == step
    assert found.file is None if file is None else found.file.resolve() == horse / file
    assert found.name == ("horse" if step is None else f"horse-step_{step}")


@pytest.mark.parametrize("inside", ["checkpoints/step_000000007.npz", "snapshots/step_000000005"])
def test_words_inside_a_run(inside, horse, monkeypatch):
    monkeypatch.chdir((horse / inside).parent)
    found = find_source(pathlib.Path(inside).name)
    assert (found.directory, found.step) == (horse, int(inside.removesuffix(".npz")[-1]))


def test_a_path_that_exists_wins(horse):
    assert find_source("mail@7") == RunSource(directory=pathlib.Path("mail@7"))


@pytest.mark.parametrize(
    "word",
    [
        "nowhere",
        "nowhere@5",
        "no_run@5",
        "no_run",
        "g.keras",
        "horse@5,horse@7",
        "@5",
        "horse/best",
    ],
)
def test_words_of_something_else(word, horse):
    assert find_source(word) is None


KEPT = "It has checkpoints of step 7 and snapshots of steps 5, 7."


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("horse@6", f"horse keeps nothing of step 6. {KEPT}"),
        ("horse@latest", f"horse@latest: expected the number of a step after the @. {KEPT}"),
        ("horse@", f"horse@: expected the number of a step after the @. {KEPT}"),
        ("horse/checkpoints/step_000000006.npz", f"keeps nothing of step 6. {KEPT}"),
        ("horse/snapshots/step_000000006", f"keeps nothing of step 6. {KEPT}"),
        ("horse/snapshots", f"several steps: name one, as horse@<step>. {KEPT}"),
        ("horse/checkpoints/", f"several steps: name one, as horse@<step>. {KEPT}"),
        ("mail@7@7", "mail@7 keeps nothing of step 7. It has no checkpoints and no snapshots."),
        ("other.npz", "other.npz lies outside a run"),
    ],
)
def test_what_is_not_kept_is_a_sentence(word, sentence, horse):
    with pytest.raises(RunError) as raised:
        find_source(word)
    assert sentence in str(raised.value)
