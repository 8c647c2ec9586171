"""From a model and a picture, a folder or a video to its translation."""
