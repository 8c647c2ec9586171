"""A stand-in of the Hub, and a client that has never met it: an empty cache, and no token."""

import pytest
from hub_standin import Account, StandIn
from optional import optional

from cyclegan_keras.hub import fetching

TOKEN = "hf_of_anna"


@pytest.fixture
def hub(monkeypatch):
    """The stand-in, which knows Anna; requests of this process go there, without a token."""
    optional("huggingface_hub")
    standin = StandIn()
    standin.accounts[TOKEN] = Account("anna", organizations={"museum": "read", "lab": "write"})
    # The client reads its environment once, when it is imported.
    from huggingface_hub import constants, file_download

    template = f"{standin.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "ENDPOINT", standin.endpoint)
    for module in (constants, file_download):  # the second in older clients
        monkeypatch.setattr(module, "HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", standin.endpoint)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with standin.running():
        yield standin


@pytest.fixture
def new_cache(tmp_path, monkeypatch, hub):
    """Makes the cache another, empty folder; returns it. It has been called once."""
    from huggingface_hub import constants

    def change(name="cache"):
        fetching.forget_commits()
        folder = tmp_path / name
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
        # The stand-in has the LFS protocol alone. Older clients know no Xet.
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True, raising=False)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no_token"))
        return folder

    change()
    yield change
    fetching.forget_commits()


@pytest.fixture
def as_anna(monkeypatch):
    """Logs in as Anna."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
