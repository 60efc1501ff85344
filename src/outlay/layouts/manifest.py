"""Reading a manifest: a small JSON object that says which files make up a delivery."""

from __future__ import annotations

import json
from typing import Any

from outlay.errors import DeliveryError
from outlay.findings import Finding, finding
from outlay.storage import Place, StoredFile

MIB = 1024 * 1024


def read_manifest(place: Place, file: StoredFile, *, limit: int) -> dict[str, Any]:
    """The JSON object in `file`, which must still be the version that was listed.

    Raises DeliveryError with its finding for more than `limit` bytes, for what is not UTF-8 (a byte order mark is
    taken) and for what is not a JSON object; Changed when the file changed since it was listed.
    """
    if file.size > limit:
        raise invalid(file, f"it has {file.size} bytes, {limit} are allowed")
    content = place.read(file.path, etag=file.etag)
    try:
        read = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise invalid(file, f"byte {error.start} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise invalid(file, f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise invalid(file, "it nests too deep or holds a number that is too long") from error
    if not isinstance(read, dict):
        raise invalid(file, f"it holds {_KINDS.get(type(read), 'a number')}")
    return read


_KINDS: dict[type, str] = {list: "an array", str: "a text", type(None): "null", bool: "a truth value"}


def invalid(file: StoredFile, reason: str) -> DeliveryError:
    return bad(finding("manifest-invalid", file=file.path, reason=reason))


def key_missing(file: StoredFile, key: str) -> DeliveryError:
    return bad(finding("manifest-key-missing", file=file.path, column=key))


def bad(*findings: Finding) -> DeliveryError:
    """The error that carries findings out of the reading of a delivery; it becomes a rejected delivery."""
    return DeliveryError(findings[0].message, next=findings[0].next, findings=findings)
