"""What the options of a segmentation name: the classes of label maps, and a network."""

from collections.abc import Iterable, Sequence

import numpy as np

from cyclegan_keras.evaluation.options import EvaluationOptions
from cyclegan_keras.evaluation.protocol import Pictures
from cyclegan_keras.export.web.palette import find_labels
from cyclegan_keras.files.errors import EvaluationError, OptionError
from cyclegan_keras.hub import fetching
from cyclegan_keras.metrics.class_list import palette_list, read_class_list
from cyclegan_keras.metrics.segmentation import Segmentation
from cyclegan_keras.metrics.segmentation_network import open_segmentation_network

PALETTE = "palette"
CLASSES_FILE = "segmentation_classes.txt"
_LOOKED_AT = 64  # pictures of a domain, to find its colors

_FLAGS = (
    "segmentation_classes",
    "segmentation_model",
    "segmentation_input",
    "segmentation_size",
)


def open_segmentation(options: EvaluationOptions, metrics: Sequence[str]) -> Segmentation | None:
    """Returns the classes and the network that the options name.

    None where no segmentation is asked for, and under `--segmentation_classes=palette`, for which
    `palette_of` finds the classes in the pictures.

    Args:
        options: of the command.
        metrics: names of the metrics to compute.

    Raises:
        OptionError: options are missing, or are of no use.
        EvaluationError: the class list or the network cannot be used.
        HubError: the network is on the Hub, and cannot be had from there.
    """
    given = [name for name in _FLAGS if getattr(options, name) is not None]
    if "segmentation" not in metrics:
        if given:
            raise OptionError(
                f"--{given[0]} is only for --metrics=segmentation: add segmentation to --metrics."
            )
        return None
    if options.segmentation_classes is None:
        raise OptionError(
            "--metrics=segmentation needs --segmentation_classes: cityscapes, palette for the "
            "colors of the label maps themselves, or a file; see docs/evaluation.md."
        )
    if options.segmentation_model is None and len(given) > 1:
        raise OptionError(f"--{given[1]} is about a network: give --segmentation_model.")
    if options.segmentation_classes == PALETTE:
        if options.segmentation_model:
            raise OptionError(
                "--segmentation_classes=palette does not know in which order --segmentation_model "
                f"counts its classes. Without the model it writes the colors to {CLASSES_FILE} "
                "beside evaluation.json, and prints the path: put its lines in the order of the "
                "model, and give that path."
            )
        return None
    classes = read_class_list(options.segmentation_classes)
    network = None
    if options.segmentation_model:
        network = open_segmentation_network(
            fetching.local(options.segmentation_model),
            input_numbers=options.segmentation_input,
            size=options.segmentation_size,
            scored=len(classes.scored),
            listed=len(classes.all_names),
        )
    return Segmentation(classes=classes, network=network)


def palette_of(pictures: Iterable[Pictures]) -> Segmentation:
    """Returns the colors of the domain that shows label maps as classes.

    Args:
        pictures: of every direction that is evaluated.

    Raises:
        EvaluationError: neither domain shows label maps.
    """
    palettes = []
    for each in pictures:
        for domain in (each.inputs, each.real):
            chosen = np.linspace(0, len(domain) - 1, min(_LOOKED_AT, len(domain))).round()
            looked_at = [domain[int(index)] for index in chosen]
            if all(_is_eight_bit(picture) for picture in looked_at):
                found = find_labels([_as_rgb(picture) for picture in looked_at])
                if found is not None:
                    palettes.append(found.colors)
    if not palettes:
        raise EvaluationError(
            "--segmentation_classes=palette: neither inputs nor targets are label maps of a few "
            "flat colors. Name their classes in a file; see docs/evaluation.md."
        )
    return Segmentation(classes=palette_list(min(palettes, key=len)))


def _is_eight_bit(picture: np.ndarray) -> bool:
    return picture.dtype == np.uint8 and picture.shape[-1] in (1, 3)


def _as_rgb(picture: np.ndarray) -> np.ndarray:
    return np.broadcast_to(picture, (*picture.shape[:2], 3))
