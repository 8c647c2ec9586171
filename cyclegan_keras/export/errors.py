"""The one error of this room."""


class ExportError(RuntimeError):
    """An export that cannot be made as asked; the message says what to do."""
