"""The former name of `cyclegan_keras.translation`."""
