"""Where bills lie: `s3://bucket/path`, `file:///path`, `az://container/path`, `gs://bucket/path`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from outlay.errors import UsageError

SCHEMES = ("file", "s3", "az", "gs")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
_EXAMPLE = "Write s3://bucket/path, file:///path, az://container/path or gs://bucket/path."


@dataclass(frozen=True)
class Location:
    """A bucket (empty for folders) and a path without slashes at its ends (absolute for folders)."""

    scheme: str
    bucket: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Location:
        """Raises UsageError that names the mistake: unknown scheme, bad bucket name, slashes or `..` in the path."""
        if "://" not in text:
            return cls("file", "", _folder(text))
        parts = urlsplit(text, allow_fragments=False)
        if parts.scheme not in SCHEMES:
            raise UsageError(f"{text!r} begins with {parts.scheme}://, which Outlay cannot read.", next=_EXAMPLE)
        if parts.scheme == "file":
            if parts.netloc:
                raise UsageError(f"{text!r} names a host.", next="Write file:/// with three slashes, then the path.")
            return cls("file", "", _folder(unquote(parts.path)))
        path = text.split("://", 1)[1].partition("/")[2]
        return cls(parts.scheme, _bucket(parts.scheme, parts.netloc, text), _key(path, text))

    @property
    def is_root(self) -> bool:
        return self.path in ("", "/")

    @property
    def is_folder(self) -> bool:
        return self.scheme == "file"

    def join(self, *names: str) -> Location:
        return Location(self.scheme, self.bucket, "/".join([part for part in (self.path, *names) if part]))

    def __str__(self) -> str:
        return f"file://{self.path}" if self.is_folder else f"{self.scheme}://{self.bucket}/{self.path}".rstrip("/")


def _folder(path: str) -> str:
    if not path:
        raise UsageError("The folder has no path.", next=_EXAMPLE)
    if "\0" in path:
        raise UsageError("The path holds a NUL character.", next=_EXAMPLE)
    return str(Path(path).expanduser().absolute())


def _bucket(scheme: str, bucket: str, text: str) -> str:
    if not _BUCKET.fullmatch(bucket) and scheme == "s3":
        raise UsageError(
            f"{bucket!r} in {text!r} is not a bucket name.",
            next="A bucket name has 3 to 63 lower-case letters, digits, dots and hyphens.",
        )
    if not bucket:
        raise UsageError(f"{text!r} names no bucket.", next=_EXAMPLE)
    return bucket


def _key(path: str, text: str) -> str:
    if path.startswith("/") or path.endswith("/"):
        raise UsageError(
            f"The path in {text!r} begins or ends with a slash.", next="Write it as in s3://bucket/my/file/path."
        )
    if any(part in ("", ".", "..") for part in path.split("/")) and path:
        raise UsageError(f"The path in {text!r} has an empty part, '.' or '..'.", next="Write the plain path.")
    if any(ord(character) < 32 for character in path):
        raise UsageError(f"The path in {text!r} holds control characters.", next="Write the plain path.")
    return path
