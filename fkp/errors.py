"""The errors that a user can do something about. Each message is one sentence: what is wrong, and where.

    FkpError
    ├── UsageError             an argument, an option or an environment variable that cannot be used
    ├── ImageError             a picture that cannot be read
    ├── VideoError             a video that cannot be read or written
    ├── ModelError             a model file that cannot be used
    │   └── SpecError          its description of itself is missing or cannot be used
    ├── DataError              something wrong in a data set
    ├── DownloadError          a data set that could not be downloaded
    ├── RunError               a training run that cannot be started, continued or exported
    ├── QuantizationError      a model that would lose too much accuracy in 8-bit integers
    ├── BaselineError          a baseline of the benchmark that does not run
    ├── AlignmentError         a face that cannot be aligned
    ├── SubmissionError        a file of predictions that cannot be scored
    ├── RequestError           a value that the demo's page does not send, or a file that is gone
    └── RefusedError           an HTTP request that the demo does not take

The command lines report these errors, and an `OSError` about a user's file, as "error: ..."; every other
exception is a bug.
"""

from __future__ import annotations

from pathlib import Path


class FkpError(Exception):
    """Base of all errors of this project."""


class UsageError(FkpError):
    """An argument, an option or an environment variable cannot be used."""


class ImageError(FkpError):
    """A picture cannot be read; the message names it."""


class VideoError(FkpError):
    """A video cannot be read or written; the message names it."""


class ModelError(FkpError):
    """A model file cannot be used; the message names it."""


class SpecError(ModelError):
    """A model file's description of itself is missing or cannot be used."""


class DataError(FkpError):
    """Something is wrong in a data set.

    Attributes:
        file: where it is.
        line: the line of that file, counted from 1; None where it concerns the whole file.
        problem: what is wrong, without the place.
    """

    def __init__(self, file: Path, line: int | None, problem: str) -> None:
        super().__init__(file, line, problem)
        self.file, self.line, self.problem = file, line, problem

    def __str__(self) -> str:
        return f"{self.file}{f':{self.line}' if self.line else ''}: {self.problem}"


class DownloadError(FkpError):
    """A data set could not be downloaded; the message says why and what to do."""


class RunError(FkpError):
    """A training run cannot be started, continued or exported."""


class QuantizationError(FkpError):
    """A model would lose too much accuracy in 8-bit integers."""


class BaselineError(FkpError):
    """A baseline of the benchmark does not run; the message says what to install."""


class AlignmentError(FkpError):
    """A face cannot be aligned; the message says why."""


class SubmissionError(FkpError):
    """A file of predictions cannot be scored; the message names the line."""


class RequestError(FkpError):
    """The demo's page does not send such a value, or the file that was sent is gone."""


class RefusedError(FkpError):
    """The demo does not take an HTTP request.

    Attributes:
        status: of the response.
        text: of the response.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status, self.text = status, text
