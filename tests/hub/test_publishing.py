"""Exports on the Hub and back: the commands and the client of the Hub against a stand-in of it."""

import json
import shutil
import zipfile

import keras
import numpy as np
import pytest
from hub_standin import Account
from made_runs import make_run, small_and_eager
from optional import optional
from PIL import Image
from tiny_options import PONIES

from cyclegan_keras.commands import compress, evaluate, export, train, translate, weights
from cyclegan_keras.hub import fetching
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.runs.run import Run

pytestmark = [
    pytest.mark.slow,  # whole commands
    pytest.mark.usefixtures("small_and_without_graphs", "new_cache"),
]


@pytest.fixture(scope="module")
def small_and_without_graphs():
    """The smallest generator has no residual blocks, and functions are not traced."""
    with small_and_eager(n_blocks=0):
        yield


def run(command, *words):
    """Runs a command in this process; returns its exit code."""
    return command.main([command.__name__, *map(str, words)])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with pictures, and a run of both directions that was trained on a folder."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "pictures" / "testA").mkdir(parents=True)
    for seed in range(2):
        values = np.random.default_rng(seed).integers(0, 256, (20, 24, 3)).astype("uint8")
        Image.fromarray(values).save(folder / "pictures" / "testA" / f"{seed}.png")
    networks = {
        name: ResNetGenerator(ngf=2, n_blocks=0, init_gain=0.1, name=name)
        for name in ("generator_g", "generator_f")
    }
    make_run(
        folder / "ponies",
        networks,
        facts={
            "domains": ["horse", "zebra"],
            "data": {"name": str(folder / "pictures"), "trainA": {"count": 2}},
            "initialized_from": f"hf://bob/start@{'0' * 40}",
        },
        dataset=str(folder / "pictures"),
        method="cyclegan",
        diff_augment="translation",
        d_regularization="none",
        lambda_r1=0.1,
        ema_decay=0.999,
        n_epochs=3,
        n_epochs_decay=1,
        steps_per_epoch=400,
    )
    measure = {
        "name": "KID",
        "value": 5.25,
        "low": 4.0,
        "high": 6.5,
        "floor": 0.1,
        "ceiling": 9.0,
        "better": "lower",
        "features": "efficientnet_lite0",
        "protocol": "the unbiased MMD^2",
        "note": "",
    }
    evaluation = Run(folder / "ponies").evaluation(5)
    evaluation.mkdir(parents=True)
    content = {
        "evaluated on": str(folder / "pictures"),
        "test pictures": "all",
        "step": "5",
        "directions": [{"direction": "horse to zebra", "measures": [measure]}],
    }
    (evaluation / "evaluation.json").write_text(json.dumps(content))
    return folder


def push(made, output, *words, repository="anna/ponies"):
    return run(
        export,
        f"--run_dir={made}/ponies",
        f"--pictures={made}/pictures/testA",
        f"--calibration_dir={made}/pictures/testA",
        "--format=none",
        f"--output={output}",
        f"--push_to_hub={repository}",
        *words,
    )


def test_round_trip(made, tmp_path, hub, new_cache, as_anna, capsys, caplog):
    from huggingface_hub import ModelCard

    words = ("--hub_private", "--licence=CC BY 4.0", f"--hub_examples={made}/pictures")
    assert push(made, tmp_path / "export", *words) == 0
    printed = capsys.readouterr().out
    assert f": {hub.endpoint}/anna/ponies\n" in printed
    assert "translate.py --model=hf://anna/ponies" in printed
    assert "ponies is not trained to its end: it has 5 of 1,600 steps" in caplog.text

    # ---- what lies there ----
    assert hub.repositories["anna/ponies"].private
    assert list(hub.repositories["anna/ponies"].messages.values())[1:] == ["Upload ponies, step 5"]
    files = hub.files("anna/ponies")
    assert {"README.md", "generator_g.keras", "generator_f.keras", "receipt.json"} < set(files)
    for name, content in files.items():
        if name.endswith(".keras"):
            (tmp_path / name).write_bytes(content)
            with zipfile.ZipFile(tmp_path / name) as archive:
                content = b"".join(archive.read(each) for each in archive.namelist())
        assert str(made).encode() not in content, name
        assert str(tmp_path).encode() not in content, name

    # ---- the card ----
    card = ModelCard(files["README.md"].decode())
    assert card.data.license == "cc-by-4.0"
    assert card.data.pipeline_tag == "image-to-image"
    assert card.data.library_name == "keras"
    assert card.data.base_model == ["bob/start"]
    (result,) = card.data.eval_results
    assert (result.metric_type, result.metric_value) == ("kid", 5.25)
    assert result.dataset_name == "pictures"
    assert "| horse → zebra | KID | 5.25 (4 to 6.5) | lower | 0.1 | 9 |" in card.text
    assert "the unbiased MMD^2" in card.text
    assert "| `--diff_augment` | translation |" in card.text
    assert 'pip install "<path of its clone>[hub]"' in card.text
    assert "| file | what |\n" in card.text
    assert "| steps | 5 of 1,600 |" in card.text
    assert "| `--ema_decay` | 0.999 |" in card.text
    assert "d_regularization" not in card.text
    assert "lambda_r1" not in card.text
    assert "samples_generator_g.png" in card.text
    assert [name for name in files if name.endswith(".png")] == ["samples_generator_g.png"]

    # ---- and back ----
    new_cache("of_another_machine")
    source, by_run, by_hub = f"{made}/pictures/testA", tmp_path / "by_run", tmp_path / "by_hub"
    assert run(translate, f"--model={made}/ponies", f"--input={source}", f"--output={by_run}") == 0
    model = "--model=hf://anna/ponies"
    assert run(translate, model, f"--input={source}", f"--output={by_hub}") == 0
    for name in ("0.png", "1.png"):
        assert (by_hub / name).read_bytes() == (by_run / name).read_bytes()


@pytest.mark.parametrize(
    ("repository", "token", "said"),
    [
        ("anna/ponies", None, "needs to know who you are: log in by `hf auth login`"),
        ("anna/ponies", "hf_wrong", "does not take your token"),
        ("anna/ponies", "hf_read", "your token may read and not write"),
        ("bob/ponies", "hf_of_anna", "bob is neither you nor an organization of yours"),
        ("museum/ponies", "hf_of_anna", "your role in museum is 'read', which may not write"),
        ("ponies", "hf_of_anna", "can be no repository: expected user/name"),
    ],
)
def test_no_right_to_write_is_said_before_the_work(
    made, tmp_path, hub, monkeypatch, capsys, repository, token, said
):
    hub.accounts["hf_read"] = Account("anna", role="read")
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    assert push(made, tmp_path / "export", repository=repository) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "export").exists()
    assert hub.repositories == {}


def test_an_export_that_fails_leaves_no_repository(made, tmp_path, hub, as_anna, capsys):
    words = (f"--hub_examples={tmp_path}/nowhere", "--hub_branch=try")
    assert push(made, tmp_path / "export", *words) == 2
    assert "nowhere is no folder" in capsys.readouterr().err
    assert hub.repositories == {}
    assert ("GET", "/api/whoami-v2") in hub.asked


def test_nothing_private_lands_in_a_public_repository(made, tmp_path, hub, as_anna, capsys):
    hub.add("lab/ponies", {})
    assert push(made, tmp_path / "export", "--hub_private", repository="lab/ponies") == 2
    assert "exists and is public" in capsys.readouterr().err


def test_a_dry_run_asks_nobody(made, tmp_path, hub, capsys):
    assert push(made, tmp_path / "export", "--dry_run", "--hub_branch=try") == 0
    assert json.loads(capsys.readouterr().out)["push_to_hub"] == "hf://anna/ponies@try"
    assert hub.asked == []


def test_options_of_publishing_need_a_repository(made, capsys):
    assert run(export, f"--run_dir={made}/ponies", "--hub_private") == 2
    assert "--hub_private is for --push_to_hub=user/name" in capsys.readouterr().err
    assert run(export, f"--run_dir={made}/ponies", "--format=none") == 2
    assert "--format=none writes nothing" in capsys.readouterr().err


@pytest.mark.release
def test_an_upload_that_is_refused_leaves_the_export(made, tmp_path, hub, as_anna, capsys):
    hub.failing = "no commits"
    assert push(made, tmp_path / "export") == 2
    said = capsys.readouterr().err
    assert "the Hub does not let you do this" in said
    assert f"`hf upload anna/ponies {tmp_path}/export/hub .` uploads it" in said
    assert (tmp_path / "export" / "hub" / "README.md").exists()
    assert list(hub.files("anna/ponies")) == [".gitattributes"]


@pytest.mark.release
def test_a_branch_with_exported_files(made, tmp_path, hub, new_cache, as_anna):
    pytest.importorskip("ai_edge_litert")
    hub.add("lab/ponies", {"generator_g.keras": b"old"})
    words = ("--hub_branch=try", "--hub_message=Try this", "--tflite_variants=fp32")
    words += ("--format=tflite", "--tflite_size=16", "--allow_quality_loss")
    assert push(made, tmp_path / "export", *words, repository="lab/ponies") == 0
    assert hub.files("lab/ponies") == {"generator_g.keras": b"old"}
    files = hub.files("lab/ponies", "try")
    assert "tflite/generator_g_fp32.tflite" in files
    assert not any(name.endswith(".png") for name in files)  # nobody has said that they may be
    assert not any(str(made).encode() in content for content in files.values())
    new_cache("other")
    model = "--model=hf://lab/ponies@try/tflite/generator_g_fp32.tflite"
    source = f"--input={made}/pictures/testA/0.png"
    assert run(translate, model, source, f"--output={tmp_path}/0.png") == 0


@pytest.mark.release
def test_one_direction_takes_the_place_of_two(made, tmp_path, hub, new_cache, as_anna):
    pytest.importorskip("ai_edge_litert")
    words = ("--format=tflite", "--tflite_variants=fp32", "--tflite_size=16")
    words += ("--allow_quality_loss", f"--hub_examples={made}/pictures/testA")
    assert push(made, tmp_path / "both", *words) == 0
    old = {"generator_f.keras", "samples_generator_f.png", "tflite/generator_g_fp32.tflite"}
    assert old < set(hub.files("anna/ponies"))
    hub.repositories["anna/ponies"].commit("main", {"notes.md": b"Mine"}, "Notes")

    one = tmp_path / "one.keras"
    one.write_bytes(hub.files("anna/ponies")["generator_g.keras"])
    words = (f"--pictures={made}/pictures/testA", "--format=none", f"--output={tmp_path}/one")
    assert run(export, f"--model={one}", *words, "--push_to_hub=anna/ponies") == 0
    files = hub.files("anna/ponies")
    assert {"generator_g.keras", "notes.md", "README.md"} < set(files)
    assert not old & set(files)
    new_cache("of_another_machine")
    assert fetching.local("hf://anna/ponies").endswith("/generator_g.keras")


@pytest.fixture
def published(made, tmp_path, hub, new_cache, as_anna):
    """anna/ponies, in no cache."""
    assert push(made, tmp_path / "export") == 0
    new_cache("published")
    return hub.repositories["anna/ponies"]


@pytest.mark.release
def test_keras_itself_reads_what_was_published(published, hub):
    loaded = keras.saving.load_model("hf://anna/ponies")
    assert loaded.description.words == "horse to zebra"
    expected = keras.saving.load_model(fetching.local("hf://anna/ponies/generator_g.keras"))
    for found, weight in zip(loaded.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(found, weight)


@pytest.mark.release
def test_a_training_begins_there_and_goes_on_without_a_network(published, hub, new_cache, tmp_path):
    words = (*PONIES[:3], "--discriminator=pixel", "--ndf=2", f"--run_dir={tmp_path}/run")
    words += ("--init_from=hf://anna/ponies", "--steps_per_epoch=2", "--n_epochs_decay=0")
    assert run(train, *words, "--n_epochs=1") == 0
    commit = published.branches["main"]
    began = Run(tmp_path / "run")
    assert began.saved_options()["init_from"] == "hf://anna/ponies"
    assert began.saved_facts()["initialized_from"] == f"hf://anna/ponies@{commit}"
    generator = keras.saving.load_model(tmp_path / "run" / "generator_g.keras")
    assert generator.description.training["initialized_from"] == f"hf://anna/ponies@{commit}"

    shutil.rmtree(new_cache("empty"), ignore_errors=True)
    hub.failing, before = "down", len(hub.asked)
    assert run(train, *words, "--n_epochs=2") == 0
    assert len(hub.asked) == before
    assert began.saved_facts()["initialized_from"] == f"hf://anna/ponies@{commit}"
    assert began.last_step() == 4


@pytest.mark.release
def test_all_commands_take_models_of_the_hub(published, made, hub, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pinned = f"hf://anna/ponies@{published.branches['main']}"
    assert (
        run(
            evaluate,
            "--model=hf://anna/ponies",
            f"--input={made}/pictures/testA",
            f"--real={made}/pictures/testA",
            "--dry_run",
        )
        == 0
    )
    assert json.loads(capsys.readouterr().out)["model"] == pinned
    assert run(export, "--model=hf://anna/ponies", "--dry_run") == 0
    outline = json.loads(capsys.readouterr().out)
    assert (outline["output"], outline["source"]["hub"]) == ("saved_models/ponies", pinned)
    target = ("--target_kb=20", f"--pictures={made}/pictures/testA", "--dry_run")
    assert run(compress, "--model=hf://anna/ponies", *target) == 0
    assert json.loads(capsys.readouterr().out)["run_dir"] == "runs/ponies-small"
    file = "hf://anna/ponies/generator_f.keras"
    assert weights.main(["import", file, f"--output={tmp_path}/f.keras"]) == 0
    loaded = keras.saving.load_model(tmp_path / "f.keras")
    assert loaded.description.words == "zebra to horse"
    assert weights.main(["import", "hf://anna/ponies"]) == 2
    assert "name one, as hf://anna/ponies/generator_g.keras" in capsys.readouterr().err


@pytest.mark.release
def test_an_output_folder_is_continued_by_the_same_weights(published, made, tmp_path, capsys):
    words = (f"--input={made}/pictures/testA", f"--output={tmp_path}/translated")
    assert run(translate, "--model=hf://anna/ponies", *words) == 0
    fetching.forget_commits()
    assert run(translate, "--model=hf://anna/ponies", *words) == 0
    assert "2 of 2" in capsys.readouterr().out


@pytest.mark.release
def test_int8_graphs_of_the_hub_lie_in_the_folder_of_the_user(
    published, made, new_cache, tmp_path, monkeypatch
):
    optional("ai_edge_quantizer")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    cache = new_cache("fresh")
    words = (f"--input={made}/pictures/testA", f"--output={tmp_path}/translated")
    assert run(translate, "--model=hf://anna/ponies", *words, "--precision=int8") == 0
    assert len(list((tmp_path / "user" / "cyclegan-keras" / "int8").iterdir())) == 1
    assert not list(cache.rglob(".int8"))
