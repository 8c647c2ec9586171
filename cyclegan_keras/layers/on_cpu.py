"""Whether a layer computes on CPUs by TensorFlow, whose kernels for them differ much in speed."""

import keras


def operations():
    """Returns `tensorflow_cpu` where TensorFlow computes on CPUs, and None elsewhere.

    JAX compiles whole networks, and accelerators have fast kernels for all that layers do.
    """
    if keras.config.backend() != "tensorflow":
        return None
    from cyclegan_keras.layers import tensorflow_cpu

    return None if tensorflow_cpu.has_accelerator() else tensorflow_cpu
