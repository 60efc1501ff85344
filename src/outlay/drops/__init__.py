"""The side of an adaptor: rows become AnyCost drops, which Outlay or any other reader of AnyCost buckets takes.

`open_drops(location)` gives all that is done with the drops below a location; `outlay.publish` is its shortest way.
What is named here stays as it is; the modules below may change.
"""

from __future__ import annotations

from outlay.drops.carrying import DAY, DAY_AND_ITEM, HOUR
from outlay.drops.checking import Checked, Checker, Unknown
from outlay.drops.comparing import Difference
from outlay.drops.drops import Drops, Listed, Period, Reverted, open_drops
from outlay.drops.publishing import Mode, Publication, Published
from outlay.drops.reading import Contents
from outlay.drops.rows import Chunk, Sql, chunks
from outlay.drops.shelf import Drop, State
from outlay.drops.steps import STEPS, Observer, Quiet, Step

__all__ = [
    "DAY",
    "DAY_AND_ITEM",
    "HOUR",
    "STEPS",
    "Checked",
    "Checker",
    "Chunk",
    "Contents",
    "Difference",
    "Drop",
    "Drops",
    "Listed",
    "Mode",
    "Observer",
    "Period",
    "Publication",
    "Published",
    "Quiet",
    "Reverted",
    "Sql",
    "State",
    "Step",
    "Unknown",
    "chunks",
    "open_drops",
]
