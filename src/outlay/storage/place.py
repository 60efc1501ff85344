"""A place that can be listed, read and copied from; and, for the lake, written to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import obstore
from obstore.exceptions import AlreadyExistsError, NotFoundError, PreconditionError
from obstore.store import AzureStore, GCSStore, LocalStore, S3Store

from outlay.errors import Changed, Denied, OutlayError, Unavailable
from outlay.storage import folders
from outlay.storage.faults import translated
from outlay.storage.url import Location

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

# What storage needs of AWS credentials: called again when `expires_at` comes near.
CredentialProvider = Callable[[], Any]

_CHUNK = 8 * 1024 * 1024
_RETRY: RetryConfig = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}


@dataclass(frozen=True)
class StoredFile:
    """A file of a place. `path` is relative to the place; `size` in bytes; `modified` in UTC."""

    path: str
    size: int
    etag: str
    modified: datetime

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Version:
    """Of the content of a file: what a conditional write is about. `number` is what some services count by."""

    etag: str
    number: str | None = None

    def mode(self) -> dict[str, str]:
        """As obstore wants it: what is not there may not be named."""
        return {"e_tag": self.etag, **({} if self.number is None else {"version": self.number})}


class Store(Protocol):
    """What the four stores of obstore have in common, as far as Outlay uses it."""


class _Asked:
    """Credentials that remember why they were refused: obstore tells no more than that they were."""

    def __init__(self, credentials: CredentialProvider) -> None:
        self._credentials = credentials
        self._refused: OutlayError | None = None

    def __call__(self) -> Any:
        self._refused = None
        try:
            return self._credentials()
        except OutlayError as error:
            self._refused = error
            raise

    def refusal(self) -> OutlayError | None:
        return self._refused


@dataclass(frozen=True)
class Place:
    """Files below one location. Every error is an AccessError, Changed, DiskFull or, where it cannot be
    written to, SetupError of `outlay.errors`.
    """

    location: Location
    _store: Any
    # Folders of this server that no link may lead out of; none: links may lead anywhere.
    within: tuple[Path, ...] = ()
    _asked: _Asked | None = None

    def _translated(
        self, place: object, *, writing: object | None = None, listed: bool = False
    ) -> AbstractContextManager[None]:
        return translated(place, writing=writing, listed=listed, refusal=self._asked and self._asked.refusal)

    def list(self, below: str = "") -> list[StoredFile]:
        """Every file below the folder `below`, all pages, in order of path. A missing folder has no files.

        On S3 the marker object `folder/` of an empty folder is listed as the empty file `folder`; the place's own
        marker is left out.
        """
        with self._translated(self.location.join(below)):
            if self.location.is_folder and not Path(self.location.path).is_dir():
                raise FileNotFoundError(self.location.path)
            metas = [meta for page in self._store.list(prefix=below or None) for meta in page]
            self._check_links(meta["path"] for meta in metas)
        return sorted((_stored(meta) for meta in metas if meta["path"]), key=lambda file: file.path)

    def _check_links(self, paths: Iterable[str]) -> None:
        """Raises Denied: a file that lies elsewhere would be read by its link, and shown in findings."""
        roots = [root.resolve() for root in self.within]
        for path in paths if roots else ():
            real = Path(os.path.realpath(os.path.join(self.location.path, path)))
            if not any(real.is_relative_to(root) for root in roots):
                raise Denied(
                    f"{self.location.join(path)} is a link that leads out of the folders that may be read.",
                    next="Take it away, or put the file itself there.",
                )

    def has_folder(self, path: str, files: Iterable[StoredFile]) -> bool:
        """Is there a folder `path`, be it empty? `files` is the listing of this place: it is not listed again."""
        if any(file.path.startswith(f"{path}/") or (file.path == path and file.size == 0) for file in files):
            return True
        return self.location.is_folder and os.path.isdir(os.path.join(self.location.path, path))

    def read(self, path: str, *, etag: str | None = None) -> bytes:
        """The content of a small file such as a manifest. Raises Changed when it is gone or no longer has `etag`."""
        with self._translated(self.location.join(path), listed=etag is not None):
            return bytes(self._store.get(path, options=_options(etag)).bytes())

    def versioned(self, path: str) -> tuple[bytes, Version] | None:
        """The content of a small file and which version it is, for `swap`; None where there is no such file."""
        with self._translated(self.location.join(path)):
            try:
                if self.location.is_folder:
                    content, version = folders.read(self._local(path))
                    return content, Version(version)
                got = self._store.get(path)
                return bytes(got.bytes()), Version(got.meta["e_tag"] or "", got.meta["version"])
            except (FileNotFoundError, NotFoundError):
                return None

    def beginning(self, path: str, length: int) -> bytes:
        """The first bytes of a file, which has as many."""
        with self._translated(self.location.join(path)):
            return bytes(self._store.get_range(path, start=0, length=length))

    def create(self, path: str, content: bytes) -> bool:
        """Write a file that is not there yet; False, and nothing written, when it is. Durable once it returns."""
        with self._translated(self.location.join(path), writing=self.location):
            if self.location.is_folder:
                return folders.create(self._local(path), content)
            try:
                # In one piece: the parts of several would be put together without a condition.
                self._store.put(path, content, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def swap(self, path: str, content: bytes, expected: Version | None) -> bool:
        """Replace a file that is still `expected` (None: there is none); False, and nothing written, when it is not.

        Of several who swap the same version at once one succeeds. Durable once it returns.
        """
        with self._translated(self.location.join(path), writing=self.location):
            if self.location.is_folder:
                return folders.swap(self._local(path), content, expected.etag if expected else "")
            mode: Any = expected.mode() if expected else "create"
            try:
                self._store.put(path, content, mode=mode, use_multipart=False)
            except (AlreadyExistsError, PreconditionError, NotFoundError, FileNotFoundError):
                # Not found: what was to be replaced is gone. A missing bucket was told when the version was asked for.
                return False
        return True

    def _local(self, path: str) -> Path:
        return Path(self.location.path) / path

    def download(self, file: StoredFile, to: Path) -> None:
        """Copy one file, as long as it still has its ETag and size.

        Raises Changed when it has not or is gone, DiskFull when `to` has no room.
        """
        copy = self._copy if self.location.is_folder else self._transfer
        copy(file, to)
        if (size := to.stat().st_size) != file.size:
            raise Unavailable(
                f"{self.location.join(file.path)} ended after {size} of {file.size} bytes.",
                next="The next ingest tries again.",
            )

    def _transfer(self, file: StoredFile, to: Path) -> None:
        with self._translated(self.location.join(file.path), listed=True):
            result = self._store.get(file.path, options=_options(file.etag))
        with self._translated(self.location.join(file.path), writing=to), to.open("wb") as out:
            for chunk in result.stream(min_chunk_size=_CHUNK):
                out.write(chunk)

    def _copy(self, file: StoredFile, to: Path) -> None:
        """A folder's files are copied by the system itself, which is faster; changed ones are seen before and after."""
        place = self.location.join(file.path)
        self._check(file)
        with translated(place, writing=to):
            shutil.copyfile(Path(self.location.path) / file.path, to)
        self._check(file)

    def _check(self, file: StoredFile) -> None:
        with self._translated(self.location.join(file.path), listed=True):
            now = self._store.head(file.path)
        if now["e_tag"] != file.etag:
            raise Changed(f"{self.location.join(file.path)} changed while it was read.", next="It is planned again.")

    def write(self, path: str, content: bytes) -> None:
        with self._translated(self.location.join(path), writing=self.location):
            self._store.put(path, content)

    def upload(self, local: Path, path: str) -> None:
        """Copy a file into the place; into a folder on the same disk it is moved."""
        with self._translated(self.location.join(path), writing=self.location):
            if not self.location.is_folder:
                with local.open("rb") as source:
                    self._store.put(path, source)
                return
            target = Path(self.location.path) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.move(local, target)
            except OSError:
                # From another disk it is copied: half a file would keep a full disk full.
                target.unlink(missing_ok=True)
                raise

    def delete(self, paths: Iterable[str]) -> None:
        """Remove files; those that are gone already do not matter."""
        with self._translated(self.location, writing=self.location):
            for path in paths:
                try:
                    self._store.delete(path)
                except FileNotFoundError:
                    continue
                self._prune(path)

    def _prune(self, path: str) -> None:
        """Folders, unlike buckets, keep their empty parents: take those away up to the place itself."""
        if not self.location.is_folder:
            return
        root = Path(self.location.path)
        for parent in (root / path).parents:
            if parent == root or not parent.is_dir() or any(parent.iterdir()):
                return
            parent.rmdir()


def open_place(
    location: Location | str,
    *,
    credentials: CredentialProvider | None = None,
    endpoint: str | None = None,
    region: str | None = None,
    create: bool = False,
    within: tuple[Path, ...] = (),
) -> Place:
    """Open a place; nothing is read yet. `within` is for folders; `credentials`, `endpoint` and `region` are for s3://.

    Azure and Google take theirs from the environment, as their own tools do.
    """
    location = Location.parse(location) if isinstance(location, str) else location
    asked = _Asked(credentials) if credentials else None
    makers: dict[str, Callable[[], Any]] = {
        "file": lambda: _folder_store(location, create),
        "s3": lambda: _s3_store(location, asked, endpoint, region),
        "az": lambda: _azure_store(location),
        "gs": lambda: GCSStore(location.bucket, prefix=location.path or None, retry_config=_RETRY),
    }
    with translated(location, writing=location if create else None):
        return Place(location, makers[location.scheme](), within if location.is_folder else (), asked)


def _folder_store(location: Location, create: bool) -> Any:
    path = Path(location.path)
    if create:
        path.mkdir(parents=True, exist_ok=True)
    if not path.is_dir():
        raise FileNotFoundError(location.path)
    return LocalStore(prefix=path)


def _s3_store(
    location: Location, credentials: CredentialProvider | None, endpoint: str | None, region: str | None
) -> Any:
    # As the AWS tools do: what is not given comes from the environment.
    endpoint = endpoint or _environ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    config: S3Config = {"region": region or _environ("AWS_REGION", "AWS_DEFAULT_REGION") or "us-east-1"}
    if endpoint:
        config["endpoint"] = endpoint
    return S3Store(
        location.bucket,
        prefix=location.path or None,
        config=config,
        client_options=_allowing_http(endpoint),
        retry_config=_RETRY,
        credential_provider=credentials,
    )


def _azure_store(location: Location) -> Any:
    return AzureStore(
        location.bucket,
        prefix=location.path or None,
        client_options=_allowing_http(_environ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")),
        retry_config=_RETRY,
    )


def _allowing_http(endpoint: str) -> ClientConfig | None:
    """A plain-HTTP endpoint, such as an emulator's or one inside a cluster, has to be allowed by name."""
    return {"allow_http": True} if endpoint.startswith("http://") else None


def _environ(*names: str) -> str:
    return next((value for name in names if (value := os.environ.get(name))), "")


def _options(etag: str | None) -> Any:
    return {"if_match": etag} if etag else None


def _stored(meta: Any) -> StoredFile:
    return StoredFile(meta["path"], meta["size"], meta["e_tag"] or "", meta["last_modified"])


def made_folder(path: Path) -> Path:
    """A folder of this machine. Raises DiskFull when there is no room even for that, else SetupError."""
    with translated(path, writing=path):
        path.mkdir(parents=True, exist_ok=True)
    return path


__all__ = ["CredentialProvider", "Place", "StoredFile", "Version", "obstore", "open_place"]
