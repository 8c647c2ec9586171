"""The inheritance of U-Net generators: see `inheritance.inherit`."""

import keras
import numpy as np

from cyclegan_keras.compression.channels import choose_channels
from cyclegan_keras.compression.gram import Gram
from cyclegan_keras.compression.inherited import Inherited
from cyclegan_keras.compression.units import Unit, explain, some_places, take_over, values_at
from cyclegan_keras.models.unet_generator import UNetGenerator

_BATCH = 8  # pictures


def inherit_unet(
    teacher: UNetGenerator,
    student: UNetGenerator,
    pictures: np.ndarray,
    random: np.random.Generator,
) -> Inherited:
    """Fills a student's weights; see `inheritance.inherit`, which has checked the arguments.

    Where a skip meets a step up, the channels of both are chosen each for itself.

    Args:
        teacher: the wide generator.
        student: the narrow one.
        pictures: float32 (pictures, height, width, channels) in [-1, 1].
        random: draws some of the places of large maps.
    """
    batches = [pictures[start : start + _BATCH] for start in range(0, len(pictures), _BATCH)]
    deepest = teacher.n_downs
    kept = {}
    merges = {}

    # x and y are what the teacher and the student have at the same places.
    x = y = batches
    inputs = np.arange(teacher.input_channels)
    skips = {}
    for step in range(1, deepest + 1):
        name = f"down_{step}"
        has_norm = 1 < step < deepest
        unit, own_unit = _unit(teacher, name, has_norm), _unit(student, name, has_norm)
        merges[name] = explain(unit, inputs, wide=x, narrow=y, random=random)
        x = _run(teacher, name, x)
        kept[name] = _choice(x, own_unit.conv.filters, random)
        take_over(unit, own_unit, merges[name], kept[name])
        y = _run(student, name, y)
        inputs = kept[name]
        skips[step] = (x, y)

    for step in range(deepest, 1, -1):
        name = f"up_{step}"
        unit, own_unit = _unit(teacher, name, True), _unit(student, name, True)
        merges[name] = explain(unit, inputs, wide=x, narrow=y, random=random)
        x = _run(teacher, name, x)
        kept[name] = _choice([np.maximum(each, 0) for each in x], own_unit.conv.filters, random)
        take_over(unit, own_unit, merges[name], kept[name])
        y = _run(student, name, y)
        skip_x, skip_y = skips[step - 1]
        skip_kept = kept[f"down_{step - 1}"]
        inputs = np.concatenate([skip_kept, skip_x[0].shape[-1] + kept[name]])
        x, y = _joined(skip_x, x), _joined(skip_y, y)

    head, own_head = _unit(teacher, "head", False), _unit(student, "head", False)
    merges["head"] = explain(head, inputs, wide=x, narrow=y, random=random)
    take_over(head, own_head, merges["head"], np.arange(teacher.output_channels))
    return Inherited(
        blocks=(),
        channels={name: tuple(each.tolist()) for name, each in kept.items()},
        unexplained={name: each.unexplained for name, each in merges.items()},
    )


def _unit(network, name, has_norm):
    norm = network.get_layer(f"{name}_norm") if has_norm else None
    return Unit(conv=network.get_layer(f"{name}_conv"), norm=norm)


def _choice(batches, count, random):
    gram = Gram(batches[0].shape[-1])
    for batch in batches:
        gram.add(values_at(batch, some_places(batch, random)))
    return choose_channels(gram.matrix(centered=False), count)


def _run(network, name, batches):
    """Returns what a step down, or a step up before its skip joins, makes of its inputs."""
    conv = network.get_layer(f"{name}_conv")
    layers = [network.get_layer(f"{name}_pad")] if name.startswith("down") else []
    layers.append(conv)
    names = [layer.name for layer in network.layers]
    layers += [
        network.get_layer(f"{name}_{part}")
        for part in ("crop", "norm", "drop")
        if f"{name}_{part}" in names
    ]
    if name.startswith("down"):
        layers.append(network.get_layer(name))
    outputs = []
    for x in batches:
        for layer in layers:
            x = layer(x)
        outputs.append(keras.ops.convert_to_numpy(x))
    return outputs


def _joined(skips, ups):
    """Returns what the next step up sees of a skip and of the step before."""
    return [
        np.maximum(np.concatenate([skip, up], -1), 0) for skip, up in zip(skips, ups, strict=True)
    ]
