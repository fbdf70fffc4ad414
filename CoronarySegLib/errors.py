"""The errors this library raises on purpose.

Every message is one readable sentence about what is wrong followed by what to do next.
The command line prints it as it is and ends with ``exit_code``; the Slicer module shows it as it is.
Anything else that escapes the library is a defect of ours.
"""


class CoronarySegError(Exception):
    """Base of all errors meant for the user."""

    exit_code = 1


class InputError(CoronarySegError):
    """The file or folder cannot be read as one volume (missing, truncated, 2D, 4D, unknown format)."""

    exit_code = 3


class NotACoronaryCTError(CoronarySegError):
    """The volume was read but is no contrast CT of the heart (not a CT, no heart, no contrast, HU off, too coarse)."""

    exit_code = 4


class NotAnAngiogramError(InputError):
    """The file was read but is no X-ray angiogram (colour, another modality, a CT slice, an empty frame)."""

    exit_code = 4


class ModelError(CoronarySegError):
    """A model folder is missing, incomplete, damaged (checksum) or does not fit the task."""

    exit_code = 5


class EmptyResultError(CoronarySegError):
    """The pipeline ran but found no coronary artery. Raised instead of returning an empty mask."""

    exit_code = 6


class OutputError(CoronarySegError):
    """A result could not be written (no permission, disk full, existing file kept)."""

    exit_code = 7


class TrainingError(CoronarySegError):
    """Training data or a checkpoint cannot be used as asked."""

    exit_code = 8


class MissingPackageError(CoronarySegError):
    """A needed optional package or device is not there."""

    exit_code = 9


class SurfaceError(CoronarySegError):
    """A surface is not fit for a flow solver (open, non-manifold, self-intersecting) and could not be mended.

    The text names the place in LPS mm. Nothing is written.
    """

    exit_code = 10


class WorkerError(CoronarySegError):
    """A worker process ended without a result (killed, out of memory, a defect). The text has its last words."""

    exit_code = 11


class Cancelled(CoronarySegError):
    """The progress callback asked to stop."""

    exit_code = 130
