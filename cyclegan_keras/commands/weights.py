"""Reads other programs' weights into a .keras file, and writes .pth files.

    cyclegan-weights import latest_net_G_A.pth --output=generator_g.keras
    cyclegan-weights export-pth generator_g.keras --output=latest_net_G_A.pth

Without --output, `import` only tells what the file holds.
"""

import argparse
import pathlib
import signal
import sys

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import UserError


def main(argv: list[str]) -> int:
    """Runs one command; returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except (UserError, OSError) as error:
        print(f"weights: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("weights: interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    return 0


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("cyclegan-weights", description=__doc__, formatter_class=raw)
    commands = parser.add_subparsers(required=True)
    reading = commands.add_parser("import", help="read a file of another program")
    reading.add_argument("file", help=".pth, .keras, .weights.h5 or a TensorFlow checkpoint")
    reading.add_argument("--output", type=_ending(".keras"), help="the .keras file to write")
    reading.add_argument("--network", help="which one, where the file holds several")
    reading.add_argument(
        "--dropout", action="store_true", help="the file's U-Net has dropout in training"
    )
    reading.add_argument(
        "--as_in_training",
        action="store_true",
        help="translate with that dropout, and batch norm by each picture's statistics, as the "
        "reference tests pix2pix",
    )
    reading.set_defaults(run=_import)
    writing = commands.add_parser("export-pth", help="write a .keras file as .pth")
    writing.add_argument("file", help="the .keras file")
    writing.add_argument(
        "--output", type=_ending(".pth"), required=True, help="the .pth file to write"
    )
    writing.set_defaults(run=_export)
    return parser


def _ending(ending: str):
    def check(text: str) -> pathlib.Path:
        if not text.endswith(ending):
            raise argparse.ArgumentTypeError(f"{text!r} must end in {ending}")
        return pathlib.Path(text).expanduser()

    return check


def _import(arguments) -> None:
    from cyclegan_keras.weights.networks import (
        as_in_training,
        describe,
        load_network,
        load_networks,
    )

    networks = load_networks(arguments.file, dropout=arguments.dropout)
    if arguments.output is None:
        for name, network in networks.items():
            print(f"{name or arguments.file}: {describe(network)}")
        return
    network = load_network(arguments.file, arguments.network, dropout=arguments.dropout)
    if arguments.as_in_training:
        network = as_in_training(network)
    with atomic_write(arguments.output) as temporary:
        network.save(temporary)
    print(f"{describe(network)} -> {arguments.output}")


def _export(arguments) -> None:
    from cyclegan_keras.weights.networks import describe, load_network, save_pth

    network = load_network(arguments.file)
    save_pth(network, arguments.output)
    print(f"{describe(network)} -> {arguments.output}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
