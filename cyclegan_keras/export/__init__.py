"""Generators as SavedModel, TFLite and ONNX files, with a receipt that compares each with Keras."""
