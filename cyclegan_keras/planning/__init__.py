"""Time and memory of a training, measured before it begins."""
