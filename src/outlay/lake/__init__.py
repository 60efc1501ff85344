"""The lake: one Iceberg table of charges, replaced a billing period at a time. The only home of pyiceberg."""

from outlay.lake.lake import Lake, Live, Partition, Seen
from outlay.lake.opening import described, open_lake
from outlay.lake.upkeep import Tidied, tidy

__all__ = ["Lake", "Live", "Partition", "Seen", "Tidied", "described", "open_lake", "tidy"]
