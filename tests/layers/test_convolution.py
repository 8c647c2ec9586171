"""Convolutions add their bias as Keras does, bit by bit, in fewer operations."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.layers.convolution import Conv2D, Conv2DTranspose


def weighted(layer):
    """Returns the layer with weights, the bias among them, that are not zero."""
    layer.build((None, 9, 8, 4))
    random = np.random.default_rng(0)
    layer.set_weights([random.normal(size=weight.shape) for weight in layer.weights])
    return layer


def graph_of(layer):
    """Returns pictures -> what the layer makes of them and the gradients by its weights."""

    @tf.function(input_signature=[tf.TensorSpec((2, 9, 8, 4))])
    def forward_and_back(pictures):
        with tf.GradientTape() as tape:
            outputs = layer(pictures)
            loss = tf.reduce_sum(outputs**2)
        return outputs, *tape.gradient(loss, layer.trainable_variables)

    return forward_and_back


@pytest.mark.parametrize("filters", [1, 3])
@pytest.mark.parametrize(
    ("ours", "of_keras"),
    [(Conv2D, keras.layers.Conv2D), (Conv2DTranspose, keras.layers.Conv2DTranspose)],
)
def test_a_convolution_is_that_of_keras_in_fewer_operations(ours, of_keras, filters):
    graphs = [graph_of(weighted(made(filters, 3, 2))) for made in (ours, of_keras)]
    pictures = tf.constant(np.random.default_rng(1).normal(size=(2, 9, 8, 4)), "float32")
    for found, expected in zip(*(graph(pictures) for graph in graphs), strict=True):
        np.testing.assert_array_equal(found, expected)
    few, many = (len(graph.get_concrete_function().graph.get_operations()) for graph in graphs)
    assert few < many


@pytest.mark.parametrize("made", [Conv2D, Conv2DTranspose])
def test_a_convolution_without_bias_and_with_an_activation(made):
    layer = weighted(made(3, 3, use_bias=False, activation="relu"))
    linear = made(3, 3, use_bias=False)
    linear.build((None, 9, 8, 4))
    linear.set_weights(layer.get_weights())
    pictures = np.random.default_rng(1).normal(size=(1, 9, 8, 4)).astype("float32")
    np.testing.assert_array_equal(layer(pictures), np.maximum(linear(pictures), 0))
