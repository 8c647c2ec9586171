"""Models of the Hub on this machine: the client of the Hub against a stand-in of it."""

import io
import pathlib
import pickle

import keras
import pytest
from hub_standin import Account
from safetensors.numpy import save

from cyclegan_keras.files.errors import HubConnectionError, HubError, WeightsError, WriteError
from cyclegan_keras.hub import fetching
from cyclegan_keras.hub.publishing import Destination
from cyclegan_keras.hub.words import HubWord, parse
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.translation.opening import open_generators


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory):
    """The bytes of a small generator's file."""
    path = tmp_path_factory.mktemp("generator") / "generator.keras"
    ResNetGenerator(ngf=2, n_blocks=0).save(path)
    return path.read_bytes()


@pytest.fixture
def ponies(hub, new_cache, keras_file):
    """anna/ponies with both generators, and what else lies in repositories."""
    return hub.add(
        "anna/ponies",
        {
            "generator_g.keras": keras_file,
            "generator_f.keras": keras_file,
            "README.md": b"# Ponies",
            "old/latest_net_G_A.pth": pickle.dumps({}),
        },
    )


def sentence_of(word):
    with pytest.raises(HubError) as refused:
        fetching.local(word)
    return str(refused.value)


def test_a_repository_becomes_its_networks_and_nothing_else(ponies, keras_file):
    found = fetching.local("hf://anna/ponies").split(",")
    assert [path.rpartition("/")[2] for path in found] == ["generator_g.keras", "generator_f.keras"]
    assert all(pathlib.Path(path).read_bytes() == keras_file for path in found)
    commit = ponies.branches["main"]
    assert fetching.pinned("hf://anna/ponies") == f"hf://anna/ponies@{commit}"


def test_words_of_all_kinds_lead_to_files(ponies):
    word = "runs/x,generator_f=hf://anna/ponies,hf://anna/ponies/generator_g.keras@part"
    other, second, first = fetching.local(word).split(",")
    assert other == "runs/x"
    assert second.startswith("generator_f=/")
    assert second.endswith("/generator_f.keras")
    assert first.endswith("/generator_g.keras@part")


def test_what_names_nothing_on_the_hub_is_left_alone():
    assert fetching.local("runs/ponies@5,generator_f=a.pth") == "runs/ponies@5,generator_f=a.pth"
    assert fetching.pinned("runs/ponies") is None


def test_a_word_is_one_commit_in_a_process_and_the_newest_in_the_next(ponies, hub, new_cache):
    first = fetching.local("hf://anna/ponies/generator_g.keras")
    before = len(hub.asked)
    assert fetching.local("hf://anna/ponies/generator_g.keras") == first
    assert len(hub.asked) == before
    old = ponies.branches["main"]
    new = ponies.commit("main", {"README.md": b"# Other ponies"}, "Second")
    fetching.forget_commits()
    assert new in fetching.local("hf://anna/ponies/generator_g.keras")
    assert old in fetching.local(f"hf://anna/ponies@{old}/generator_g.keras")


def test_branches_with_slashes_are_quoted(ponies, keras_file):
    commit = ponies.commit("try/1", {"generator_g.keras": keras_file}, "Branch")
    address = Destination(repository="anna/ponies", branch="try/1").address
    assert address == "hf://anna/ponies@try%2F1"
    assert commit in fetching.local(f"{address}/generator_g.keras")


@pytest.mark.parametrize(
    "revision",
    [None, "v1", "try/1", "50%", "a@b", "refs/pr/1", "refs/convert/keras", "refs/heads/try"],
)
@pytest.mark.parametrize("file", [None, "folder/a.safetensors"])
def test_an_address_leads_back_to_itself(revision, file):
    word = HubWord(repository="anna/ponies", revision=revision, file=file)
    assert parse(word.address) == word


def test_what_was_fetched_needs_no_network(ponies, hub, new_cache, monkeypatch):
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    online = fetching.local("hf://anna/ponies")
    fetching.forget_commits()
    hub.failing = "down"
    assert fetching.local("hf://anna/ponies") == online
    fetching.forget_commits()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    reset = getattr(_http, "reset_sessions", None)  # of older clients, which keep it in sessions
    if reset:
        reset()
    asked = len(hub.asked)
    assert fetching.local("hf://anna/ponies") == online
    assert len(hub.asked) == asked
    assert "HF_HUB_OFFLINE is set: fetch it once" in sentence_of("hf://anna/zebras")
    with pytest.raises(HubConnectionError, match="HF_HUB_OFFLINE is set"):
        fetching.local("hf://anna/ponies@v2")
    if reset:
        monkeypatch.undo()
        reset()


def test_all_words_of_a_command_are_one_commit(ponies, keras_file):
    first = fetching.local("hf://anna/ponies/generator_g.keras")
    ponies.commit("main", {"generator_f.keras": keras_file + b"later"}, "Between two words")
    second = fetching.local("generator_f=hf://anna/ponies,hf://anna/ponies@main")
    places = {path.rpartition("=")[2].rpartition("/")[0] for path in (first, *second.split(","))}
    assert len(places) == 1
    assert fetching.pinned("hf://anna/ponies,hf://anna/ponies/generator_g.keras").count("@") == 2


def test_one_generator_of_two_in_the_cache_is_said(ponies, hub, new_cache, caplog):
    caplog.set_level("INFO")
    fetching.local("hf://anna/ponies/generator_g.keras")
    fetching.forget_commits()
    hub.failing = "down"
    assert fetching.local("hf://anna/ponies").endswith("/generator_g.keras")
    assert "The cache holds generator_g.keras alone; if the repository has a second" in caplog.text
    assert "generator_f" in sentence_of("generator_f=hf://anna/ponies")
    assert "Only the cache was looked at: the Hub answers 503" in sentence_of(
        "generator_f=hf://anna/ponies"
    )
    caplog.clear()
    fetching.local("generator_g=hf://anna/ponies")
    assert "alone" not in caplog.text


def test_why_the_cache_is_taken_is_said(ponies, hub, new_cache, caplog):
    caplog.set_level("INFO")
    online = fetching.local("hf://anna/ponies")
    fetching.forget_commits()
    hub.failing = "busy"
    assert fetching.local("hf://anna/ponies") == online
    assert "the Hub answers 429, too many requests of yours, and what was" in caplog.text
    with pytest.raises(HubConnectionError, match=r"is not in the cache .* answers 429"):
        fetching.local("hf://anna/zebras")


def test_the_hub_out_of_reach_is_a_failure_underway(hub, new_cache):
    hub.failing = "down"
    with pytest.raises(HubConnectionError, match=r"is not in the cache .* the Hub answers 503"):
        fetching.local("hf://anna/ponies")
    assert HubConnectionError.exit_code == 1


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("hf://anna/zebras", "there is no anna/zebras on the Hub, or it is private"),
        ("hf://anna/ponies@v9", "anna/ponies has no such revision"),
        ("hf://anna/ponies/generator_x.keras", "no such file. It has generator_g.keras, gen"),
        ("discriminator_x=hf://anna/ponies", "and no discriminator_x"),
        ("hf://anna/ponies/old/latest_net_G_A.pth", "may run code when it is read"),
        ("hf://ponies", "is no model on the Hub: expected hf://user/name"),
        ("hf://datasets/anna/ponies", "is no model on the Hub"),
        ("hf://anna/po--nies", "can be no repository"),
    ],
)
def test_what_is_not_there_is_a_sentence(ponies, word, said):
    assert said in sentence_of(word)


def test_private_and_gated_ones_need_a_token_that_may(ponies, hub, new_cache, monkeypatch):
    ponies.private = True
    assert "or it is private" in sentence_of("hf://anna/ponies")
    monkeypatch.setenv("HF_TOKEN", "hf_of_nobody")
    assert "does not take your token" in sentence_of("hf://anna/ponies")
    hub.accounts["hf_old"] = Account("anna", expired=True)
    monkeypatch.setenv("HF_TOKEN", "hf_old")
    assert "does not take your token" in sentence_of("hf://anna/ponies")
    monkeypatch.setenv("HF_TOKEN", "hf_of_anna")
    assert fetching.local("hf://anna/ponies/generator_g.keras")
    hub.add("bob/ponies", {}, gated=True)
    assert "is gated: request access on its page" in sentence_of("hf://bob/ponies")


def test_a_repository_of_pickles_alone_is_refused(hub, new_cache):
    hub.add("bob/old", {"latest_net_G_A.pth": pickle.dumps({}), "README.md": b"# Old"})
    said = sentence_of("hf://bob/old")
    assert "only formats that may run code when they are read (latest_net_G_A.pth)" in said
    assert "hf download bob/old latest_net_G_A.pth" in said
    assert not any("/resolve/" in path for _, path in hub.asked)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["saved_model.pb", "variables/variables.index"], "a SavedModel (saved_model.pb) is not"),
        (["1/saved_model.pb", "keras_metadata.pb"], "a SavedModel (1/saved_model.pb) is not taken"),
        (["generator_g.onnx", "README.md"], "ONNX (generator_g.onnx) is written by this program"),
        (["README.md"], "holds no network: expected .keras or .safetensors files"),
        (["tflite/a.tflite"], "but tflite/a.tflite: name one, as hf://bob/other/tflite/a.tflite"),
        (["config.json", "model.weights.h5"], "is a Keras model in several files"),
    ],
)
def test_a_repository_of_other_formats_is_refused_by_their_name(hub, new_cache, files, said):
    hub.add("bob/other", dict.fromkeys(files, b"content"))
    assert said in sentence_of("hf://bob/other")
    assert not any("/resolve/" in path for _, path in hub.asked)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("a.onnx", "ONNX (a.onnx) is written by this program, and not read"),
        ("1/saved_model.pb", "give translate.py the folder that holds saved_model.pb"),
        ("README.md", "expected the path of a .keras, .safetensors or .tflite file"),
    ],
)
def test_a_file_of_another_format_is_refused_by_its_name(hub, new_cache, file, said):
    assert said in sentence_of(f"hf://bob/other/{file}")
    assert hub.asked == []


def test_a_pickle_by_another_name_is_refused(hub, new_cache):
    content = io.BytesIO()
    content.write(pickle.dumps({"weights": [1.0] * 100}))
    hub.add("bob/sly", {"generator_g.keras": content.getvalue()})
    assert "is not a .keras file, whatever its name says" in sentence_of("hf://bob/sly")


def test_code_within_a_keras_file_is_refused(hub, new_cache, tmp_path):
    layers = [keras.Input((4, 4, 3)), keras.layers.Lambda(lambda images: images)]
    keras.Sequential(layers).save(tmp_path / "generator_g.keras")
    hub.add("bob/code", {"generator_g.keras": (tmp_path / "generator_g.keras").read_bytes()})
    with pytest.raises(WeightsError, match="Lambda"):
        open_generators("hf://bob/code")


def test_one_file_of_safetensors_is_found(hub, new_cache):
    import numpy as np

    hub.add("bob/tensors", {"model.safetensors": save({"a": np.zeros(3, "float32")})})
    assert fetching.local("hf://bob/tensors").endswith("/model.safetensors")
    hub.add("bob/none", {"README.md": b"# Nothing"})
    assert "holds no network" in sentence_of("hf://bob/none")
    hub.add("bob/two", {"a.safetensors": b"", "b.safetensors": b""})
    assert "name one, as hf://bob/two/a.safetensors" in sentence_of("hf://bob/two")


def test_bytes_that_are_not_those_announced_are_refused_and_fetched_anew(ponies, hub, new_cache):
    hub.failing = "damaged"
    with pytest.raises(HubConnectionError, match="its digest is not that which the Hub announces"):
        fetching.local("hf://anna/ponies/generator_g.keras")
    hub.failing = ""
    path = pathlib.Path(fetching.local("hf://anna/ponies/generator_g.keras"))
    assert path.read_bytes() == hub.files("anna/ponies")["generator_g.keras"]


def test_a_full_disk_is_a_sentence(ponies, limited_file_size):
    with limited_file_size(1000), pytest.raises(WriteError, match="File too large"):
        fetching.local("hf://anna/ponies/generator_g.keras")
    assert fetching.local("hf://anna/ponies/generator_g.keras")


@pytest.mark.release  # the client waits between its attempts
def test_a_download_that_breaks_off_is_a_sentence_and_leaves_nothing(ponies, hub, new_cache):
    hub.failing = "torn"
    with pytest.raises(HubConnectionError, match="The same command tries it again"):
        fetching.local("hf://anna/ponies/generator_g.keras")
    hub.failing = ""
    assert fetching.local("hf://anna/ponies/generator_g.keras")


def test_a_missing_package_is_named(monkeypatch):
    import sys

    fetching.forget_commits()
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(HubError, match=r'pip install "cyclegan-keras\[hub\]"'):
        fetching.local("hf://anna/ponies")


def test_names_and_addresses():
    word = parse("hf://anna/ponies@refs/pr/3/folder/a.safetensors@netG")
    assert (word.revision, word.file, word.network) == ("refs/pr/3", "folder/a.safetensors", "netG")
    assert word.at_commit("0" * 40) == f"hf://anna/ponies@{'0' * 40}/folder/a.safetensors"
    assert fetching.name_of("hf://anna/ponies,hf://anna/x") == "ponies"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("https://huggingface.co/anna/ponies", "hf://anna/ponies"),
        ("huggingface.co/anna/ponies/tree/main", "hf://anna/ponies"),
        (
            "https://huggingface.co/anna/ponies/blob/v1/generator_f.keras?download=true",
            "hf://anna/ponies@v1/generator_f.keras",
        ),
        ("hf:/anna/ponies@v1", "hf://anna/ponies@v1"),
        ("HF://anna/ponies", "hf://anna/ponies"),
        ("generator_f=hf:anna/ponies", "generator_f=hf://anna/ponies"),
    ],
)
def test_what_is_nearly_an_address_is_put_right(word, meant):
    with pytest.raises(HubError) as refusal:
        fetching.local(word)
    assert str(refusal.value).endswith(f"Did you mean {meant}?")


@pytest.mark.parametrize("word", ["runs/ponies", "hf/ponies", "https://example.org/anna/ponies"])
def test_other_words_stay_as_they_are(word):
    assert fetching.local(word) == word
