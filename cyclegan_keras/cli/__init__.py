"""What all commands share: flags, the console, presets and the choice of a backend."""
