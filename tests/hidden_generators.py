"""Small generators hidden in wide ones, whose channels are copies in another order."""

import numpy as np

from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator


def pictures(count=4, side=16, channels=3, seed=0):
    """Returns random pictures, float32 in [-1, 1]."""
    shape = (count, side, side, channels)
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def shake(network, seed=1):
    """Gives every weight of a network another value, so that none is at its start."""
    random = np.random.default_rng(seed)
    for layer in network._flatten_layers():
        for name in ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"):
            variable = getattr(layer, name, None)
            if variable is None:
                continue
            spread = 1 / np.sqrt(np.prod(variable.shape[:-1])) if name == "kernel" else 0.3
            value = random.normal(0, spread, variable.shape)
            if name in ("gamma", "moving_variance"):
                value = np.exp(value)
            variable.assign(value)


def hide_resnet(small, wide, seed=2):
    """Fills a wide ResNet so that it computes what a small one does, in copies of its channels."""
    random = np.random.default_rng(seed)
    owner = {"pictures": np.arange(small.input_channels)}
    for name, factor in (("stem", 1), ("down_1", 2), ("trunk", 4), ("up_1", 2), ("up_2", 1)):
        owner[name] = _owners(random, factor * small.ngf, factor * wide.ngf)
    stages = [("pictures", "stem", "stem"), ("stem", "down_1", "down_1")]
    stages += [("down_1", "down_2", "trunk"), ("trunk", "up_1", "up_1"), ("up_1", "up_2", "up_2")]
    for before, name, after in stages:
        parts = [
            (net.get_layer(f"{name}_conv"), net.get_layer(f"{name}_norm")) for net in (small, wide)
        ]
        _hide(random, parts[0], parts[1], owner[before], owner[after])
    for number in range(1, small.n_blocks + 1):
        a, b = small.get_layer(f"block_{number}"), wide.get_layer(f"block_{number}")
        inner = _owners(random, 4 * small.ngf, 4 * wide.ngf)
        _hide(random, (a.conv_1, a.norm_1), (b.conv_1, b.norm_1), owner["trunk"], inner)
        _hide(random, (a.conv_2, a.norm_2), (b.conv_2, b.norm_2), inner, owner["trunk"])
    _hide_head(random, small, wide, owner["up_2"])


def hide_unet(small, wide, seed=2):
    """Fills a wide U-Net so that it computes what a small one does, in copies of its channels."""
    random = np.random.default_rng(seed)
    owner = np.arange(small.input_channels)
    skips = {}
    for step in range(1, small.n_downs + 1):
        owner = _hide_step(random, small, wide, f"down_{step}", owner)
        skips[step] = owner
    for step in range(small.n_downs, 1, -1):
        up = _hide_step(random, small, wide, f"up_{step}", owner)
        skip = skips[step - 1]
        owner = np.concatenate([skip, skip.max() + 1 + up])
    _hide_head(random, small, wide, owner)


def _hide_step(random, small, wide, name, inputs):
    parts = []
    for net in (small, wide):
        names = [layer.name for layer in net.layers]
        norm = net.get_layer(f"{name}_norm") if f"{name}_norm" in names else None
        parts.append((net.get_layer(f"{name}_conv"), norm))
    outputs = _owners(random, parts[0][0].filters, parts[1][0].filters)
    _hide(random, parts[0], parts[1], inputs, outputs)
    return outputs


def _hide_head(random, small, wide, inputs):
    heads = [(net.get_layer("head_conv"), None) for net in (small, wide)]
    _hide(random, heads[0], heads[1], inputs, np.arange(small.output_channels))


def _owners(random, few, many):
    """Returns which channel of the small network each of the wide one copies."""
    return random.permutation(np.concatenate([np.arange(few), random.integers(0, few, many - few)]))


def _hide(random, small, wide, inputs, outputs):
    is_transposed = "Transpose" in type(small[0]).__name__
    kernel = np.asarray(small[0].kernel)
    kernel = kernel.swapaxes(2, 3) if is_transposed else kernel
    # What a channel gave is given by its copies together, in random shares.
    shares = random.uniform(0.5, 1.5, len(inputs))
    shares /= np.bincount(inputs, shares)[inputs]
    kernel = kernel[:, :, inputs][..., outputs] * shares[:, None]
    wide[0].kernel.assign(kernel.swapaxes(2, 3) if is_transposed else kernel)
    if small[0].bias is not None:
        wide[0].bias.assign(np.asarray(small[0].bias)[outputs])
    for name in ("gamma", "beta", "moving_mean", "moving_variance"):
        variable = getattr(small[1], name, None)
        if variable is not None:
            getattr(wide[1], name).assign(np.asarray(variable)[outputs])


def resnets(small_blocks=1, wide_blocks=1, ngf=2, wide_ngf=4, **arguments):
    """Returns a small and a wide ResNet."""
    small = ResNetGenerator(ngf=ngf, n_blocks=small_blocks, **arguments)
    wide = ResNetGenerator(ngf=wide_ngf, n_blocks=wide_blocks, **arguments)
    shake(small)
    return small, wide


def unets(ngf=2, wide_ngf=4, **arguments):
    """Returns a small and a wide U-Net."""
    small = UNetGenerator(ngf=ngf, n_downs=3, **arguments)
    wide = UNetGenerator(ngf=wide_ngf, n_downs=3, **arguments)
    shake(small)
    return small, wide
