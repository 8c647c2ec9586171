"""Training steps and a training on a GPU without TensorFlow; gpu.sh starts it."""
