"""A generator as steps that can be asked for any region of their results."""

import dataclasses

import keras

from cyclegan_keras import layers
from cyclegan_keras.translation.tiling import regions

# layer -> its rule
RULES = {
    keras.layers.Activation: regions.Pointwise,
    keras.layers.AveragePooling2D: regions.Window,
    keras.layers.Concatenate: regions.Pointwise,
    keras.layers.Conv2D: regions.Window,
    keras.layers.Conv2DTranspose: regions.TransposedWindow,
    keras.layers.Cropping2D: regions.Cropping,
    keras.layers.Identity: regions.Same,
    keras.layers.LeakyReLU: regions.Pointwise,
    keras.layers.ReLU: regions.Pointwise,
    keras.layers.UpSampling2D: regions.Doubling,
    keras.layers.ZeroPadding2D: regions.Padding,
    layers.BatchNormalization: regions.batch_norm,
    layers.BilinearUpsampling2D: regions.BilinearDoubling,
    layers.InstanceNormalization: regions.WholePicture,
    layers.NoiseDropout: regions.Noise,
    layers.ReflectionPadding2D: regions.Reflection,
}


@dataclasses.dataclass(eq=False)
class Step:
    """What one layer does to what it is given.

    Attributes:
        rule: how; None for the picture itself.
        inputs: the steps whose results it is given.
        channels: of its result.
        is_stage: whether all of its result is computed and kept before any step behind it.
    """

    rule: regions.Pointwise | None
    inputs: list["Step"]
    channels: int
    is_stage: bool = False


def steps_of(network: keras.Model) -> list[Step]:
    """Returns the steps of a generator, each behind its inputs, the last one its result.

    Raises:
        TranslationError: a layer that no rule knows, so that tiles would not equal the whole.
    """
    makers = {id(layer.output): layer for layer in network.layers}
    made: dict[int, Step] = {}
    order: list[Step] = []

    def step_of(tensor) -> Step:
        if id(tensor) not in made:
            layer = makers[id(tensor)]
            given = layer.input if isinstance(layer.input, list) else [layer.input]
            if isinstance(layer, keras.layers.InputLayer):
                new = [Step(None, [], tensor.shape[-1])]
            else:
                new = _steps(layer, [step_of(each) for each in given], tensor.shape[-1])
            order.extend(new)
            made[id(tensor)] = new[-1]
        return made[id(tensor)]

    step_of(network.outputs[0])
    return order


def _steps(layer, inputs: list[Step], channels: int) -> list[Step]:
    if isinstance(layer, layers.ResidualBlock):
        parts = (layer.pad_1, layer.conv_1, layer.norm_1, layer.relu)
        chain = inputs
        drop = [layer.drop] if layer.drop else []
        for part in (*parts, *drop, layer.pad_2, layer.conv_2, layer.norm_2):
            chain = [*chain, *_steps(part, chain[-1:], channels)]
        return [*chain[1:], Step(regions.Sum(), [inputs[0], chain[-1]], channels, True)]
    if type(layer) not in RULES:
        raise regions.unknown(layer)
    rule = RULES[type(layer)](layer)
    if isinstance(rule, regions.WholePicture):  # it wants the statistics of all
        inputs[0].is_stage = True
    return [Step(rule, inputs, channels, is_stage=isinstance(layer, keras.layers.Conv2D))]
