"""One module a command: its story from flags to exit code, and the same as one Python call."""
