"""A folder becomes one commit of a repository on the Hub."""

import dataclasses
import pathlib

from cyclegan_keras.files.errors import HubError
from cyclegan_keras.hub import fetching
from cyclegan_keras.hub.client import LOG_IN, open_client, speaking_to_the_hub
from cyclegan_keras.hub.words import PREFIX, check_repository

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
        return f"{PREFIX}{self.repository}{f'@{self.branch}' if self.branch else ''}"


def prepare(destination: Destination) -> None:
    """Makes sure that one may write there, and makes the repository and the branch if need be.

    Call it before hours of work whose result is to be published.

    Raises:
        HubError: there is no token, or it has no right to write there; or a private repository is
            asked for where there is a public one.
        HubConnectionError: the Hub cannot be reached.
    """
    repository, word = destination.repository, destination.word
    client = open_client(word)
    with speaking_to_the_hub(word, repository):
        _refuse_without_right(client.whoami(), destination)
        client.create_repo(repository, private=destination.private or None, exist_ok=True)
        if destination.private and not client.model_info(repository).private:
            raise HubError(
                f"{word} --hub_private: {repository} exists and is public. Make it private in its "
                "settings on the Hub, choose another name, or leave --hub_private out."
            )
        if destination.branch:
            client.create_branch(repository, branch=destination.branch, exist_ok=True)


def upload(folder: pathlib.Path, destination: Destination, *, message: str) -> str:
    """Uploads all files of a folder in one commit; returns the commit.

    Files that the repository has besides stay there.

    Args:
        folder: with files and folders.
        destination: which `prepare` was called with.
        message: of the commit.

    Raises:
        HubError: the right to write there was lost.
        HubConnectionError: the exchange broke off; the repository is as it was.
    """
    client = open_client(destination.word)
    from huggingface_hub import CommitOperationAdd

    operations = [
        CommitOperationAdd(
            path_in_repo=path.relative_to(folder).as_posix(), path_or_fileobj=str(path)
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    with speaking_to_the_hub(destination.word, destination.repository):
        commit = client.create_commit(
            destination.repository,
            operations,
            commit_message=message,
            revision=destination.branch,
        )
    fetching.fetch.cache_clear()  # the same words name other commits now
    return commit.oid


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
