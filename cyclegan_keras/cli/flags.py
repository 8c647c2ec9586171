"""Options exist once: dataclass fields become absl flags, and flags become dataclasses again.

A package describes its options as a frozen, keyword-only dataclass in its `options.py`, with fields
made by `cyclegan_keras.files.option.option`. A command lists the dataclasses it takes as `Groups`,
each under a title. `parse` reads a command line, `resolve` merges it with defaults.
"""

import dataclasses
import math
import os
import re
import types
import typing
from collections.abc import Mapping, Sequence

from absl import flags

from cyclegan_keras.cli.nearest import nearest
from cyclegan_keras.files.errors import OptionError
from cyclegan_keras.files.markdown import table

Groups = Mapping[str, type]  # title in --help -> options dataclass
Options = typing.TypeVar("Options")
Answers = Mapping[str, str]  # flag of another program -> what to do instead
NO_ANSWERS: Answers = types.MappingProxyType({})
SUGGESTIONS = 6  # for a mistyped flag, at most

HELP_FLAGS = ("-h", "-help", "--help", "--helpfull")


class HelpRequested(Exception):  # noqa: N818  (not an error: the user asked for it)
    """Raised by `parse` when the user typed --help."""


def fields(groups: Groups) -> dict[str, dataclasses.Field]:
    """Returns every option of `groups` by name.

    Raises:
        ValueError: two groups declare an option of the same name; inheriting it is allowed.
    """
    found: dict[str, dataclasses.Field] = {}
    for options_class in groups.values():
        for field in dataclasses.fields(options_class):
            if found.get(field.name, field) is not field:  # an inherited field is the same object
                raise ValueError(f"Option {field.name} is declared twice.")
            found[field.name] = field
    return found


def parse(
    argv: Sequence[str], groups: Groups, answers: Answers = NO_ANSWERS
) -> dict[str, typing.Any]:
    """Reads a command line and returns only the options that were typed, by name.

    Args:
        argv: program name, then flags, as in `sys.argv`.
        groups: the options that the command takes.
        answers: to flags of another program, which the command does not take.

    Raises:
        HelpRequested: `--help` or `-h` is among the flags.
        OptionError: an unknown flag, a value of the wrong type or an argument that is no flag.
    """
    if any(word in HELP_FLAGS for word in argv[1:]):
        raise HelpRequested
    known = fields(groups)
    values = flags.FlagValues()
    for field in known.values():
        _define(field, values)
    try:
        positional = values(list(argv))[1:]
    except flags.UnrecognizedFlagError as error:
        sentences = []
        for name in _unknown_flags(argv, values):
            if name in answers:
                sentences.append(f"Unknown flag --{name}{_answer(name, answers)}")
                continue
            near = _nearest_options(name, known)
            hint = f" Did you mean --{', --'.join(near)}?" if near else " See --help."
            sentences.append(f"Unknown flag --{name}.{hint}")
        raise OptionError("\n".join(sentences)) from error
    except flags.IllegalFlagValueError as error:
        raise OptionError(_illegal_value(str(error), known)) from error
    except flags.Error as error:
        raise OptionError(f"{error}. See --help.") from error
    if positional:
        raise OptionError(f"Unexpected argument {positional[0]!r}: write options as --name=value.")
    return {
        name: values[name].value
        for name, field in known.items()
        if any(values[flag].present for flag in (name, *field.metadata.get("aliases", ())))
    }


def as_typed(options: Mapping[str, typing.Any], groups: Groups) -> dict[str, typing.Any]:
    """Returns options that Python gives in the form in which a command line has them.

    Args:
        options: by name. A list or tuple becomes a text with commas, where the option takes
            several; a path becomes a text. All else stays, also what is wrong.
        groups: the options that there are.
    """
    known = fields(groups)
    typed = {}
    for name, value in options.items():
        field = known.get(name)
        if field is None or _type(field) is not str:
            typed[name] = value
        elif isinstance(value, list | tuple) and field.metadata.get("several"):
            typed[name] = ",".join(str(each) for each in value)
        elif isinstance(value, os.PathLike):
            typed[name] = os.fspath(value)
        else:
            typed[name] = value
    return typed


def refuse_unknown(
    names: typing.Iterable[str], groups: Groups, answers: Answers = NO_ANSWERS
) -> None:
    """Raises OptionError where a name is not that of an option, with the nearest ones.

    Args:
        names: of options.
        groups: the options that there are.
        answers: to names of another program's options.
    """
    known = fields(groups)
    for name in names:
        if name not in known:
            if name in answers:
                raise OptionError(f"Unknown option {name!r}{_answer(name, answers)}")
            near = _nearest_options(name, known)
            hint = f"Did you mean {' or '.join(near)}?" if near else "See --help."
            raise OptionError(f"Unknown option {name!r}. {hint}")


def resolve_one(options_class: type[Options], *layers: Mapping[str, typing.Any]) -> Options:
    """Merges defaults and layers of options into one options object; see `resolve`."""
    return resolve({"options": options_class}, *layers)["options"]


def resolve(groups: Groups, *layers: Mapping[str, typing.Any]) -> dict[str, typing.Any]:
    """Merges defaults and layers of options into one options object for each group.

    Args:
        groups: the options that there are, with their defaults.
        *layers: options by name; a later layer wins over an earlier one and over the defaults.

    Returns:
        title of the group -> an instance of its dataclass.

    Raises:
        OptionError: a value that is out of bounds or not among the choices, an unknown name, or
            values that do not go together.
    """
    merged: dict[str, typing.Any] = {}
    for layer in layers:
        merged.update(layer)
    refuse_unknown(merged, groups)
    known = fields(groups)
    for name, value in merged.items():
        _check(known[name], value)
    resolved = {}
    for title, options_class in groups.items():
        own_names = [field.name for field in dataclasses.fields(options_class)]
        chosen = {name: merged[name] for name in own_names if name in merged}
        try:
            resolved[title] = options_class(**chosen)
        except ValueError as error:
            raise OptionError(str(error)) from error
    return resolved


def flatten(
    options: Mapping[str, typing.Any], *, saved_only: bool = False
) -> dict[str, typing.Any]:
    """Returns all options by name, the way options.json and --dry_run show them.

    Args:
        options: what `resolve` returned.
        saved_only: leave out the options that are never written to options.json.
    """
    return {
        field.name: vars(group)[field.name]
        for group in options.values()
        for field in dataclasses.fields(group)
        if not saved_only or field.metadata.get("saved", True)
    }


def groups_of(method: str, groups: Groups, methods: Groups) -> Groups:
    """Returns `groups` without the options of other methods.

    Args:
        method: the title of the method's own group.
        groups: all groups.
        methods: those of `groups` that belong to one method each.
    """
    return {
        title: options_class
        for title, options_class in groups.items()
        if title == method or title not in methods
    }


def refuse_other_methods(typed: Mapping[str, typing.Any], method: str, methods: Groups) -> None:
    """Raises OptionError when a typed flag belongs only to methods other than `method`."""
    names = {
        title: {field.name for field in dataclasses.fields(options_class)}
        for title, options_class in methods.items()
    }
    for name in typed:
        owners = [title for title in methods if name in names[title]]
        if owners and method not in owners:
            raise OptionError(
                f"--{name} does not belong to --method={method}, but to: {', '.join(owners)}."
            )


def help_text(groups: Groups, usage: str) -> str:
    """Returns the whole text of --help: how to use the command, then its options by group."""
    lines = [usage]
    for title, section_fields in _sections(groups):
        lines += ["", f"{title}:"]
        for field in section_fields:
            flag = f"--[no]{field.name}" if _type(field) is bool else f"--{field.name}"
            lines.append(f"  {flag}  ({_describe_values(field)})")
            lines.append(f"      {field.metadata['help']}")
    return "\n".join(lines)


def option_table(groups: Groups) -> str:
    """Returns the options as Markdown tables, one for each group, for docs/options.md."""
    parts = []
    for title, section_fields in _sections(groups):
        rows = [
            (f"`--{field.name}`", _describe_values(field), _as_markdown(field.metadata["help"]))
            for field in section_fields
        ]
        parts.append(f"### {title}\n\n{table(('flag', 'default', 'meaning'), rows)}\n")
    return "\n".join(parts)


def _as_markdown(text: str) -> str:
    """Returns a help text whose placeholders are code; Markdown would show nothing of them.

    Example:
        >>> _as_markdown("A run, <run>@<step>, or cycle_gan/<name>.")
        'A run, `<run>@<step>`, or `cycle_gan/<name>`.'
    """
    return re.sub(r"(?:[\w/.@=-]*<[^<>]+>)+[\w/-]*", r"`\g<0>`", text)


def _sections(groups: Groups) -> list[tuple[str, list[dataclasses.Field]]]:
    """Returns titles with their fields, each field once.

    Groups of one class share a section; an inherited field is listed where it occurs first.
    """
    titles: dict[type, list[str]] = {}
    for title, options_class in groups.items():
        titles.setdefault(options_class, []).append(title)
    listed: set[str] = set()
    sections = []
    for options_class, shared_titles in titles.items():
        new = [field for field in dataclasses.fields(options_class) if field.name not in listed]
        listed.update(field.name for field in new)
        sections.append((", ".join(shared_titles), new))
    return sections


def _type(field: dataclasses.Field) -> type:
    """Returns the plain type of a field that is declared as `T` or `T | None`."""
    if isinstance(field.type, types.UnionType):
        return next(each for each in typing.get_args(field.type) if each is not type(None))
    return typing.cast(type, field.type)


_TYPE_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def _expected(field: dataclasses.Field) -> str:
    """Returns in words which values an option takes."""
    choices = field.metadata.get("choices")
    return f"one of {', '.join(choices)}" if choices else _TYPE_NAMES[_type(field)]


def _hint_of_choice(field: dataclasses.Field, value: object) -> str:
    """Returns a question for the choice that was meant, "" where none resembles what was given."""
    near = nearest(str(value), field.metadata.get("choices", ()))
    return f" Did you mean {' or '.join(near[:SUGGESTIONS])}?" if near else ""


def _unknown_flags(argv: Sequence[str], values: flags.FlagValues) -> list[str]:
    """Returns the names of all flags typed that are not defined, each once, in their order."""
    known = set(values) | {f"no{name}" for name in values if values[name].boolean}
    names = (word.lstrip("-").partition("=")[0] for word in argv[1:] if word.startswith("-"))
    return [
        name for name in dict.fromkeys(names) if re.match("[A-Za-z]", name) and name not in known
    ]


def _nearest_options(name: str, known: Mapping[str, dataclasses.Field]) -> list[str]:
    """Returns the options whose names or aliases are nearest to what was typed, as typed."""
    options = {}
    for option, field in known.items():
        for spelling in (option, *field.metadata.get("aliases", ())):
            options[spelling] = option
        if _type(field) is bool:
            options[f"no{option}"] = f"no{option}"
    found = dict.fromkeys(options[spelling] for spelling in nearest(name, options))
    return list(found)[:SUGGESTIONS]


def _answer(name: str, answers: Answers) -> str:
    """Returns the end of what is said of an option of another program."""
    answer = answers[name]
    sentence = f"Here: {answer}" if answer.startswith("-") else answer[0].upper() + answer[1:]
    return f", a flag of the PyTorch reference. {sentence}."


def _illegal_value(message: str, known: Mapping[str, dataclasses.Field]) -> str:
    """Says in our words what absl says as "flag --crop_size=abc: invalid literal for int() ..."."""
    found = re.match(r"flag --(\w+)=(.*?): ", message, re.DOTALL)
    if found:
        for name, field in known.items():
            if found[1] in (name, *field.metadata.get("aliases", ())):
                hint = _hint_of_choice(field, found[2])
                return f"--{found[1]}={found[2]}: expected {_expected(field)}.{hint}"
    return f"{message}. See --help."


class _SwitchParser(flags.BooleanParser):
    """Accepts on and off beside absl's true and false."""

    def parse(self, argument):
        return super().parse({"on": True, "off": False}.get(argument, argument))


_PARSERS = {
    int: flags.IntegerParser,
    float: flags.FloatParser,
    str: flags.ArgumentParser,
}


def _define(field: dataclasses.Field, values: flags.FlagValues) -> None:
    """Adds the absl flag of an option, and its aliases, to `values`."""
    name, text = field.name, field.metadata["help"]
    default: typing.Any = field.default
    flag: flags.Flag
    if "choices" in field.metadata:
        flag = flags.EnumFlag(
            name=name,
            default=default,
            help=text,
            enum_values=field.metadata["choices"],
        )
    elif _type(field) is bool:
        flag = flags.BooleanFlag(name, default, text)
        flag.parser = _SwitchParser()
    else:
        flag = flags.Flag(
            parser=_PARSERS[_type(field)](),
            serializer=None,
            name=name,
            default=default,
            help_string=text,
        )
    flags.DEFINE_flag(flag, flag_values=values, module_name="options")
    for alias in field.metadata.get("aliases", ()):
        flags.DEFINE_alias(alias, name, flag_values=values, module_name="options")


def _check(field: dataclasses.Field, value: object) -> None:
    """Raises OptionError unless `value` is None or has the type and the bounds of the option."""
    if value is None:
        return
    kind = _type(field)
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, float) and math.isnan(value)):
        commas = ", or several separated by commas" if field.metadata.get("several") else ""
        raise OptionError(f"--{field.name}={value}: expected {_TYPE_NAMES[kind]}{commas}.")
    choices, pattern = field.metadata.get("choices"), field.metadata.get("pattern")
    is_of_pattern = pattern is not None and re.fullmatch(pattern, str(value))
    if choices and value not in choices and not is_of_pattern:
        hint = _hint_of_choice(field, value)
        raise OptionError(f"--{field.name}={value}: expected {_expected(field)}.{hint}")
    low, high = field.metadata.get("low"), field.metadata.get("high")
    if low is not None and value < low:
        raise OptionError(f"--{field.name}={value}: expected at least {low}.")
    if high is not None and value > high:
        raise OptionError(f"--{field.name}={value}: expected at most {high}.")


def _describe_values(field: dataclasses.Field) -> str:
    """Returns in words the default of an option, its choices, bounds and aliases.

    "may change" is said of an option that may differ when a run is continued, and "not kept" of
    one that is not part of the run.
    """
    if field.metadata.get("required"):
        parts = ["required"]
    elif field.default is None:
        parts = ["default automatic"]
    else:
        parts = [f"default {field.default}"]
    if "choices" in field.metadata:
        parts.append(f"one of {', '.join(field.metadata['choices'])}")
    low, high = field.metadata.get("low"), field.metadata.get("high")
    if low is not None or high is not None:
        parts.append(f"{'' if low is None else low}..{'' if high is None else high}")
    if field.metadata.get("aliases"):
        parts.append("also --" + ", --".join(field.metadata["aliases"]))
    if field.metadata.get("may_change"):
        parts.append("may change")
    if not field.metadata.get("saved", True):
        parts.append("not kept")
    return "; ".join(parts)
