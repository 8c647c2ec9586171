"""Modules joined into one script."""

import re
import shutil
import subprocess

import pytest

from cyclegan_keras.pages.bundle import BundleError, bundle


@pytest.fixture
def write(tmp_path):
    """Writes modules by name and returns the path of the first."""

    def write(**modules):
        for name, text in modules.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.with_suffix(".js").write_text(text)
        return (tmp_path / next(iter(modules)).replace("__", "/")).with_suffix(".js")

    return write


def test_modules_follow_what_they_import(write):
    entry = write(
        page__main=(
            'import { twice } from "../shared/twice.js";\n'
            'import { one } from "./one.js";\n'
            "twice(one);\n"
        ),
        shared__twice=(
            'import { one } from "../page/one.js";\n'
            "export function twice(x) {\n  return one + x;\n}\n"
        ),
        page__one="export const one = 1;\n",
    )
    script = bundle(entry)
    heads = re.findall(r"^// ---- (.*) ----$", script, re.MULTILINE)
    assert heads == ["one.js", "twice.js", "main.js"]
    assert "export" not in script
    assert "import" not in script
    assert script.startswith('(() => {\n"use strict";\n')


@pytest.mark.process
def test_the_script_runs_where_modules_cannot(write):
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    entry = write(
        main='import { Pair, later } from "./pair.js";\n'
        "later(new Pair(20, 22)).then((sum) => console.log(sum, typeof Pair));\n",
        pair="export class Pair {\n  constructor(a, b) {\n    this.sum = a + b;\n  }\n}\n"
        "export async function later(pair) {\n  return pair.sum;\n}\n",
    )
    script = bundle(entry) + "console.log(typeof Pair);\n"
    command = [node, "--input-type=commonjs", "-e", script]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["undefined", "42", "function"]


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ({"a": 'import { b } from "./b.js";\n'}, "There is no module .*b.js, which a.js imports"),
        (
            {"a": 'import { b } from "./b.js";\n', "b": 'import { a } from "./a.js";\n'},
            "import each other: a.js -> b.js -> a.js",
        ),
        (
            {"a": 'import { b } from "./b.js";\n', "b": "function b() {}\n"},
            "a.js:1 imports b, which ./b.js does not export",
        ),
        (
            {
                "a": 'import { b } from "./b.js";\nconst same = 1;\n',
                "b": "export const b = 1;\nlet same = 2;\n",
            },
            "a.js:2 defines same, as b.js does already",
        ),
        ({"a": 'import b from "./b.js";\n'}, "a.js:1: .* another kind"),
        ({"a": 'import { b as c } from "./b.js";\n'}, "a.js:1: .* another kind"),
        ({"a": 'import { b } from "b";\n'}, "a.js:1: .* another kind"),
        ({"a": "import {\n  b,\n} from './b.js';\n"}, "a.js:1: .* another kind"),
        ({"a": "const x = 1;\nexport { x };\n"}, "a.js:2: .* export of another kind"),
        ({"a": "export default function f() {}\n"}, "a.js:1: .* export of another kind"),
        ({"a": "const { x, y } = z;\n"}, "a.js:1: .* several names"),
        ({"a": "const x = await f();\n"}, "a.js:1: .* outside of a function"),
        ({"a": 'f(() => import("./b.js"));\n'}, "a.js:1: .* while it runs"),
        ({"a": "  f(import.meta.url);\n"}, "a.js:1: .* while it runs"),
    ],
)
def test_what_cannot_be_joined_is_named(write, modules, message):
    with pytest.raises(BundleError, match=message):
        bundle(write(**modules))
