"""Errors that a user can put right: what was given, what was expected, what to do."""

import errno
from collections.abc import Sequence

# What an operating system answers where a file holds a number that leads nowhere.
_OF_CONTENT = (errno.EINVAL, errno.EISDIR, errno.EFBIG, errno.EOVERFLOW)

NAMED = 5  # offenders in one message


class UserError(Exception):
    """An expected error: a command prints its message as one line and exits with `exit_code`.

    Attributes:
        exit_code: 2 where the command was given something it cannot use, 1 where something failed
            underway, such as a full disk.
    """

    exit_code = 2


class WriteError(UserError):
    """Nothing can be written any more, on a full disk for example.

    Args:
        message: names what could not be written.
        errno: the system's number of the reason, None where it is not known.
        advice: a sentence that says what to do; it follows the message.
    """

    exit_code = 1

    def __init__(self, message: str, errno: int | None = None, advice: str = ""):
        super().__init__(f"{message} {advice}".rstrip())
        self.errno = errno
        self.without_advice = message


class MemoryTooSmallError(UserError):
    """The memory of a GPU or of the machine does not suffice."""

    exit_code = 1


class OptionError(UserError):
    """A flag, or a combination of flags, that cannot be used."""


class DataError(UserError):
    """Data, or data options, that cannot be used."""


class PictureError(UserError):
    """One picture that cannot be read, translated or written; others still can."""


class OutageError(PictureError):
    """A picture file that cannot be opened or read now, whatever it holds; later it may.

    Attributes:
        filename: the path of the file, "" where it is not known.
    """

    def __init__(self, reason: str, filename: str = ""):
        super().__init__(reason)
        self.filename = filename


class LostPicturesError(DataError):
    """Pictures that could be used when a training began, and no longer can be."""

    exit_code = 1


class WeightsError(UserError):
    """A file that cannot be read as the weights of a network."""


class HubError(UserError):
    """A model on the Hub that does not exist, may not be used, or cannot be read safely."""


class HubConnectionError(HubError):
    """The Hub that could not be reached, or an exchange with it that broke off."""

    exit_code = 1


class RunError(UserError):
    """A run that cannot be started, resumed or saved."""


class SaveError(RunError):
    """A checkpoint that could not be written, on a full disk for example."""

    exit_code = 1


class TrainingError(UserError):
    """Options that do not fit the networks."""


class NonFiniteLossError(RunError):
    """A loss or a weight became NaN or infinite."""

    exit_code = 1


class DoctorError(RunError):
    """The training doctor found something, and the user asked to stop then."""

    exit_code = 1


class DistributionError(RunError):
    """Devices or workers that cannot train together."""


class LostWorkerError(DistributionError):
    """A worker that ended, or can no longer be reached, while others trained with it."""

    exit_code = 1


class PlanError(UserError):
    """No step could be measured."""

    exit_code = 1


class TranslationError(UserError):
    """A model, or pictures, that cannot be used for translating."""


class PipelineError(TranslationError):
    """A Beam pipeline that failed."""

    exit_code = 1


class MetricError(UserError):
    """A measure that cannot be taken here."""


class EvaluationError(UserError):
    """Pictures or measures that cannot be evaluated."""


class ExportError(UserError):
    """An export that cannot be made as asked."""


class CompressionError(UserError):
    """A smaller generator that cannot be made as asked."""


def package_of(error: BaseException) -> str:
    """Returns the name of the package that an error is of, such as "tensorflow".

    Its class need not be at hand: only what is loaded can raise errors.
    """
    return type(error).__module__.partition(".")[0]


def reason_of_outage(error: BaseException) -> str:
    """Returns why a file could not be opened or read, where that lies outside of it; "" otherwise.

    Decoders raise OSErrors without a number for what a damaged file holds.

    Example:
        >>> reason_of_outage(PermissionError(errno.EACCES, "Permission denied"))
        'cannot be read: Permission denied'
        >>> reason_of_outage(OSError("image file is truncated"))
        ''
    """
    if not isinstance(error, OSError) or not error.errno or error.errno in _OF_CONTENT:
        return ""
    if error.errno == errno.ENOENT:
        return "does not exist"
    return f"cannot be read: {error.strerror}"


def first_few(offenders: Sequence[str]) -> str:
    """Names the first offenders of many.

    Example:
        >>> first_few(["a.png", "b.png"])
        'a.png, b.png'
        >>> first_few("abcdefg")
        'a, b, c, d, e and 2 more'
    """
    more = f" and {len(offenders) - NAMED} more" if len(offenders) > NAMED else ""
    return ", ".join(offenders[:NAMED]) + more
