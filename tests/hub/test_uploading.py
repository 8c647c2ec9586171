"""Folders that become commits: the client of the Hub against a stand-in of it."""

import pytest
from hub_standin import Account

from cyclegan_keras.files.errors import HubError
from cyclegan_keras.hub import fetching, listing, publishing
from cyclegan_keras.hub.publishing import Destination

CARD = "---\nlicense: mit\n---\n"
PONIES = Destination(repository="anna/ponies")

pytestmark = pytest.mark.usefixtures("new_cache", "as_anna")


@pytest.fixture
def folder_of(tmp_path):
    """Makes a folder of files that are to be uploaded; returns it."""

    def make(**files):
        folder = tmp_path / f"export{len(list(tmp_path.iterdir()))}"
        for name, content in files.items():
            path = folder / name.replace("_of_", "/").replace("__", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        listing.write_listing(folder)
        return folder

    return make


def upload(folder, destination=PONIES):
    return publishing.upload(folder, destination, message="Upload")


def names(hub, branch="main"):
    return set(hub.files("anna/ponies", branch)) - {".gitattributes", "uploaded.json"}


def test_what_was_uploaded_before_and_is_not_now_is_removed_in_the_same_commit(hub, folder_of):
    upload(folder_of(generator_g__keras="g", generator_f__keras="f", tflite_of_a__tflite="a"))
    upload(folder_of(generator_g__keras="new", config__json="{}"))
    assert names(hub) == {"generator_g.keras", "config.json"}
    assert len(hub.repositories["anna/ponies"].commits) == 3  # the first is the Hub's own
    upload(folder_of(generator_g__keras="newer"))  # of small files the Hub knows another digest
    assert names(hub) == {"generator_g.keras"}


def test_files_of_the_owner_stay_and_are_named(hub, folder_of, caplog):
    repository = hub.add("anna/ponies", {"generator_f.keras": b"by hand", "notes.md": b"mine"})
    upload(folder_of(generator_g__keras="g", samples__png="drawn"))
    assert names(hub) == {"generator_f.keras", "generator_g.keras", "notes.md", "samples.png"}
    assert "anna/ponies has generator_f.keras besides" in caplog.text
    caplog.clear()
    repository.commit("main", {"samples.png": b"better", "generator_f.keras": b"2"}, "By hand")
    upload(folder_of(generator_g__keras="g"))
    assert names(hub) == {"generator_f.keras", "generator_g.keras", "notes.md", "samples.png"}
    assert hub.files("anna/ponies")["samples.png"] == b"better"


def test_a_card_that_its_owner_changed_is_replaced_and_that_is_said(hub, folder_of, caplog):
    upload(folder_of(README__md=CARD + "1"))
    upload(folder_of(README__md=CARD + "2"))
    assert "had been changed" not in caplog.text
    hub.repositories["anna/ponies"].commit("main", {"README.md": b"My words"}, "By hand")
    upload(folder_of(README__md=CARD + "3"))
    assert hub.files("anna/ponies")["README.md"].endswith(b"3")
    assert "README.md had been changed on the Hub since the upload before" in caplog.text


def test_a_file_of_the_owner_that_is_replaced_is_named(hub, folder_of, caplog):
    hub.add("anna/ponies", {"README.md": b"My words", "notes.md": b"mine"})
    upload(folder_of(README__md=CARD, generator_g__keras="g"))
    assert "README.md was in anna/ponies, and no upload of this program" in caplog.text
    assert "notes.md" not in caplog.text
    caplog.clear()
    upload(folder_of(README__md=CARD + "2", generator_g__keras="g"))
    assert caplog.text == ""


@pytest.mark.parametrize(
    "content", [b"{", b"[1]", b"{}", b'{"made_by": "cyclegan-keras", "files": {"notes.md": 1}}']
)
def test_a_list_of_another_program_removes_nothing(hub, folder_of, content):
    hub.add("anna/ponies", {"notes.md": b"mine", "uploaded.json": content})
    upload(folder_of(generator_g__keras="g"))
    assert names(hub) == {"notes.md", "generator_g.keras"}


def test_branches_are_apart(hub, folder_of):
    upload(folder_of(generator_g__keras="g", generator_f__keras="f"))
    branch = Destination(repository="anna/ponies", branch="one")
    upload(folder_of(generator_g__keras="new"), branch)
    assert names(hub) == {"generator_g.keras", "generator_f.keras"}
    assert names(hub, "one") == {"generator_g.keras"}


def test_words_of_this_process_name_what_was_uploaded(hub, folder_of):
    upload(folder_of(model__safetensors="12345678{"))
    first = fetching.local("hf://anna/ponies")
    upload(folder_of(model__safetensors="87654321{"))
    assert fetching.local("hf://anna/ponies") != first


def test_an_upload_at_the_same_time_is_not_mixed(hub, folder_of):
    upload(folder_of(generator_g__keras="g", generator_f__keras="f"))
    hub.failing = "overtaken"
    folder = folder_of(generator_g__keras="new")
    with pytest.raises(HubError, match="A commit has happened since") as refused:
        upload(folder)
    by_hand = f"`hf upload anna/ponies {folder} . --delete=generator_f.keras` uploads it"
    assert by_hand in str(refused.value)
    assert names(hub) == {"generator_g.keras", "generator_f.keras", "notes.md"}


def test_preparing_changes_nothing(hub):
    publishing.prepare(Destination(repository="anna/ponies", private=True, branch="try"))
    assert hub.repositories == {}
    assert {method for method, _ in hub.asked} == {"GET"}


def test_what_became_public_meanwhile_gets_nothing_private(hub, folder_of):
    destination = Destination(repository="anna/ponies", private=True)
    publishing.prepare(destination)
    hub.add("anna/ponies", {})
    with pytest.raises(HubError, match=r"exists and is public.* --private` uploads it"):
        upload(folder_of(generator_g__keras="g"), destination)
    assert names(hub) == set()


@pytest.mark.parametrize(
    ("rights", "may"), [(None, True), (["repo.content.read"], False), (["repo.write"], True)]
)
def test_a_fine_grained_token_needs_a_right_to_write(hub, monkeypatch, rights, may):
    hub.accounts["hf_fine"] = Account("anna", role="fineGrained", rights=rights)
    monkeypatch.setenv("HF_TOKEN", "hf_fine")
    if may:
        publishing.prepare(PONIES)
        return
    with pytest.raises(HubError, match="your fine-grained token may write to no repository"):
        publishing.prepare(PONIES)
