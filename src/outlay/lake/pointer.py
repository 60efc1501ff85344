"""Where the table's present metadata lies, asked for by itself where that is cheap: it changes with each commit."""

from __future__ import annotations

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.table import Table
from sqlalchemy import select


def pointer(catalog: Catalog, table: Table) -> str | None:
    """None where only the table itself can be asked for. A database's tells it by one row, ten times as fast."""
    if not isinstance(catalog, SqlCatalog):
        return None
    *namespace, name = table.name()
    asked = select(IcebergTables.metadata_location).where(
        IcebergTables.catalog_name == catalog.name,
        IcebergTables.table_namespace == ".".join(namespace),
        IcebergTables.table_name == name,
    )
    with catalog.engine.connect() as con:
        return con.execute(asked).scalar()
