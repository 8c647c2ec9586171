"""A folder becomes one commit of a repository on the Hub."""

import dataclasses
import pathlib
import shlex
import urllib.parse
from collections.abc import Mapping, Sequence

from absl import logging

from cyclegan_keras.files.errors import HubError
from cyclegan_keras.hub import fetching, listing
from cyclegan_keras.hub.client import LOG_IN, open_client, speaking_to_the_hub
from cyclegan_keras.hub.words import address_of, check_repository

_WRITING_ROLES = ("admin", "write", "contributor")  # in an organization


@dataclasses.dataclass(frozen=True, kw_only=True)
class Destination:
    """Where on the Hub something is to be published.

    Attributes:
        repository: "user/name".
        private: whether only the owner may read it; an existing repository keeps what it is.
        branch: to commit to; None for the main one. It is made where it does not exist.

    Raises:
        HubError: `repository` can be none.
    """

    repository: str
    private: bool = False
    branch: str | None = None

    def __post_init__(self):
        check_repository(self.repository, self.word)

    @property
    def word(self) -> str:
        """What was typed, for sentences."""
        return f"--push_to_hub={self.repository}"

    @property
    def address(self) -> str:
        """What names it on the command line afterwards."""
        return address_of(self.repository, self.branch)


def prepare(destination: Destination) -> None:
    """Makes sure that one may write there, and changes nothing.

    Call it before hours of work whose result is to be published.

    Raises:
        HubError: there is no token, or it has no right to write there; or a private repository is
            asked for where there is a public one.
        HubConnectionError: the Hub cannot be reached.
    """
    client = open_client(destination.word)
    with speaking_to_the_hub(destination.word, destination.repository):
        _refuse_without_right(client.whoami(), destination)
        _refuse_a_public_one(client, destination)


def upload(folder: pathlib.Path, destination: Destination, *, message: str) -> str:
    """Uploads all files of a folder in one commit; returns the commit.

    The repository and the branch are made if need be. The same commit removes what an earlier
    upload put there and this one does not have, such as the generator of the other direction. Every
    other file stays, also one of those that its owner has changed since.

    Args:
        folder: with files and folders; `listing.write_listing` has listed them.
        destination: which `prepare` was called with.
        message: of the commit.

    Raises:
        HubError: the right to write there was lost. The message has a command that uploads the
            folder later.
        HubConnectionError: the exchange broke off; the repository is as it was.
    """
    repository = destination.repository
    client = open_client(destination.word)
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = [path.relative_to(folder).as_posix() for path in paths]
    additions = [
        CommitOperationAdd(path_in_repo=name, path_or_fileobj=str(path))
        for name, path in zip(names, paths, strict=True)
    ]
    listed: dict[str, list[str]] = {}
    removed: list[str] = []
    try:
        with speaking_to_the_hub(destination.word, repository):
            client.create_repo(repository, private=destination.private or None, exist_ok=True)
            _refuse_a_public_one(client, destination)
            if destination.branch:
                client.create_branch(repository, branch=destination.branch, exist_ok=True)
            head = client.model_info(repository, revision=destination.branch, files_metadata=True)
            there = {each.rfilename: _digest(each) for each in head.siblings or []}
            if listing.NAME in there:
                path = client.hf_hub_download(repository, listing.NAME, revision=head.sha)
                listed = listing.read_listing(pathlib.Path(path))
                removed = listing.files_to_remove(listed, there, names)
            removals = [CommitOperationDelete(path_in_repo=name) for name in removed]
            commit = client.create_commit(
                repository,
                additions + removals,
                commit_message=message,
                revision=destination.branch,
                # Another upload at the same time is refused: two halves would be no model.
                parent_commit=head.sha,
            )
    except HubError as error:
        by_hand = _by_hand(folder, destination, removed)
        raise type(error)(
            f"{error} What was exported is intact; `{by_hand}` uploads it."
        ) from error
    fetching.forget_commits()  # the same words name other commits now
    _say_what_changed(destination, names, removed, there=there, listed=listed)
    return commit.oid


def page_of(destination: Destination) -> str:
    """Returns the address of the page that a browser shows of what was uploaded."""
    page = f"{open_client(destination.word).endpoint}/{destination.repository}"
    if destination.branch:
        return f"{page}/tree/{urllib.parse.quote(destination.branch, safe='')}"
    return page


def _say_what_changed(
    destination: Destination,
    names: Sequence[str],
    removed: Sequence[str],
    *,
    there: Mapping[str, str],
    listed: Mapping[str, Sequence[str]],
) -> None:
    """Says which files of others an upload has replaced or left, and which of its own are gone.

    Args:
        destination: of the upload.
        names: of the files that were uploaded.
        removed: names of the files that were removed.
        there: the digest of each file that was there, as the Hub gives it.
        listed: the digests of each file of the upload before.
    """
    repository = destination.repository
    if removed:
        logging.info(
            "Removed from %s, as of an earlier upload: %s.", repository, ", ".join(removed)
        )
    replaced = [name for name in names if name in there and name != listing.NAME]
    changed = [name for name in replaced if name in listed and there[name] not in listed[name]]
    if changed:
        logging.warning(
            "%s had been changed on the Hub since the upload before. This upload replaces it; the "
            "history of %s has it still.",
            ", ".join(changed),
            repository,
        )
    unknown = [name for name in replaced if name not in listed]
    if unknown:
        logging.warning(
            "%s was in %s, and no upload of this program is known to have put it there. This "
            "upload replaces it; the history of the repository has it still.",
            ", ".join(unknown),
            repository,
        )
    networks = [f"{role}.keras" for role in fetching.ROLES]
    others = [name for name in networks if name in there and name not in (*names, *removed)]
    if others:
        logging.warning(
            "%s has %s besides, which no upload of this program put there as it is. It stays, and "
            "%s names it too: remove it there if it belongs to another training.",
            repository,
            " and ".join(others),
            destination.address,
        )


def _by_hand(folder: pathlib.Path, destination: Destination, removed: Sequence[str]) -> str:
    """Returns a command of the client that does what `upload` does."""
    words = ["hf", "upload", destination.repository, str(folder), "."]
    if destination.branch:
        words.append(f"--revision={destination.branch}")
    if destination.private:
        words.append("--private")
    words += [f"--delete={name}" for name in removed]
    return shlex.join(words)


def _digest(file) -> str:
    """Returns the digest that the Hub gives of a file of a repository: SHA-256 of large ones."""
    return (file.lfs.sha256 if file.lfs else file.blob_id) or ""


def _refuse_a_public_one(client, destination: Destination) -> None:
    """Raises HubError where a private repository is asked for, and there is a public one."""
    from huggingface_hub.errors import RepositoryNotFoundError

    if not destination.private:
        return
    try:
        is_private = client.model_info(destination.repository).private
    except RepositoryNotFoundError:
        return  # and it will be made
    if not is_private:
        raise HubError(
            f"{destination.word} --hub_private: {destination.repository} exists and is public. "
            "Make it private in its settings on the Hub, choose another name, or leave "
            "--hub_private out."
        )


def _refuse_without_right(account: dict, destination: Destination) -> None:
    """Raises HubError where an account, as `whoami` tells it, may not write to a repository."""
    namespace = destination.repository.partition("/")[0]
    name = account.get("name")
    token = account.get("auth", {}).get("accessToken", {})
    if token.get("role") == "read":
        raise HubError(
            f"{destination.word}: your token may read and not write. Make one with the right to "
            f"write in your settings on the Hub, and {LOG_IN}."
        )
    if token.get("role") == "fineGrained" and not _may_write_somewhere(token):
        raise HubError(
            f"{destination.word}: your fine-grained token may write to no repository. Give it that "
            f"right in your settings on the Hub, or make another, and {LOG_IN}."
        )
    if namespace == name:
        return
    roles = {each.get("name"): each.get("roleInOrg") for each in account.get("orgs", [])}
    if namespace not in roles:
        known = ", ".join(sorted(str(each) for each in (name, *roles)))
        raise HubError(
            f"{destination.word}: you are {name} on the Hub, and {namespace} is neither you nor an "
            f"organization of yours. Expected one of {known} before the slash."
        )
    role = roles[namespace]
    if role is not None and role not in _WRITING_ROLES:
        raise HubError(
            f"{destination.word}: your role in {namespace} is {role!r}, which may not write. Ask "
            "its owner, or choose another repository."
        )


def _may_write_somewhere(token: dict) -> bool:
    """Whether a fine-grained token may write to a repository; True where it does not say."""
    rules = token.get("fineGrained", {})
    if "scoped" not in rules:
        return True
    rights = [right for scope in rules["scoped"] for right in scope.get("permissions", [])]
    return "repo.write" in rights or "repo.write" in rules.get("global", [])
