"""A generator as steps, each of which can compute any region of its result."""

import dataclasses

import keras

from cyclegan_keras import layers
from cyclegan_keras.translation.tiling import rules


@dataclasses.dataclass(eq=False, kw_only=True)
class Step:
    """What one layer does to its inputs.

    Attributes:
        rule: how; None for the picture itself.
        inputs: the steps whose results it takes.
        channels: of its result.
        is_stage: whether all of its result is computed and kept before any later step.
    """

    rule: rules.Pointwise | None
    inputs: list["Step"]
    channels: int
    is_stage: bool = False


def steps_of(network: keras.Model) -> list[Step]:
    """Returns the steps of a generator, each after its inputs, the last one its result.

    Raises:
        TranslationError: a layer without a rule, so that tiles would not equal the whole.
    """
    layer_of = {id(layer.output): layer for layer in network.layers}  # by the tensor it makes
    step_of: dict[int, Step] = {}
    order: list[Step] = []

    def add_steps_to(tensor) -> Step:
        """Adds the steps up to `tensor`, unless they are there; returns the one that makes it."""
        if id(tensor) in step_of:
            return step_of[id(tensor)]
        layer = layer_of[id(tensor)]
        channels = tensor.shape[-1]
        if isinstance(layer, keras.layers.InputLayer):
            new = [Step(rule=None, inputs=[], channels=channels)]
        else:
            tensors = layer.input if isinstance(layer.input, list) else [layer.input]
            inputs = [add_steps_to(each) for each in tensors]
            new = _steps_of_layer(layer, inputs, channels)
        order.extend(new)
        step_of[id(tensor)] = new[-1]
        return new[-1]

    add_steps_to(network.outputs[0])
    return order


def _steps_of_layer(layer, inputs: list[Step], channels: int) -> list[Step]:
    if isinstance(layer, layers.ResidualBlock):
        return _steps_of_block(layer, inputs[0], channels)
    if type(layer) not in rules.RULES:
        raise rules.not_tileable(layer)
    rule = rules.RULES[type(layer)](layer)
    if isinstance(rule, rules.PictureNorm):  # it needs the statistics of all of its input
        inputs[0].is_stage = True
    is_convolution = isinstance(layer, keras.layers.Conv2D)
    return [Step(rule=rule, inputs=inputs, channels=channels, is_stage=is_convolution)]


def _steps_of_block(block, start: Step, channels: int) -> list[Step]:
    parts = [block.pad_1, block.conv_1, block.norm_1, block.relu]
    if block.drop:
        parts.append(block.drop)
    parts += [block.pad_2, block.conv_2, block.norm_2]
    steps = []
    last = start
    for part in parts:
        steps += _steps_of_layer(part, [last], channels)
        last = steps[-1]
    total = Step(rule=rules.Sum(), inputs=[start, last], channels=channels, is_stage=True)
    return [*steps, total]
