"""The side of an adaptor: rows become AnyCost drops, which Outlay or any other reader of AnyCost buckets takes."""

from __future__ import annotations

from outlay.drops.publishing import Publication, Published
from outlay.drops.rows import Sql
from outlay.drops.steps import STEPS, Observer, Quiet

__all__ = ["STEPS", "Observer", "Publication", "Published", "Quiet", "Sql"]
