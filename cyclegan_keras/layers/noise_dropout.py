"""Dropout that stays on when pictures are translated: the noise of pix2pix."""

import zlib

import keras
import numpy as np
from keras import ops

PERIOD = 32  # pixels of the map after which the draw repeats


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class NoiseDropout(keras.layers.Dropout):
    """Drops values in training like any dropout, and on request at test as well.

    pix2pix has no noise vector: a generator learns to ignore one, so dropout at training *and* test
    is its noise. Here the test's draw is a fixed one, a function of the layer's name, the channel
    and the place. So a picture always gets the same translation, in whatever batch, tile or
    exported file.

    Args:
        rate: share of values that are dropped; the others are divided by 1 - rate.
        at_test: whether to drop at test.
        **kwargs: as in `keras.layers.Dropout`.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        The same shape, in the layer's compute dtype.

    Example:
        >>> import numpy as np
        >>> kept = np.array(NoiseDropout(0.5, at_test=True)(np.ones((1, 64, 64, 8))))
        >>> sorted(set(kept.ravel().tolist())), bool(abs(kept.mean() - 1) < 0.05)
        ([0.0, 2.0], True)

    Reference:
        Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", 2017,
        sections 3.1 and 3.3.
    """

    def __init__(self, rate=0.5, at_test=False, **kwargs):
        super().__init__(rate, **kwargs)
        self.at_test = at_test
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs, training=False):
        if training or not self.at_test:
            return super().call(inputs, training=training)
        rows, columns = (ops.arange(side) % PERIOD for side in ops.shape(inputs)[1:3])
        draw = ops.convert_to_tensor(self.draw(inputs.shape[-1]), inputs.dtype)
        return inputs * ops.take(ops.take(draw, rows, axis=0), columns, axis=1)

    def factors(self, rows, columns, channels):
        """Returns the factors of a region, float32 (rows, columns, channels).

        Args:
            rows: the region's (start, stop) within the map.
            columns: the same.
            channels: of the map.
        """
        positions = (np.arange(*span) % PERIOD for span in (rows, columns))
        return self.draw(channels)[np.ix_(*positions)]

    def draw(self, channels):
        """Returns the factors at test, 0 or 1 / (1 - rate): float32 (PERIOD, PERIOD, channels).

        The pixel in row i and column j of a map has those at (i % PERIOD, j % PERIOD).
        """
        random = np.random.default_rng(zlib.crc32(self.name.encode()))  # other layers, other draws
        kept = random.random((PERIOD, PERIOD, channels)) >= self.rate
        return (kept / (1 - self.rate)).astype("float32")

    def get_config(self):
        return {**super().get_config(), "at_test": self.at_test}
