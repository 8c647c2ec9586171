"""A stand-in of the Hugging Face Hub, for tests: its documented API over HTTP, in this process.

It answers what `huggingface_hub` asks when models are uploaded and fetched, and keeps all in
memory: accounts and tokens, repositories, branches, commits, large files by the LFS protocol, and
the Hub's errors with their headers. It is no Hub: there are no Xet transfers, no pull requests, and
none of its pages. https://huggingface.co/docs/hub/api and
https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md describe what it imitates.
"""

import base64
import contextlib
import dataclasses
import hashlib
import http.server
import json
import re
import threading
import urllib.parse

LARGE = (".keras", ".h5", ".tflite", ".onnx", ".safetensors", ".pth", ".png", ".jpg")  # for LFS


@dataclasses.dataclass
class Account:
    """Who is behind a token."""

    name: str
    role: str = "write"  # of the token
    organizations: dict[str, str] = dataclasses.field(default_factory=dict)  # name -> role in it
    expired: bool = False  # the token
    rights: list[str] | None = None  # of a fine-grained token

    def may_write(self, namespace):
        if self.role == "read":
            return False
        return namespace == self.name or self.organizations.get(namespace) in ("write", "admin")


@dataclasses.dataclass
class Repository:
    """Its branches, and the files of each commit, oldest first."""

    name: str
    private: bool = False
    gated: bool = False
    commits: dict[str, dict[str, bytes]] = dataclasses.field(default_factory=dict)
    messages: dict[str, str] = dataclasses.field(default_factory=dict)
    branches: dict[str, str] = dataclasses.field(default_factory=dict)

    def commit(self, branch, files, message, removed=()):
        content = {**self.commits.get(self.branches.get(branch), {}), **files}
        for path in removed:
            del content[path]
        seed = f"{self.name} {message} {len(self.commits)}".encode()
        commit = hashlib.sha1(seed).hexdigest()
        self.commits[commit] = content
        self.messages[commit] = message
        self.branches[branch] = commit
        return commit

    def resolve(self, revision):
        """Returns the commit of a branch or a commit; None where there is none."""
        if revision in self.commits:
            return revision
        return self.branches.get(revision)


class StandIn:
    """A Hub of this process, at `endpoint`.

    Attributes:
        accounts: token -> account.
        repositories: "user/name" -> repository.
        failing: "torn", "damaged", "down", "busy", "no commits", "overtaken" or ""; what becomes
            of answers.
        asked: (method, path) of every request.
    """

    def __init__(self):
        self.accounts = {}
        self.repositories = {}
        self.large = {}  # SHA-256 -> bytes that were uploaded
        self.failing = ""
        self.asked = []
        standin = self

        class Handler(_Handler):
            hub = standin

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        # Large files come from another host, to which the client tells no token.
        self.large_files = f"http://localhost:{self._server.server_port}"

    def add(self, name, files, **attributes):
        """Makes a repository with one commit; returns it."""
        repository = Repository(name, **attributes)
        repository.commit("main", files, "First")
        self.repositories[name] = repository
        return repository

    def files(self, name, branch="main"):
        """Returns the files of a branch."""
        repository = self.repositories[name]
        return repository.commits[repository.branches[branch]]

    @contextlib.contextmanager
    def running(self):
        """Answers requests during the block."""
        thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def is_large(path):
    return path.endswith(LARGE)


def etag(path, content):
    """Returns the digest by which the Hub names a file: SHA-256 of large ones, git's of others."""
    if is_large(path):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def blob(path, content):
    """Returns what the Hub says of a file where it is asked for more than its name."""
    found = {"size": len(content), "blobId": etag(path, content)}
    if is_large(path):
        pointer = f"oid sha256:{etag(path, content)}\nsize {len(content)}\n".encode()
        found["lfs"] = {"sha256": found["blobId"], "size": len(content), "pointerSize": 130}
        found["blobId"] = etag("pointer", pointer)
    return found


class HubRefusalError(Exception):
    """A status with the headers by which the Hub says what it refuses."""

    def __init__(self, status, code="", message=""):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # it holds a body back for 40 ms after its headers
    hub: StandIn

    # ---- requests ----

    def do_GET(self):
        self._answer(
            {
                r"/api/whoami-v2": self._whoami,
                r"/api/models/(?P<name>[^/]+/[^/]+)": self._info,
                r"/api/models/(?P<name>[^/]+/[^/]+)/revision/(?P<revision>[^/]+)": self._info,
                r"/api/models/(?P<name>[^/]+/[^/]+)/tree/(?P<revision>[^/]+)(?:/.*)?": self._tree,
                r"/(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)": self._resolve,
                r"/cdn/(?P<name>[^/]+/[^/]+)/(?P<commit>[^/]+)/(?P<path>.+)": self._large_file,
            }
        )

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self):
        self._answer(
            {
                r"/api/repos/create": self._create,
                r"/api/validate-yaml": self._validate,
                r"/api/models/(?P<name>[^/]+/[^/]+)/preupload/(?P<revision>[^/]+)": self._preupload,
                r"/api/models/(?P<name>[^/]+/[^/]+)/branch/(?P<branch>[^/]+)": self._branch,
                r"/api/models/(?P<name>[^/]+/[^/]+)/commit/(?P<branch>[^/]+)": self._commit,
                r"/(?P<name>[^/]+/[^/]+)\.git/info/lfs/objects/batch": self._batch,
                r"/lfs-verify": self._verify,
            }
        )

    def do_PUT(self):
        self._answer({r"/lfs/(?P<oid>[0-9a-f]{64})": self._upload})

    def log_message(self, *arguments):
        pass

    def _answer(self, routes):
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length) if length else self._chunks()
        path = urllib.parse.urlsplit(self.path).path
        self.hub.asked.append((self.command, path))
        try:
            if self.hub.failing == "down":
                raise HubRefusalError(503, message="The Hub is down")
            if self.hub.failing == "busy":
                raise HubRefusalError(429, message="Too many requests")
            for pattern, answer in routes.items():
                found = re.fullmatch(pattern, path)
                if found:
                    words = {
                        name: urllib.parse.unquote(word)
                        for name, word in found.groupdict().items()
                        if word is not None
                    }
                    answer(**words)
                    return
            raise HubRefusalError(404, message=f"No such address: {self.command} {path}")
        except HubRefusalError as refusal:
            headers = {"X-Error-Message": refusal.message}
            if refusal.code:
                headers["X-Error-Code"] = refusal.code
            self._send(refusal.status, {"error": refusal.message}, headers)

    def _chunks(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return b""
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _send(self, status, content, headers=()):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        headers = {"Content-Length": str(len(data)), **dict(headers)}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.path.startswith("/cdn/") and self.hub.failing == "torn":
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        else:
            self.wfile.write(data)

    # ---- who may do what ----

    def _account(self, *, required=False):
        words = (self.headers.get("Authorization") or "").split()
        if not words:
            if required:
                raise HubRefusalError(401, message="Invalid username or password.")
            return None
        account = self.hub.accounts.get(words[-1])
        if account is None:
            raise HubRefusalError(401, message="Invalid credentials in Authorization header")
        if account.expired:
            raise HubRefusalError(401, message='User Access Token "test" is expired')
        return account

    def _repository(self, name):
        account = self._account()
        repository = self.hub.repositories.get(name)
        namespace = name.partition("/")[0]
        reads = account and (namespace == account.name or namespace in account.organizations)
        if repository is None or (repository.private and not reads):
            if account is None:  # as for a wrong password: nobody learns what there is
                raise HubRefusalError(401, message="Invalid username or password.")
            raise HubRefusalError(404, "RepoNotFound", "Repository not found")
        if repository.gated and not reads:
            raise HubRefusalError(403, "GatedRepo", f"Access to model {name} is restricted.")
        return repository

    def _commit_of(self, repository, revision):
        commit = repository.resolve(revision)
        if commit is None:
            raise HubRefusalError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return commit

    def _writable(self, name):
        account = self._account(required=True)
        if not account.may_write(name.partition("/")[0]):
            message = "You don't have the rights to create or write under this namespace"
            raise HubRefusalError(403, message=message)
        return self._repository(name) if name in self.hub.repositories else None

    # ---- answers ----

    def _whoami(self):
        account = self._account(required=True)
        organizations = [
            {"type": "org", "name": name, "roleInOrg": role}
            for name, role in account.organizations.items()
        ]
        token = {"displayName": "test", "role": account.role}
        if account.rights is not None:
            entity = {"type": "user", "name": account.name}
            token["fineGrained"] = {"scoped": [{"entity": entity, "permissions": account.rights}]}
        self._send(
            200,
            {
                "type": "user",
                "name": account.name,
                "orgs": organizations,
                "auth": {"type": "access_token", "accessToken": token},
            },
        )

    def _create(self):
        asked = json.loads(self.body)
        account = self._account(required=True)
        name = f"{asked.get('organization') or account.name}/{asked['name']}"
        if self._writable(name) is not None:
            url = f"{self.hub.endpoint}/{name}"
            self._send(409, {"error": "You already created this model repo", "url": url})
            return
        # Newer clients send "visibility", older ones "private".
        is_private = bool(asked.get("private")) or asked.get("visibility") == "private"
        repository = Repository(name, private=is_private)
        repository.commit("main", {".gitattributes": b"*.keras filter=lfs\n"}, "initial commit")
        self.hub.repositories[name] = repository
        self._send(200, {"url": f"{self.hub.endpoint}/{name}", "name": name, "id": "1"})

    def _validate(self):
        content = json.loads(self.body)["content"]
        errors = []
        if not content.startswith("---\n"):
            errors.append({"message": "The card has no metadata"})
        self._send(400 if errors else 200, {"errors": errors, "warnings": []})

    def _info(self, name, revision="main"):
        repository = self._repository(name)
        commit = self._commit_of(repository, revision)
        has_blobs = "blobs" in urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self._send(
            200,
            {
                "_id": "1",
                "id": name,
                "modelId": name,
                "author": name.partition("/")[0],
                "sha": commit,
                "private": repository.private,
                "gated": repository.gated,
                "disabled": False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "siblings": [
                    {"rfilename": path, **(blob(path, content) if has_blobs else {})}
                    for path, content in repository.commits[commit].items()
                ],
            },
        )

    def _tree(self, name, revision):
        repository = self._repository(name)
        entries = []
        for path, content in repository.commits[self._commit_of(repository, revision)].items():
            entry = {"type": "file", "path": path, "size": len(content), "oid": "0" * 40}
            if is_large(path):
                entry["lfs"] = {"oid": etag(path, content), "size": len(content)}
                entry["lfs"]["pointerSize"] = 130
            entries.append(entry)
        self._send(200, entries)

    def _resolve(self, name, revision, path):
        repository = self._repository(name)
        commit = self._commit_of(repository, revision)
        content = repository.commits[commit].get(path)
        headers = {"X-Repo-Commit": commit}
        if content is None:
            raise HubRefusalError(404, "EntryNotFound", "Entry not found")
        if not is_large(path):
            self._send(200, content, {**headers, "ETag": f'"{etag(path, content)}"'})
            return
        headers["X-Linked-Etag"] = f'"{etag(path, content)}"'
        headers["X-Linked-Size"] = str(len(content))
        place = urllib.parse.quote(f"/cdn/{name}/{commit}/{path}")
        headers["Location"] = f"{self.hub.large_files}{place}"
        self._send(302, b"", headers)

    def _large_file(self, name, commit, path):
        content = self.hub.repositories[name].commits[commit][path]
        if self.hub.failing == "damaged":
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        status, headers = 200, {"ETag": f'"{etag(path, content)}"'}
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if wanted:
            first, length = int(wanted[1]), len(content)
            status, content = 206, content[first:]
            headers["Content-Range"] = f"bytes {first}-{length - 1}/{length}"
        self._send(status, content, headers)

    def _branch(self, name, branch):
        repository = self._writable(name)
        if branch in repository.branches:
            raise HubRefusalError(409, message=f"Reference already exists: {branch}")
        repository.branches[branch] = repository.branches["main"]
        self._send(200, {})

    def _preupload(self, name, revision):
        if self._writable(name) is None:
            raise HubRefusalError(404, "RepoNotFound", "Repository not found")
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if is_large(file["path"]) else "regular",
                "shouldIgnore": False,
                "oid": None,
            }
            for file in json.loads(self.body)["files"]
        ]
        self._send(200, {"files": files})

    def _batch(self, name):
        self._writable(name)
        objects = []
        for each in json.loads(self.body)["objects"]:
            answer = {"oid": each["oid"], "size": each["size"]}
            if each["oid"] not in self.hub.large:
                answer["actions"] = {
                    "upload": {"href": f"{self.hub.endpoint}/lfs/{each['oid']}"},
                    "verify": {"href": f"{self.hub.endpoint}/lfs-verify"},
                }
            objects.append(answer)
        self._send(200, {"transfer": "basic", "objects": objects})

    def _upload(self, oid):
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise HubRefusalError(400, message="The digest is another")
        self.hub.large[oid] = self.body
        self._send(200, b"")

    def _verify(self):
        asked = json.loads(self.body)
        if len(self.hub.large.get(asked["oid"], b"")) != asked["size"]:
            raise HubRefusalError(404, message="Not uploaded")
        self._send(200, {})

    def _commit(self, name, branch):
        repository = self._writable(name)
        if self.hub.failing == "no commits":
            raise HubRefusalError(403, message="Pushing is not allowed")
        self._commit_of(repository, branch)
        message, files, removed = "", {}, []
        if self.hub.failing == "overtaken":
            repository.commit(branch, {"notes.md": b"In between"}, "Another")
        for line in self.body.splitlines():
            operation = json.loads(line)
            value = operation["value"]
            if operation["key"] == "header":
                message = value["summary"]
                if value.get("parentCommit") not in (None, repository.resolve(branch)):
                    raise HubRefusalError(412, message="A commit has happened since")
            elif operation["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif operation["key"] == "lfsFile":
                files[value["path"]] = self.hub.large[value["oid"]]
            elif operation["key"] == "deletedFile":
                if value["path"] not in repository.commits[repository.resolve(branch)]:
                    raise HubRefusalError(404, "EntryNotFound", f"No file {value['path']}")
                removed.append(value["path"])
            else:
                raise HubRefusalError(400, message=f"No such operation: {operation['key']}")
        commit = repository.commit(branch, files, message, removed)
        url = f"{self.hub.endpoint}/{name}/commit/{commit}"
        self._send(200, {"success": True, "commitOid": commit, "commitUrl": url})
