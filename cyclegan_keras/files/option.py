"""How an option is declared: a field of a frozen dataclass, with what --help tells of it."""

import dataclasses


def option(default: object, text: str, **metadata: object):
    """Returns a dataclass field that `cyclegan_keras.cli.flags` turns into a flag.

    Args:
        default: the value unless given; None where it is chosen automatically.
        text: what --help says.
        **metadata: `choices`, `low`, `high` (inclusive bounds), `aliases` (names known from other
            programs), `required` (the command does not work without it), `may_change` (it may
            differ when a run is continued) and `saved` (False: never written to options.json).
    """
    return dataclasses.field(default=default, metadata={"help": text, **metadata})
