"""Training methods: each holds its networks, its objective and its `train_step`."""
