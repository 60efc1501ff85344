"""What the catalog's database raises, translated once, at the edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError

from outlay.databases import fault
from outlay.errors import CatalogError


@contextmanager
def catalog_faults(catalog: str) -> Iterator[None]:
    """Raise Outlay's errors in place of SQLAlchemy's: DiskFull or SetupError. `catalog` is the address as shown."""
    try:
        yield
    except DBAPIError as error:
        known = fault(error.orig, f"The lake's catalog {catalog}")
        if known is None and isinstance(error, OperationalError):
            known = CatalogError(
                f"The lake's catalog {catalog} failed: {_first_line(error.orig)}.",
                next="Check that it runs, run outlay doctor, then do it again: nothing was half done.",
            )
        if known is None:
            raise
        raise known from error


def _first_line(error: BaseException | None) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
