"""Options exist once: dataclass fields become absl flags, and flags become dataclasses again.

A room describes its options as a frozen, keyword-only dataclass beside the code that uses them. A
field's metadata may hold `help`, `choices`, `low`, `high`, `aliases` (names known from other
programs), `may_change` (a resumed run may differ in it) and `saved` (False: never written to
options.json).
"""

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping, Sequence

from absl import flags

from cyclegan_keras.files.errors import OptionError

Groups = Mapping[str, type]  # title of a room -> its options dataclass


class HelpRequested(Exception):  # noqa: N818  (not an error: the user asked for it)
    """Raised by `parse` when the user typed --help."""


def fields(groups: Groups) -> dict[str, dataclasses.Field]:
    """Returns every option of `groups` by name; a name that occurs twice is a ValueError."""
    found = {}
    for options_class in groups.values():
        for field in dataclasses.fields(options_class):
            if found.get(field.name, field) is not field:  # inherited fields are one object
                raise ValueError(f"Option {field.name} is declared twice.")
            found[field.name] = field
    return found


def parse(argv: Sequence[str], groups: Groups) -> dict[str, object]:
    """Reads a command line and returns only what was typed, by option name.

    Args:
        argv: program name, then flags, as in `sys.argv`.
        groups: title -> options dataclass.

    Raises:
        HelpRequested: `--help` or `-h` is among the flags.
        OptionError: an unknown flag, a value of the wrong type or a stray word.
    """
    if any(word in ("-h", "-help", "--help", "--helpfull") for word in argv[1:]):
        raise HelpRequested
    values = flags.FlagValues()
    for field in fields(groups).values():
        _define(field, values)
    try:
        stray = values(list(argv))[1:]
    except flags.UnrecognizedFlagError as error:
        near = difflib.get_close_matches(error.flagname, list(values), n=3)
        hint = f" Did you mean --{', --'.join(near)}?" if near else " See --help."
        raise OptionError(f"Unknown flag --{error.flagname}.{hint}") from error
    except flags.Error as error:
        raise OptionError(f"{error}. See --help.") from error
    if stray:
        raise OptionError(f"Unexpected argument {stray[0]!r}: write options as --name=value.")
    return {name: values[name].value for name in fields(groups) if _typed(name, groups, values)}


def resolve(groups: Groups, *layers: Mapping[str, object]) -> dict[str, object]:
    """Merges field defaults with `layers` (later wins) into one options object a group.

    Raises:
        OptionError: a value that is out of bounds or not among the choices, an unknown name, or
            values that do not go together.
    """
    merged = {name: value for layer in layers for name, value in layer.items()}
    known = fields(groups)
    for name, value in merged.items():
        if name not in known:
            raise OptionError(f"Unknown option {name!r}. See --help.")
        _check(known[name], value)
    resolved = {}
    for title, options_class in groups.items():
        names = [f.name for f in dataclasses.fields(options_class) if f.name in merged]
        try:
            resolved[title] = options_class(**{name: merged[name] for name in names})
        except ValueError as error:
            raise OptionError(str(error)) from error
    return resolved


def flatten(options: Mapping[str, object], *, saved_only: bool = False) -> dict[str, object]:
    """Returns all options by name, the way options.json and --dry_run show them."""
    return {
        field.name: vars(group)[field.name]
        for group in options.values()
        for field in dataclasses.fields(group)
        if not saved_only or field.metadata.get("saved", True)
    }


def refuse_foreign(typed: Mapping[str, object], method: str, methods: Groups) -> None:
    """Raises OptionError when a typed flag belongs only to other methods than `method`."""
    own = {field.name for field in dataclasses.fields(methods[method])}
    for name in typed:
        owners = [
            other
            for other, options_class in methods.items()
            if name in {field.name for field in dataclasses.fields(options_class)}
        ]
        if owners and name not in own:
            raise OptionError(
                f"--{name} does not belong to --method={method}, but to: {', '.join(owners)}."
            )


def groups_of(method: str, groups: Groups, methods: Groups) -> Groups:
    """Returns `groups` without the options of other methods."""
    return {k: v for k, v in groups.items() if k == method or k not in methods}


def help_text(groups: Groups, usage: str) -> str:
    """Returns the complete --help text, grouped by room."""
    lines = [usage]
    for title, own in _told_once(groups):
        lines += ["", f"{title}:"]
        for field in own:
            name = f"--[no]{field.name}" if _type(field) is bool else f"--{field.name}"
            lines += [f"  {name}  ({_describe(field)})", f"      {field.metadata['help']}"]
    return "\n".join(lines)


def option_table(groups: Groups) -> str:
    """Returns the options as Markdown tables, for docs/options.md."""
    lines = []
    for title, own in _told_once(groups):
        lines += [f"## {title}", "", "| flag | default | meaning |", "|---|---|---|"]
        for field in own:
            about = field.metadata["help"].replace("|", "\\|")
            lines.append(f"| `--{field.name}` | {_describe(field)} | {about} |".replace("\n", " "))
        lines.append("")
    return "\n".join(lines)


def _told_once(groups: Groups) -> list[tuple[str, list[dataclasses.Field]]]:
    """Returns titles and options; groups of one class share a title, inherited ones come once."""
    told: set[str] = set()
    sections = []
    for options_class in dict.fromkeys(groups.values()):
        own = [field for field in dataclasses.fields(options_class) if field.name not in told]
        told |= {field.name for field in own}
        titles = [title for title, other in groups.items() if other is options_class]
        sections.append((", ".join(titles), own))
    return sections


def _typed(name: str, groups: Groups, values: flags.FlagValues) -> bool:
    aliases = fields(groups)[name].metadata.get("aliases", ())
    return any(values[flag].present for flag in (name, *aliases))


def _type(field: dataclasses.Field) -> type:
    """The plain type of a field declared as `T` or `T | None`."""
    if isinstance(field.type, types.UnionType):
        return next(t for t in typing.get_args(field.type) if t is not type(None))
    return field.type


def _define(field: dataclasses.Field, values: flags.FlagValues) -> None:
    about = field.metadata["help"]
    common = {"flag_values": values, "module_name": "options"}
    if "choices" in field.metadata:
        flags.DEFINE_enum(field.name, field.default, field.metadata["choices"], about, **common)
    elif _type(field) is bool:
        flag = flags.BooleanFlag(field.name, field.default, about)
        flag.parser = _Switch()
        flags.DEFINE_flag(flag, values, common["module_name"])
    else:
        define = {
            int: flags.DEFINE_integer,
            float: flags.DEFINE_float,
            str: flags.DEFINE_string,
        }[_type(field)]
        define(field.name, field.default, about, **common)
    for alias in field.metadata.get("aliases", ()):
        flags.DEFINE_alias(alias, field.name, **common)


class _Switch(flags.BooleanParser):
    """Takes on and off beside absl's true and false."""

    def parse(self, argument):
        return super().parse({"on": True, "off": False}.get(argument, argument))


def _check(field: dataclasses.Field, value: object) -> None:
    if value is None:
        return
    low, high = field.metadata.get("low"), field.metadata.get("high")
    choices = field.metadata.get("choices")
    kind = _type(field)
    if not isinstance(value, (int, float) if kind is float else kind) or value != value:  # NaN
        raise OptionError(f"--{field.name}={value}: expected a value of type {kind.__name__}.")
    if choices and value not in choices:
        raise OptionError(f"--{field.name}={value}: expected one of {', '.join(choices)}.")
    if low is not None and value < low:
        raise OptionError(f"--{field.name}={value}: expected at least {low}.")
    if high is not None and value > high:
        raise OptionError(f"--{field.name}={value}: expected at most {high}.")


def _describe(field: dataclasses.Field) -> str:
    default = "automatic" if field.default is None else field.default
    parts = [f"default {default}"]
    if "choices" in field.metadata:
        parts.append("one of " + ", ".join(field.metadata["choices"]))
    low, high = field.metadata.get("low"), field.metadata.get("high")
    if low is not None or high is not None:
        parts.append(f"{'' if low is None else low}..{'' if high is None else high}")
    if field.metadata.get("aliases"):
        parts.append("also --" + ", --".join(field.metadata["aliases"]))
    return "; ".join(str(part) for part in parts)
