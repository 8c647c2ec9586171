"""`make page` in its order: what is missing is said first, then the run, then the export."""

import pathlib
import socket

import pytest

from cyclegan_keras.commands import demo_page, export, train
from cyclegan_keras.export.web import runtime
from cyclegan_keras.files.errors import ExportError


@pytest.fixture
def calls(monkeypatch):
    """What the command did: the parts of it that take minutes are only noted."""
    calls = []

    def find_runtime(source):
        calls.append(("find_runtime", source))

    def train_run(**options):
        calls.append(("train", options))
        return 0

    def export_run(**options):
        folder = pathlib.Path(options.pop("web_examples"))
        pictures = sorted(path.parent.name for path in folder.rglob("*.png"))
        calls.append(("export", options, pictures))
        return 0

    monkeypatch.setattr(runtime, "find_runtime", find_runtime)
    monkeypatch.setattr(train, "run", train_run)
    monkeypatch.setattr(export, "run", export_run)
    return calls


def test_the_demo_is_trained_and_exported_with_drawn_pictures(calls, tmp_path):
    output = str(tmp_path / "demo")
    assert demo_page.run(run_dir="runs/mine", output=output, web_runtime="lit") == 0
    assert calls[:2] == [
        ("find_runtime", "lit"),
        ("train", {"preset": "demo", "run_dir": "runs/mine"}),
    ]
    name, options, pictures = calls[2]
    assert name == "export"
    assert options == {
        "run_dir": "runs/mine",
        "output": output,
        "format": "web",
        "web_runtime": "lit",
    }
    assert pictures == ["testA"] * demo_page.EXAMPLES + ["testB"] * demo_page.EXAMPLES


def test_nothing_is_trained_where_the_runtime_is_missing(calls, monkeypatch, capsys):
    def missing(source):
        raise ExportError("there is no npm to fetch it")

    monkeypatch.setattr(runtime, "find_runtime", missing)
    assert demo_page.main(["demo_page"]) == 2
    assert capsys.readouterr().err == "demo_page: there is no npm to fetch it\n"
    assert calls == []


def test_nothing_is_trained_where_the_port_is_in_use(calls, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert demo_page.main(["demo_page", f"--port={port}"]) == 2
    assert f"--port={port} is in use by another program" in capsys.readouterr().err
    assert calls == []


def test_an_interrupted_training_is_not_exported(calls, monkeypatch):
    monkeypatch.setattr(train, "run", lambda **options: 130)
    assert demo_page.run() == 130
    assert [call[0] for call in calls] == ["find_runtime"]


def test_an_earlier_page_is_spoken_of(calls, tmp_path, capsys):
    (tmp_path / "web").mkdir()
    assert demo_page.run(output=str(tmp_path)) == 0
    assert "is there already" in capsys.readouterr().out
