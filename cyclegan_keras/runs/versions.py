"""Versions of all that a result may depend on."""

import importlib.metadata
import platform

PACKAGES = (
    "cyclegan-keras",
    "keras",
    "tensorflow",
    "numpy",
    "pillow",
    "ai-edge-litert",
    "ai-edge-quantizer",
    "tensorflow-serving-api",
    "tf2onnx",
    "onnxruntime",
)


def versions() -> dict[str, str]:
    """Returns the version of Python and of every package of `PACKAGES` that is installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
