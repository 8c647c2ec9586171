"""The directory of a training run: options, checkpoints, metrics, facts and generators."""
