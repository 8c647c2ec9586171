"""Reads other programs' weights into a .keras file, and writes .pth and .safetensors files.

    cyclegan-weights import latest_net_G_A.pth --output=generator_g.keras
    cyclegan-weights import last.ckpt --network=generator_A2B --output=generator_g.keras
    cyclegan-weights export-pth generator_g.keras --output=latest_net_G_A.pth

Without --output, `import` prints what the file holds and writes nothing.
"""

import argparse
import os
import pathlib
import sys

from cyclegan_keras.cli import backends
from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.shield import run_shielded


def import_weights(
    file: str | os.PathLike,
    *,
    output: str | os.PathLike | None = None,
    network: str | None = None,
    dropout: bool = False,
    as_in_training: bool = False,
) -> None:
    """Writes a network of another program's file as a .keras file, and prints what it is.

    Args:
        file: .pth, .pt, .ckpt, .safetensors, .keras, .weights.h5 or a TensorFlow checkpoint; or a
            run, `run@step` for an earlier step that it keeps.
        output: the .keras file to write; without one, all networks of the file are printed, or
            that called `network`.
        network: which one, where the file holds several; the last part of its name is enough.
        dropout: whether a PyTorch U-Net has dropout in training, which its file does not record.
        as_in_training: translate with that dropout, and batch norm by each picture's statistics, as
            the reference tests pix2pix.

    Raises:
        WeightsError: the file cannot be read, or it is not clear which network is meant.
        WriteError: the output cannot be written.

    Example:
        from cyclegan_keras.commands import weights
        weights.import_weights("latest_net_G_A.pth", output="generator_g.keras")
    """
    from cyclegan_keras.models.description import describe
    from cyclegan_keras.weights import networks

    if output is None and network is None:
        for name, found in networks.load_networks(file, dropout=dropout, note=print).items():
            print(f"{name or file}: {describe(found)}")
        return
    chosen = networks.load_network(file, network, dropout=dropout, note=print)
    if as_in_training:
        chosen = networks.as_in_training(chosen)
    if output is None:
        print(f"{network}: {describe(chosen)}")
        return
    with atomic_write(pathlib.Path(output)) as temporary:
        chosen.save(temporary)
    print(f"{describe(chosen)} -> {output}")


def export_pth(
    file: str | os.PathLike, *, output: str | os.PathLike, network: str | None = None
) -> None:
    """Writes the network of a .keras file under the names that the PyTorch reference has for it.

    A generator with `upsample="resize_zero"` gets the names of PyTorch-GAN, which has it.

    Args:
        file: the .keras file, or anything else that `import_weights` takes.
        output: the file to write: .pth, which the reference can load, or .safetensors.
        network: which one, where the file holds several.

    Raises:
        WeightsError: the file cannot be read, or the reference has no such network.
        WriteError: the output cannot be written.
    """
    from cyclegan_keras.models.description import describe
    from cyclegan_keras.weights.networks import load_network, save_pth, save_safetensors

    chosen = load_network(file, network)
    save = save_safetensors if pathlib.Path(output).suffix == ".safetensors" else save_pth
    save(chosen, output)
    print(f"{describe(chosen)} -> {output}")
    if getattr(chosen, "upsample", None) == "resize_zero":
        print("The arrays are named as in PyTorch-GAN; the reference has no such generator.")


def main(argv: list[str]) -> int:
    """Runs one command; returns the exit code."""

    def run() -> int:
        arguments = vars(_parser().parse_args(argv))
        command = arguments.pop("command")
        backends.check_environment()
        if command == "import":
            import_weights(**arguments)
        else:
            export_pth(**arguments)
        return 0

    return run_shielded("weights", run)


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("cyclegan-weights", description=__doc__, formatter_class=raw)
    commands = parser.add_subparsers(dest="command", required=True)
    reading = commands.add_parser("import", help="read a file of another program")
    reading.add_argument(
        "file",
        help=".pth, .pt, .ckpt, .safetensors, .keras, .weights.h5, a TensorFlow checkpoint, a "
        "run (RUN@STEP for an earlier step that it keeps), or hf://user/name/file",
    )
    reading.add_argument("--output", type=_keras_file, help="the .keras file to write")
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
    writing = commands.add_parser("export-pth", help="write a .keras file as .pth or .safetensors")
    writing.add_argument("file", help="the .keras file, or what import reads")
    writing.add_argument("--network", help="which one, where the file holds several")
    writing.add_argument(
        "--output", type=_torch_file, required=True, help="the .pth or .safetensors file to write"
    )
    return parser


def _keras_file(text: str) -> pathlib.Path:
    return _path_ending_in((".keras",), text)


def _torch_file(text: str) -> pathlib.Path:
    return _path_ending_in((".pth", ".safetensors"), text)


def _path_ending_in(endings: tuple[str, ...], text: str) -> pathlib.Path:
    if not text.endswith(endings):
        raise argparse.ArgumentTypeError(f"{text!r} must end in {' or '.join(endings)}")
    return pathlib.Path(text).expanduser()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
