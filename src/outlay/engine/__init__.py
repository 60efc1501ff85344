"""Where expressions run. `duckdb` by default, `spark` past one machine. The only home of duckdb and pyspark."""

from outlay.engine.base import Engine, Input, Limits, Query, Session, Shape, Told
from outlay.engine.opening import open_engine

__all__ = ["Engine", "Input", "Limits", "Query", "Session", "Shape", "Told", "open_engine"]
