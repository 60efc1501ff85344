"""The Iceberg table, made from the one table of columns."""

from __future__ import annotations

from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DecimalType, IcebergType, LongType, MapType, NestedField, StringType, TimestamptzType

from outlay.focus import columns as focus

PARTITION_COLUMNS = ("x_Connection", "x_BillingPeriod")

# Planning prunes by partition and by time; bounds of other columns would only swell the manifests.
_PLANNED_BY = (*PARTITION_COLUMNS, "ChargePeriodStart", "ChargePeriodEnd")

# Of so many manifests one is made: planning reads each that may matter.
MANIFESTS = 20

PROPERTIES = {
    "format-version": "2",
    "write.parquet.compression-codec": "zstd",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": str(MANIFESTS),
    # A lost race is retried by Lake.replace, which first looks whether the partition itself has changed.
    "commit.retry.num-retries": "0",
    "write.metadata.metrics.default": "none",
    **{f"write.metadata.metrics.column.{name}": "full" for name in _PLANNED_BY},
}


def iceberg_schema() -> Schema:
    """Every field is optional: Parquet files carry no promise, and `formats` has checked what may not be null."""
    ids = iter(range(1, 10_000))
    fields = [NestedField(next(ids), column.name, _type(column.type, ids), required=False) for column in focus.COLUMNS]
    return Schema(*fields)


def _type(name: str, ids: object) -> IcebergType:
    if name == focus.MAP:
        return MapType(next(ids), StringType(), next(ids), StringType(), value_required=False)  # type: ignore[call-overload]
    return {
        focus.TEXT: StringType(),
        focus.DECIMAL: DecimalType(38, 18),
        focus.TIME: TimestamptzType(),
        focus.INTEGER: LongType(),
    }[name]


def partition_spec(schema: Schema) -> PartitionSpec:
    return PartitionSpec(
        *(
            PartitionField(schema.find_field(name).field_id, 1000 + number, IdentityTransform(), name)
            for number, name in enumerate(PARTITION_COLUMNS)
        )
    )
