"""Every error that seviz raises on purpose.

    SevizError                one sentence that names the cause and the cure
    ├── PictureError          these bytes are not a picture that can be shown right
    ├── CheckpointError       a checkpoint is missing, truncated, altered or of another network
    ├── DataError             a data set is missing, empty or does not fit the network
    ├── RequestError          a request names a layer, class or option that the network does not have
    ├── TrainingError         a training cannot start, continue or be resumed
    │   └── DivergedError     its loss is no number any more
    ├── NetworkError          a file cannot be had from the internet
    ├── JobError              a long job cannot start, continue or be found again
    └── BusyError             the backend's queue is full; ask again in a moment

The command line prints the sentence and exits with status 2; a page shows it in place of the result.
Anything else that is raised is a fault of seviz.
"""

from __future__ import annotations


class SevizError(Exception):
    """The cause and the cure, in one sentence for the person who asked; what it quotes is made printable."""

    def __init__(self, sentence: str = "") -> None:
        super().__init__(printable(str(sentence)))


def printable(text: str) -> str:
    r"""The text on one line that every terminal and page can show: what cannot be printed becomes `\n`, `\udcff`, ...

    A file's name may hold line breaks, and bytes that are no UTF-8, which Python reads as lone surrogates.
    """
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


class PictureError(SevizError):
    """Bytes that cannot be shown as the picture they claim to be."""


class CheckpointError(SevizError):
    """A checkpoint folder that is missing, truncated, altered or of another network."""


class DataError(SevizError):
    """A data set that is missing, empty or does not fit the network."""


class RequestError(SevizError):
    """A request that names a layer, class or option the network does not have."""


class TrainingError(SevizError):
    """A training that cannot start, continue or be resumed."""


class DivergedError(TrainingError):
    """A training whose loss is no number any more: with the same settings it will be so again."""


class NetworkError(SevizError):
    """A file that cannot be had from the internet, or only in part."""


class JobError(SevizError):
    """A long job that cannot start, continue or be found again."""


class BusyError(SevizError):
    """The backend's queue is full."""
