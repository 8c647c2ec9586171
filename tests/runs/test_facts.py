from absl import logging

from cyclegan_keras.runs.facts import note_facts
from cyclegan_keras.runs.run import Run


def facts(count, digest):
    data = {"name": "horses", "trainA": {"count": count, "sha256": digest}}
    return {"domains": ["horse", "zebra"], "data": data}


def test_changed_pictures_are_told(tmp_path, caplog):
    run = Run(tmp_path)
    with caplog.at_level(logging.WARNING):
        note_facts(run, facts(3, "a"))
        note_facts(run, facts(3, "a"))
        assert not caplog.records
        note_facts(run, facts(4, "b"))
    assert "trainA had 3 and now has 4" in caplog.text
    assert run.saved_facts()["data"]["trainA"]["count"] == 4
    assert "keras" in run.saved_facts()["versions"]
