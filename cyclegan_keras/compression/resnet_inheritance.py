"""The inheritance of ResNet generators: see `inheritance.inherit`."""

import keras
import numpy as np

from cyclegan_keras.compression.channels import choose_channels
from cyclegan_keras.compression.gram import Gram, rounding_of
from cyclegan_keras.compression.inherited import Inherited
from cyclegan_keras.compression.units import Unit, explain, some_places, take_over, values_at
from cyclegan_keras.layers import ResidualBlock
from cyclegan_keras.models.resnet_generator import ResNetGenerator

_BATCH = 8  # pictures
_PLACES = 4096  # at which the contributions of all blocks are compared


def inherit_resnet(
    teacher: ResNetGenerator,
    student: ResNetGenerator,
    pictures: np.ndarray,
    random: np.random.Generator,
) -> Inherited:
    """Fills a student's weights; see `inheritance.inherit`, which has checked the arguments.

    Args:
        teacher: the wide generator.
        student: the narrow one.
        pictures: float32 (pictures, height, width, channels) in [-1, 1].
        random: draws the places at which blocks are compared.
    """
    batches = [pictures[start : start + _BATCH] for start in range(0, len(pictures), _BATCH)]
    wide, narrow = _Stages(teacher), _Stages(student)
    grams, contributions = _observe(wide, batches, random)
    kept = {
        "stem": choose_channels(grams["stem"], student.ngf),
        "down_1": choose_channels(grams["down_1"], 2 * student.ngf),
        "trunk": choose_channels(grams["trunk"], 4 * student.ngf),
        "up_1": choose_channels(grams["up_1"], 2 * student.ngf),
        "up_2": choose_channels(grams["up_2"], student.ngf),
    }
    # Only what a block adds to the channels that stay counts.
    sums = Gram((teacher.n_blocks + 1) * len(kept["trunk"]))
    sums.add(contributions[..., kept["trunk"]].reshape(len(contributions), -1))
    blocks = choose_blocks(sums, teacher.n_blocks, student.n_blocks)
    for number in blocks:
        name = f"block_{number}"
        kept[name] = choose_channels(grams[name], 4 * student.ngf)
    merges = {}

    # From here on, x and y are what the teacher and the student have at the same places.
    x = y = batches
    inputs = np.arange(teacher.input_channels)
    for name, outputs in (("stem", "stem"), ("down_1", "down_1"), ("down_2", "trunk")):
        unit = wide.unit(name)
        merges[name] = explain(unit, inputs, wide=x, narrow=y, random=random)
        take_over(unit, narrow.unit(name), merges[name], kept[outputs])
        x, y = wide.run(name, x), narrow.run(name, y)
        inputs = kept[outputs]

    own_number = 0
    for number in range(1, teacher.n_blocks + 1):
        block = wide.block(number)
        if number not in blocks:
            x = [each + _outer(block, _inner(block, each)) for each in x]
            continue
        own_number += 1
        own = narrow.block(own_number)
        name = f"block_{number}"
        unit_1, unit_2 = _units(block)
        own_unit_1, own_unit_2 = _units(own)
        merges[f"{name}_1"] = explain(unit_1, kept["trunk"], wide=x, narrow=y, random=random)
        take_over(unit_1, own_unit_1, merges[f"{name}_1"], kept[name])
        inner_x = [_inner(block, each) for each in x]
        inner_y = [_inner(own, each) for each in y]
        merges[f"{name}_2"] = explain(
            unit_2, kept[name], wide=inner_x, narrow=inner_y, random=random
        )
        take_over(unit_2, own_unit_2, merges[f"{name}_2"], kept["trunk"])
        x = [each + _outer(block, inner) for each, inner in zip(x, inner_x, strict=True)]
        y = [each + _outer(own, inner) for each, inner in zip(y, inner_y, strict=True)]

    for name in ("up_1", "up_2"):
        unit = wide.unit(name)
        merges[name] = explain(unit, inputs, wide=x, narrow=y, random=random)
        take_over(unit, narrow.unit(name), merges[name], kept[name])
        x, y = wide.run(name, x), narrow.run(name, y)
        inputs = kept[name]
    head = wide.unit("head")
    merges["head"] = explain(head, inputs, wide=x, narrow=y, random=random)
    take_over(head, narrow.unit("head"), merges["head"], np.arange(teacher.output_channels))
    return Inherited(
        blocks=tuple(blocks),
        channels={name: tuple(each.tolist()) for name, each in kept.items()},
        unexplained={name: each.unexplained for name, each in merges.items()},
    )


def choose_blocks(contributions: Gram, n_blocks: int, count: int) -> list[int]:
    """Returns the blocks to keep: by turns that block goes which is explained best by what stays.

    A block adds its contribution to the trunk, and every later convolution sees a sum of them. For
    a choice of blocks, the sums that the teacher has before each block and at the end are regressed
    on those of the contributions that stay; what is left unexplained, as a share and over all
    places in the chain, is what the choice costs.

    Args:
        contributions: of the trunk's start and of each block, side by side.
        n_blocks: how many blocks there are.
        count: how many to keep.

    Returns:
        Their numbers from 1, in order.
    """
    blocks = list(range(1, n_blocks + 1))
    if count == n_blocks:
        return blocks
    matrix = contributions.matrix(centered=True)
    channels = len(matrix) // (n_blocks + 1)
    moments = matrix.reshape(n_blocks + 1, channels, n_blocks + 1, channels)
    floor = rounding_of(contributions.matrix(centered=False))
    while len(blocks) > count:
        costs = [
            _cost(moments, [each for each in blocks if each != gone], floor) for gone in blocks
        ]
        del blocks[int(np.argmin(costs))]
    return blocks


def _cost(moments, blocks, floor):
    """Returns how much of the teacher's trunk is not explained without the other blocks.

    Where all places are alike there is nothing to explain; variances below `floor` are no more than
    rounding errors.
    """
    total = 0.0
    for end in range(1, len(moments) + 1):
        gone = [number for number in range(1, end) if number not in blocks]
        if not gone:
            continue
        stay = [number for number in range(end) if number not in gone]
        whole = moments[:end, :, :end].sum((0, 2))
        # The rest stays as it is, so that only what is gone is to be explained.
        gram = moments[stay][:, :, stay].sum((0, 2))
        cross = moments[stay][:, :, gone].sum((0, 2))
        lost = np.trace(moments[gone][:, :, gone].sum((0, 2)))
        damping = 1e-6 * max(np.trace(gram), 0) / len(gram) + floor
        damped = gram + damping * np.eye(len(gram))
        unexplained = lost - np.sum(cross * np.linalg.solve(damped, cross))
        total += unexplained / max(np.trace(whole), len(whole) * floor)
    return total


def _observe(stages, batches, random):
    """Returns the Gram matrix of every stage, and what the blocks add to the trunk at some places.

    The latter is (places, 1 + blocks, channels), with the trunk's start first.
    """
    n_blocks, ngf = stages.network.n_blocks, stages.network.ngf
    grams = {
        "stem": Gram(ngf),
        "down_1": Gram(2 * ngf),
        "trunk": Gram(4 * ngf),
        "up_1": Gram(2 * ngf),
        "up_2": Gram(ngf),
    }
    grams.update({f"block_{number}": Gram(4 * ngf) for number in range(1, n_blocks + 1)})
    contributions = []
    for x in batches:
        for name in ("stem", "down_1"):
            x = stages.run_one(name, x)
            grams[name].add(values_at(x, some_places(x, random)))
        x = stages.run_one("down_2", x)
        places = some_places(x, random)
        few = random.choice(places, min(_PLACES // len(batches), len(places)), replace=False)
        grams["trunk"].add(values_at(x, places))
        parts = [values_at(x, few)]
        for number in range(1, n_blocks + 1):
            block = stages.block(number)
            inner = _inner(block, x)
            grams[f"block_{number}"].add(values_at(inner, places))
            part = _outer(block, inner)
            parts.append(values_at(part, few))
            x = x + part
            grams["trunk"].add(values_at(x, places))
        contributions.append(np.stack(parts, 1))
        for name in ("up_1", "up_2"):
            x = stages.run_one(name, x)
            grams[name].add(values_at(x, some_places(x, random)))
    matrices = {name: gram.matrix(centered=False) for name, gram in grams.items()}
    return matrices, np.concatenate(contributions)


class _Stages:
    """A generator cut into its stages."""

    def __init__(self, network):
        self.network = network
        last = f"block_{network.n_blocks}" if network.n_blocks else "down_2"
        ends = {
            "stem": (network.inputs[0], "stem"),
            "down_1": (network.get_layer("stem").output, "down_1"),
            "down_2": (network.get_layer("down_1").output, "down_2"),
            "up_1": (network.get_layer(last).output, "up_1"),
            "up_2": (network.get_layer("up_1").output, "up_2"),
        }
        self._models = {
            name: keras.Model(start, network.get_layer(end).output)
            for name, (start, end) in ends.items()
        }

    def unit(self, name: str) -> Unit:
        norm = None if name == "head" else self.network.get_layer(f"{name}_norm")
        return Unit(conv=self.network.get_layer(f"{name}_conv"), norm=norm)

    def block(self, number: int) -> ResidualBlock:
        return self.network.get_layer(f"block_{number}")

    def run_one(self, name: str, x: np.ndarray) -> np.ndarray:
        return _array(self._models[name](x, training=False))

    def run(self, name: str, batches: list[np.ndarray]) -> list[np.ndarray]:
        return [self.run_one(name, batch) for batch in batches]


def _units(block):
    return Unit(conv=block.conv_1, norm=block.norm_1), Unit(conv=block.conv_2, norm=block.norm_2)


def _inner(block, x):
    """Returns what a block has between its convolutions, before any dropout."""
    return _array(block.relu(block.norm_1(block.conv_1(block.pad_1(x)), training=False)))


def _outer(block, inner):
    """Returns what a block adds to its input."""
    if block.drop is not None:
        inner = block.drop(inner, training=False)
    return _array(block.norm_2(block.conv_2(block.pad_2(inner)), training=False))


def _array(x):
    return keras.ops.convert_to_numpy(x)
