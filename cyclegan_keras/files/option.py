"""How an option is declared: a field of a frozen dataclass, with what --help tells of it."""

import dataclasses


def option(default: object, text: str, **metadata: object):
    """Returns a dataclass field that `cyclegan_keras.cli.flags` turns into a flag.

    Args:
        default: the value unless given; None where it is chosen automatically.
        text: what --help says.
        **metadata: `choices`, `pattern` (of further values, which nobody types), `low`, `high`
            (inclusive bounds), `aliases` (names known from other programs), `required` (the command
            does not work without it), `several` (a text with commas, for which Python may give a
            list), `may_change` (it may differ when a run is continued) and `saved` (False: never
            written to options.json).
    """
    return dataclasses.field(default=default, metadata={"help": text, **metadata})


def option_of(options_class: type, name: str, **changes: object):
    """Returns the field of an option that another dataclass declares already.

    Args:
        options_class: where it is declared.
        name: of the option.
        **changes: `default`, `help` or metadata of `option` that differ here.

    Raises:
        ValueError: there is no such option.
    """
    for field in dataclasses.fields(options_class):
        if field.name == name:
            default = changes.pop("default", field.default)
            return dataclasses.field(default=default, metadata={**field.metadata, **changes})
    raise ValueError(f"`name` must be an option of {options_class.__name__}. Received: {name!r}")
