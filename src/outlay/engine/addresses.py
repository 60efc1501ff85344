"""How DuckDB reaches the lake's files: paths as they are; S3 by the packaged httpfs extension and a secret.

DuckDB shows a secret to no query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb

from outlay.errors import Bug, SetupError

# The extension takes these from the environment when it is loaded, and shows them to every query.
_FROM_ENVIRONMENT = ("s3_access_key_id", "s3_secret_access_key", "s3_session_token")
_PACKAGE = "duckdb_extension_httpfs"


@dataclass(frozen=True)
class S3Access:
    """`credentials` gives access_key_id, secret_access_key and token, and is called before each query."""

    credentials: Callable[[], Any] | None = None
    endpoint: str | None = None
    region: str | None = None


def local(address: str) -> str:
    """A path for a file:// address; other addresses as they are."""
    return unquote(address.removeprefix("file://")) if address.startswith("file://") else address


def listed(addresses: Sequence[str]) -> str:
    """The addresses as a list in SQL."""
    return "[" + ", ".join(f"'{_escaped(local(address))}'" for address in addresses) + "]"


def is_remote(addresses: Iterable[str]) -> bool:
    return any(address.startswith("s3://") for address in addresses)


def extension() -> Path:
    """The packaged extension for the running DuckDB. Raises SetupError when it is of another version or not there."""
    found = find_spec(_PACKAGE)
    folder = Path(found.origin).parent if found and found.origin else Path()
    path = folder / "extensions" / f"v{duckdb.__version__}" / "httpfs.duckdb_extension"
    if not path.is_file():
        raise SetupError(
            f"DuckDB {duckdb.__version__} has no httpfs extension of its version, which a lake on S3 needs.",
            next=f"Install it with pip install duckdb-extension-httpfs=={duckdb.__version__}.",
        )
    return path


def reach(con: duckdb.DuckDBPyConnection, access: S3Access) -> None:
    """Let `con` read s3:// addresses; called again, it renews the credentials. Raises SetupError and theirs: Denied."""
    given = dict(access.credentials()) if access.credentials else {}
    endpoint = access.endpoint or ""
    options = {
        "KEY_ID": given.get("access_key_id"),
        "SECRET": given.get("secret_access_key"),
        "SESSION_TOKEN": given.get("token"),
        "REGION": access.region or "us-east-1",
        "ENDPOINT": endpoint.partition("://")[2].rstrip("/") or None,
        # A service other than AWS's seldom has a host name for each bucket.
        "URL_STYLE": "path" if endpoint else None,
    }
    said = [f"{name} '{_escaped(value)}'" for name, value in options.items() if value]
    said += ["USE_SSL false"] if endpoint.startswith("http://") else []
    try:
        con.execute(f"LOAD '{_escaped(str(extension()))}'")
        for name in _FROM_ENVIRONMENT:
            con.execute(f"SET {name} = ''")
        con.execute(f"CREATE OR REPLACE TEMPORARY SECRET outlay (TYPE s3, {', '.join(said)})")
    except duckdb.Error:
        # DuckDB's words may hold the statement, and with it the secret.
        raise Bug("The engine did not take the credentials of the lake.", next="Please report this.") from None


def _escaped(text: str) -> str:
    return text.replace("'", "''")
