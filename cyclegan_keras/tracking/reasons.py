"""Why a tracker refuses something, in words that anybody may read."""

import re

from cyclegan_keras.files.shield import first_line


def reason_of(error: BaseException) -> str:
    """Returns why a tracker refuses, without passwords: the beginning of its error's message."""
    if _says_no_answer(error):
        return "it does not answer"
    # Masked before it is cut, because half a password is masked no more.
    return first_line(RuntimeError(without_passwords(str(error)) or type(error).__name__))


def _says_no_answer(error: BaseException) -> bool:
    """Whether a server was not reached, of an error that another one may have caused."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionError | TimeoutError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def without_passwords(text: str) -> str:
    """Returns a text whose addresses name no users and no passwords.

    Example:
        >>> without_passwords("http://me:secret@host/mlflow does not answer")
        'http://host/mlflow does not answer'
    """
    return re.sub(r"://[^/@\s]*@", "://", text)
