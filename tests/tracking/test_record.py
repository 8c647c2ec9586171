import pytest

from cyclegan_keras.files.errors import RunError
from cyclegan_keras.tracking.record import Record


def test_a_later_process_knows_the_run_and_what_it_holds(tmp_path):
    path = tmp_path / "trackers" / "wandb.json"
    first = Record(path)
    assert first.tracked == {}
    first.begin({"id": "abc"})
    first.note(["loss"], 10)
    first.note(["loss", "samples"], 20)
    assert first.is_new("loss", 20)  # several findings of one step have one name

    second = Record(path)
    assert second.tracked == {"id": "abc"}
    assert not second.is_new("loss", 20)
    assert second.is_new("loss", 21)
    assert second.is_new("eval/score", 0)
    second.note(["loss"], 15)
    assert not Record(path).is_new("loss", 20)


@pytest.mark.parametrize("content", ["", "[]", '{"run": 3, "logged": {}}', '{"run": {}}'])
def test_a_damaged_file_is_a_sentence(tmp_path, content):
    path = tmp_path / "wandb.json"
    path.write_text(content)
    with pytest.raises(RunError, match="restore it, or remove it to begin a new one"):
        Record(path)
