"""The engine that the settings name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from outlay.engine.addresses import S3Access
from outlay.engine.base import Engine
from outlay.engine.duckdb import DuckDb
from outlay.errors import SetupError
from outlay.settings import Settings

# One thread reads about as fast as so many write.
_WRITINGS = 3


def open_engine(
    settings: Settings,
    *,
    credentials: Callable[[], Any] | None = None,
    reads_again: bool = False,
    writes: bool = True,
) -> Engine:
    """Open an engine; with `reads_again` one for questions, without `writes` one that only reads bills.

    Raises SetupError when Spark is not installed.
    """
    access = S3Access(credentials, settings.s3_endpoint, settings.s3_region)
    duckdb = DuckDb(
        memory_limit=settings.memory_limit,
        threads=settings.threads,
        spool=settings.spool,
        access=access,
        reads_again=reads_again,
        writings=1 if reads_again or not writes or settings.engine != "duckdb" else min(settings.threads, _WRITINGS),
    )
    if settings.engine == "duckdb":
        return duckdb
    try:
        from outlay.engine.spark import Spark
    except ImportError as error:
        duckdb.close()
        raise SetupError(
            "OUTLAY_ENGINE is spark, but Spark is not installed.", next="Install it with pip install 'outlay[spark]'."
        ) from error
    return Spark(duckdb, master=settings.spark_master)
