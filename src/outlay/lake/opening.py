"""Opening the lake: its place, its catalog, its table; each is made when it is not there."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.table import Table
from sqlalchemy.exc import DatabaseError

from outlay.databases import fault
from outlay.errors import CatalogError
from outlay.lake.lake import Lake
from outlay.lake.schema import PROPERTIES, iceberg_schema, partition_spec
from outlay.settings import without_password
from outlay.storage import Location, open_place

if TYPE_CHECKING:
    from outlay.settings import Settings
    from outlay.storage.place import CredentialProvider

_PATIENT = "?timeout=60"
_TRIES = 5
# How long before they end keys are given anew.
_BEFORE = timedelta(minutes=2)
NAMESPACE, TABLE = "outlay", "charges"


def open_lake(settings: Settings, *, credentials: CredentialProvider | None = None) -> Lake:
    """Open the lake that the settings name.

    Raises CatalogError or another SetupError when its catalog cannot be reached or written to, DiskFull without room.
    """
    location = Location.parse(settings.lake)
    place = open_place(
        location, credentials=credentials, endpoint=settings.s3_endpoint, region=settings.s3_region, create=True
    )
    keys = _Keys(credentials if location.scheme == "s3" else None)
    properties = {**_catalog(settings, location), **_files(settings, location), **keys.properties()}
    shown = without_password(properties.get("uri", properties["type"])).removesuffix(_PATIENT)
    try:
        catalog, table = _opened(properties, location)
    except Exception as error:
        known = fault(getattr(error, "orig", None), f"The lake's catalog {shown}")
        raise known or CatalogError(
            f"The lake's catalog {shown} cannot be opened: {type(error).__name__}: {str(error).splitlines()[0]}.",
            next="Check OUTLAY_CATALOG and OUTLAY_LAKE, and run outlay doctor.",
        ) from error
    return Lake(catalog, table, place, address=shown, renew=keys.renew)


def _opened(properties: dict[str, str], location: Location) -> tuple[Catalog, Table]:
    """Several processes may meet at a new catalog: one whose tables another has just made looks again."""
    for _ in range(_TRIES - 1):
        with suppress(DatabaseError):
            return _open(properties, location)
        time.sleep(random.uniform(0.05, 0.3))  # noqa: S311 - jitter, not a secret
    return _open(properties, location)


def _open(properties: dict[str, str], location: Location) -> tuple[Catalog, Table]:
    catalog = load_catalog("outlay", **properties)
    return catalog, _table(catalog, location)


def described(settings: Settings) -> dict[str, str]:
    """What another engine needs to find the table: the catalog's type, address and warehouse, without a password."""
    properties = _catalog(settings, Location.parse(settings.lake))
    return {name: without_password(value).removesuffix(_PATIENT) for name, value in properties.items()}


def _table(catalog: Catalog, location: Location) -> Table:
    name = (NAMESPACE, TABLE)
    try:
        return catalog.load_table(name)
    except NoSuchTableError:
        pass
    with suppress(NamespaceAlreadyExistsError):
        catalog.create_namespace(NAMESPACE)
    schema = iceberg_schema()
    try:
        return catalog.create_table(
            name, schema, location=str(location), partition_spec=partition_spec(schema), properties=PROPERTIES
        )
    except TableAlreadyExistsError:
        return catalog.load_table(name)


def _catalog(settings: Settings, location: Location) -> dict[str, str]:
    address = settings.catalog
    if address is None:
        if not location.is_folder:
            raise CatalogError(
                f"A lake at {location} needs a catalog that its readers share.",
                next="Set OUTLAY_CATALOG to postgresql://…, to the address of a REST catalog, or to glue.",
            )
        address = f"sqlite:///{location.path}/catalog.db"
    if address == "glue":
        return {"type": "glue"}
    if address.startswith(("http://", "https://")):
        return {"type": "rest", "uri": address, "warehouse": str(location)}
    if address.startswith("sqlite:"):
        # Other processes commit too: wait for them instead of failing at once.
        address += _PATIENT.replace("?", "&") if "?" in address else _PATIENT
    if address.startswith(("postgres://", "postgresql://")):
        address = "postgresql+psycopg://" + address.split("://", 1)[1]
    return {"type": "sql", "uri": address, "warehouse": str(location)}


def _files(settings: Settings, location: Location) -> dict[str, str]:
    """Where pyiceberg itself finds the lake's files; nothing for a folder."""
    if location.scheme != "s3":
        return {}
    properties = {"s3.endpoint": settings.s3_endpoint, "s3.region": settings.s3_region or "us-east-1"}
    return {name: value for name, value in properties.items() if value}


class _Keys:
    """The keys by which pyiceberg reaches files: it takes them as they are and renews none, so they are given anew.

    A catalog makes the reader of files anew from its properties each time that it loads a table.
    """

    _NAMES = (
        ("s3.access-key-id", "access_key_id"),
        ("s3.secret-access-key", "secret_access_key"),
        ("s3.session-token", "token"),
    )

    def __init__(self, credentials: CredentialProvider | None) -> None:
        self._credentials = credentials
        self._until: datetime | None = None

    def properties(self) -> dict[str, str]:
        given: dict[str, Any] = dict(self._credentials()) if self._credentials else {}
        self._until = given.get("expires_at")
        return {name: given[key] for name, key in self._NAMES if given.get(key)}

    def renew(self, catalog: Catalog) -> None:
        """Before they end. In one step: another thread may be reading them."""
        if self._until is not None and datetime.now(UTC) > self._until - _BEFORE:
            names = {name for name, _ in self._NAMES}
            others = {name: value for name, value in catalog.properties.items() if name not in names}
            catalog.properties = {**others, **self.properties()}
