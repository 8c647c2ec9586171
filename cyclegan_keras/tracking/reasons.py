"""Why a tracker refuses something, in words that anybody may read."""

import re

from cyclegan_keras.files.shield import first_line


def reason_of(error: BaseException) -> str:
    """Returns the beginning of an error's message, without passwords."""
    # Masked before it is cut, because half a password is masked no more.
    return first_line(RuntimeError(without_passwords(str(error)) or type(error).__name__))


def without_passwords(text: str) -> str:
    """Returns a text whose addresses name no users and no passwords.

    Example:
        >>> without_passwords("http://me:secret@host/mlflow does not answer")
        'http://host/mlflow does not answer'
    """
    return re.sub(r"://[^/@\s]*@", "://", text)
