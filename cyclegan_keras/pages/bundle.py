"""Joins ES modules into one classic script.

A page opened from a file may not load modules, and a worker that calls importScripts is no module.
The sources are modules all the same, so that a reader sees what each file uses and offers.

What a module may hold is little, so that joining takes no parser: imports by name, one a line,
from relative paths; `export` before a function, class or constant; names that are unique over all
joined modules.
"""

import pathlib
import re

_IMPORT = re.compile(r'import \{ ([\w$]+(?:, [\w$]+)*),? \} from "(\.\.?/[^"]+)";\s*(?://.*)?')
_DECLARATION = re.compile(
    r"(export )?(?:async function\*?|function\*?|class|const|let|var) +([\w$]+)"
)
_TOP_LEVEL_AWAIT = re.compile(r"(?:export )?(?:(?:const|let|var) .*= *)?await\b")
_OTHER_IMPORT = re.compile(r"\bimport(?:\.meta\b|\()")


class BundleError(ValueError):
    """Modules that cannot be joined; the message names the file and the line."""


def bundle(entry: pathlib.Path) -> str:
    """Joins a module and all that it imports into one script.

    The modules follow each other so that each comes after those that it imports. Together they
    become the body of one function in strict mode, so that no name gets out.

    Args:
        entry: the module to begin at. It and others may import from any folder, by relative paths.

    Returns:
        A classic script, the same for the same sources.

    Raises:
        BundleError: a module is missing or imports itself by way of others, an imported name is not
            exported, a name is defined twice, or a line is of a kind that cannot be joined.
    """
    modules: dict[pathlib.Path, str] = {}
    exports: dict[pathlib.Path, set[str]] = {}
    defined: dict[str, pathlib.Path] = {}
    _add(entry.resolve(), [], modules, exports, defined)
    body = "\n".join(
        f"// ---- {path.name} ----\n\n{text.strip()}\n" for path, text in modules.items()
    )
    return f'(() => {{\n"use strict";\n\n{body}\n}})();\n'


def _add(
    path: pathlib.Path,
    importers: list[pathlib.Path],
    modules: dict[pathlib.Path, str],
    exports: dict[pathlib.Path, set[str]],
    defined: dict[str, pathlib.Path],
) -> None:
    """Adds a module behind those that it imports, unless it is there already.

    Args:
        path: of the module, resolved.
        importers: the modules that are being added, each of which imports the next.
        modules: what was added, with imports and the words `export` removed; in order.
        exports: the names that each of them exports.
        defined: where each name of a module's top level is defined.
    """
    if path in modules:
        return
    if path in importers:
        circle = [*importers[importers.index(path) :], path]
        raise BundleError(
            f"Modules import each other: {' -> '.join(each.name for each in circle)}."
        )
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        whose = f", which {importers[-1].name} imports" if importers else ""
        raise BundleError(f"There is no module {path}{whose}.") from None

    kept = []
    exported = set()
    for number, line in enumerate(lines, start=1):
        where = f"{path.name}:{number}"
        imported = _IMPORT.fullmatch(line)
        if imported:
            names, other = imported.groups()
            other_path = (path.parent / other).resolve()
            _add(other_path, [*importers, path], modules, exports, defined)
            for name in names.split(", "):
                if name not in exports[other_path]:
                    raise BundleError(f"{where} imports {name}, which {other} does not export.")
            continue
        _check_line(line, where)
        declaration = _DECLARATION.match(line)
        if declaration:
            export, name = declaration.groups()
            if name in defined:
                raise BundleError(f"{where} defines {name}, as {defined[name].name} does already.")
            defined[name] = path
            if export:
                exported.add(name)
                line = line.removeprefix("export ")
        kept.append(line)
    modules[path] = "\n".join(kept)
    exports[path] = exported


def _check_line(line: str, where: str) -> None:
    """Refuses a line that would mean something else, or nothing, in the joined script."""
    if line.startswith("import"):
        raise BundleError(
            f"{where}: {line!r} is an import of another kind than "
            'import { name, other } from "./module.js"; on one line.'
        )
    if re.match(r"(?:export )?(?:const|let|var) *[\[{]", line):
        raise BundleError(f"{where}: {line!r} declares several names at once at the top level.")
    if line.startswith("export") and not _DECLARATION.match(line):
        raise BundleError(
            f"{where}: {line!r} is an export of another kind than a function, class or constant "
            "with a name."
        )
    if _TOP_LEVEL_AWAIT.match(line):
        raise BundleError(f"{where}: {line!r} waits outside of a function.")
    is_comment = line.lstrip().startswith(("//", "/*", "*"))
    if _OTHER_IMPORT.search(line) and not is_comment:
        raise BundleError(f"{where}: {line.strip()!r} imports while it runs.")
