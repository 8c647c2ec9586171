"""From generators to files for servers, phones and other runtimes, each compared with Keras."""

from cyclegan_keras.export.errors import ExportError
from cyclegan_keras.export.exporters import write_onnx, write_saved_model, write_tflite
from cyclegan_keras.export.options import ExportOptions

# --format -> f(job), returns what it wrote
EXPORTERS = {"saved_model": write_saved_model, "tflite": write_tflite, "onnx": write_onnx}

__all__ = ["EXPORTERS", "ExportError", "ExportOptions"]
