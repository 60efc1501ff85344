"""What Spark raises, translated once, at the edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark.errors import (
    AnalysisException,
    ArithmeticException,
    ArrayIndexOutOfBoundsException,
    DateTimeException,
    NumberFormatException,
    PySparkException,
    PySparkTypeError,
    PySparkValueError,
    SparkRuntimeException,
    UnsupportedOperationException,
)

from outlay.errors import Bug, DiskFull, OutlayError, SetupError

# What these say is about a query, and queries are Outlay's own.
_OF_QUERIES = (
    AnalysisException,
    ArithmeticException,
    ArrayIndexOutOfBoundsException,
    DateTimeException,
    NumberFormatException,
    PySparkTypeError,
    PySparkValueError,
    SparkRuntimeException,
    UnsupportedOperationException,
)
# What Spark, its bridge and the line to it raise, whatever the reason.
ANY = (PySparkException, Py4JError, ConnectionError)
_FULL = ("No space left on device", "Disk quota exceeded")
# What stands in the words of Java → what to do; the first that does. Java's causes reach Python as this text alone.
_NEXT: dict[str, str] = {
    "OutOfMemoryError": "Give Spark's driver and executors more memory.",
    "GC overhead limit": "Give Spark's driver and executors more memory.",
    "ExecutorLostFailure": "See in Spark's log why executors end; most often they need more memory.",
    "Permission denied": "Let the user who runs Spark write to OUTLAY_SPOOL and to SPARK_LOCAL_DIRS.",
    "Read-only file system": "Let the user who runs Spark write to OUTLAY_SPOOL and to SPARK_LOCAL_DIRS.",
    "FileNotFoundException": "Let OUTLAY_SPOOL be a folder that Spark's driver and executors share.",
    "[PATH_NOT_FOUND]": "Let OUTLAY_SPOOL be a folder that Spark's driver and executors share.",
}
_GONE = "does not exist in the JVM"
_ELSE = "See that Spark runs and what its log says, then do it again: nothing was half done."


@contextmanager
def translated(place: object) -> Iterator[None]:
    """Raise Outlay's errors in place of Spark's; `place` is where files go meanwhile.

    A full disk is DiskFull, a query that Spark refuses a Bug, and all else is for the cluster's keeper: SetupError.
    """
    try:
        yield
    except ANY as error:
        raise _fault(error, place) from error


def _fault(error: Exception, place: object) -> OutlayError:
    text = str(error)
    if any(sign in text for sign in _FULL):
        return DiskFull(
            f"No space is left where Spark writes: {place}, or its local folder.",
            next="Free some space there, or let OUTLAY_SPOOL and SPARK_LOCAL_DIRS name larger disks.",
        )
    if isinstance(error, _OF_QUERIES):
        return Bug(f"The engine refused a query of Outlay's own: {first_line(error)}.", next="Please report this.")
    if isinstance(error, ConnectionError) or _GONE in text:
        return SetupError("Spark's driver has ended.", next=_ELSE)
    return SetupError(
        f"Spark failed: {first_line(error)}.",
        next=next((action for sign, action in _NEXT.items() if sign in text), _ELSE),
    )


def first_line(error: Exception) -> str:
    """The line that says what happened: py4j puts one of its own before Java's."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    said = next((line for line in lines if line.startswith(": ")), lines[0])
    return said.removeprefix(": ").rstrip(".")[:300]
