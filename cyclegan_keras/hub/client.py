"""The client of the Hub, an optional package, and its errors in sentences."""

import contextlib
import os
import pathlib
import re
from collections.abc import Iterator

from cyclegan_keras.files.errors import HubConnectionError, HubError, UserError, package_of
from cyclegan_keras.files.shield import first_line
from cyclegan_keras.files.writing import writing

OFFLINE = "HF_HUB_OFFLINE is set"
LOG_IN = "log in by `hf auth login`, or set HF_TOKEN"
# Packages whose errors say that an exchange failed: versions of the client use one or another.
_OF_NETWORK = ("httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3", "hf_xet")
_TRY_AGAIN = "The same command tries it again."
# What the Hub says in a refusal that concerns the token, and not the repository.
_OF_TOKEN = re.compile("credentials|access token", re.IGNORECASE)
_UNAUTHORIZED, _FORBIDDEN, _TOO_MANY, _SERVER_FAILED = 401, 403, 429, 500


def open_client(word: str):
    """Returns the client, `huggingface_hub.HfApi`.

    Args:
        word: what was typed, for the sentence where the package is missing.

    Raises:
        HubError: huggingface_hub is not installed.
    """
    try:
        import huggingface_hub
    except ModuleNotFoundError as error:
        if error.name != "huggingface_hub":
            raise
        raise HubError(
            f'{word} needs huggingface_hub, which is missing: pip install "cyclegan-keras[hub]".'
        ) from error
    return huggingface_hub.HfApi(
        # Given here, because the package reads its environment once, when it is imported.
        endpoint=os.environ.get("HF_ENDPOINT") or None,
        library_name="cyclegan-keras",
    )


def cache_folder() -> pathlib.Path:
    """Returns where huggingface_hub keeps what it has fetched: HF_HUB_CACHE, or below HF_HOME."""
    from huggingface_hub import constants

    return pathlib.Path(constants.HF_HUB_CACHE)


def is_out_of_reach(error: BaseException) -> bool:
    """Whether an error says that the Hub cannot be reached now, or is not to be (HF_HUB_OFFLINE).

    What was fetched before can be used then.
    """
    if _status(error):
        return _status(error) >= _SERVER_FAILED or _status(error) == _TOO_MANY
    return isinstance(error, ConnectionError | TimeoutError) or package_of(error) in _OF_NETWORK


def why_out_of_reach(error: BaseException) -> str:
    """Returns why the Hub does not answer, for a sentence, of an error that `is_out_of_reach`."""
    from huggingface_hub import errors

    if isinstance(error, errors.OfflineModeIsEnabled):
        return OFFLINE
    if _status(error) == _TOO_MANY:
        return "the Hub answers 429, too many requests of yours"
    if _status(error):
        return f"the Hub answers {_status(error)}, which is a failure of its own"
    return "the Hub cannot be reached"


@contextlib.contextmanager
def speaking_to_the_hub(word: str, repository: str) -> Iterator[None]:
    """Turns what the client raises in the block into one sentence.

    Args:
        word: what was typed, such as "hf://anna/ponies@v1" or "--push_to_hub=anna/ponies".
        repository: "user/name".

    Raises:
        HubError: what was named does not exist, or may not be read or written.
        HubConnectionError: the Hub cannot be reached, or the exchange broke off.
        WriteError: the cache cannot be written, on a full disk for example.
    """
    from huggingface_hub import errors

    with writing(cache_folder()):
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            sentence = _sentence_of(error, word, repository, errors)
            if sentence is None:
                raise
            raise sentence from error


def _sentence_of(error: Exception, word: str, repository: str, errors) -> UserError | None:
    """Returns the sentence of an error; None of one that is not the client's own.

    Args:
        error: as it was raised.
        word: what was typed.
        repository: "user/name".
        errors: the module `huggingface_hub.errors`.
    """
    if isinstance(error, errors.GatedRepoError):
        return HubError(
            f"{word}: {repository} is gated: request access on its page on the Hub, and {LOG_IN}."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return HubError(
            f"{word}: {repository} has no such revision. Expected one of its branches, tags or "
            "commits after the @."
        )
    if isinstance(error, errors.EntryNotFoundError) and isinstance(error, errors.HfHubHTTPError):
        return HubError(f"{word}: {repository} has no such file. See its page on the Hub.")
    if _status(error) == _UNAUTHORIZED and _OF_TOKEN.search(_said(error)):
        return HubError(
            f"{word}: the Hub does not take your token: it is wrong, or it has expired. Make a new "
            f"one in your settings there, and {LOG_IN}."
        )
    # A 401 is also the answer to one without a token who asks for what does not exist.
    if isinstance(error, errors.RepositoryNotFoundError) or _status(error) == _UNAUTHORIZED:
        return HubError(
            f"{word}: there is no {repository} on the Hub, or it is private. See whether the name "
            f"is right; for a private one {LOG_IN}, of an account that may read it."
        )
    if isinstance(error, errors.LocalTokenNotFoundError):
        return HubError(f"{word} needs to know who you are: {LOG_IN}.")
    if isinstance(error, errors.HFValidationError):
        return HubError(f"{word} is not what the Hub takes: {_short(error)}.")
    if isinstance(error, errors.OfflineModeIsEnabled):
        return HubError(f"{word} needs the Hub, and HF_HUB_OFFLINE keeps this program from it.")
    if _status(error):
        return _sentence_of_status(error, word, repository)
    if is_out_of_reach(error) or isinstance(error, errors.LocalEntryNotFoundError):
        return HubConnectionError(
            f"{word}: the exchange with the Hub failed ({_short(error)}). See whether this machine "
            f"has a network. {_TRY_AGAIN}"
        )
    if isinstance(error, OSError) and error.errno is None:  # of the client, not of the system
        return HubConnectionError(f"{word}: {_short(error)}. {_TRY_AGAIN}")
    return None


def _sentence_of_status(error, word: str, repository: str) -> UserError:
    status = _status(error)
    if status == _FORBIDDEN:
        return HubError(
            f"{word}: the Hub does not let you do this with {repository}. Take a token that has "
            f"the right to it: {LOG_IN}."
        )
    if status == _TOO_MANY:
        return HubConnectionError(
            f"{word}: the Hub refuses more requests of yours for now. Wait some minutes. "
            f"{_TRY_AGAIN}"
        )
    said = _said(error) or _short(error)
    kind = HubConnectionError if status >= _SERVER_FAILED else HubError
    return kind(f"{word}: the Hub answered {status}: {said.rstrip('.')}.")


def _said(error) -> str:
    """Returns what the Hub says about its refusal; "" where it says nothing."""
    return error.response.headers.get("X-Error-Message") or ""


def _status(error: BaseException) -> int:
    """Returns the status of an answer that is an error; 0 where nothing was answered."""
    response = getattr(error, "response", None)
    return response.status_code if response is not None else 0


def _short(error: BaseException) -> str:
    """Returns the beginning of a message without addresses, which may hold signatures."""
    return re.sub(r"\(?https?://\S+", "", first_line(error)).strip()
