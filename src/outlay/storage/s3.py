"""S3 as its own place needs it: asked in the bucket's region, and told apart from a bucket that wants to be paid."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

from obstore import exceptions as theirs

from outlay.errors import Denied
from outlay.storage.s3_faults import Answer, region_of, requester_pays

T = TypeVar("T")
# Seconds.
_PATIENCE = 10
# By service and bucket, of buckets that lie elsewhere than where they were asked first.
LEARNT: dict[tuple[str, str], str] = {}


class RegionalStore:
    """A store of obstore that goes on in the bucket's own region, once S3 has said that it lies in another.

    `make` opens it in a region, `region` is where it is asked first; with `pays` requests agree to be charged.
    """

    def __init__(self, make: Callable[[str, bool], Any], region: str, endpoint: str, bucket: str) -> None:
        self._make = make
        self._endpoint, self._bucket = endpoint, bucket
        self.region = LEARNT.get((endpoint, bucket), region)
        self._store = make(self.region, False)

    def list(self, *, prefix: str | None = None) -> Any:
        """All pages, read to their end."""
        return self._asked(lambda store: list(store.list(prefix=prefix)))

    def get(self, path: str, **options: Any) -> Any:
        return self._asked(lambda store: store.get(path, **options))

    def head(self, path: str) -> Any:
        return self._asked(lambda store: store.head(path))

    def get_range(self, path: str, **span: Any) -> Any:
        return self._asked(lambda store: store.get_range(path, **span))

    def put(self, path: str, content: Any, **options: Any) -> Any:
        return self._asked(lambda store: store.put(path, _from_its_start(content), **options))

    def delete(self, path: str) -> Any:
        return self._asked(lambda store: store.delete(path))

    def why_denied(self, error: BaseException, place: object) -> Denied | None:
        """What S3 denies without a word of why may be a bucket that wants to be paid: that is tried once.

        It is one if it can be listed by who pays, and not by who does not. AWS charges for that one listing.
        """
        answer = Answer.of(error)
        if answer.code != "AccessDenied" or "not authorized" in answer.words:
            return None
        is_one = not _can_list(self._make(self.region, False)) and _can_list(self._make(self.region, True))
        return requester_pays(place) if is_one else None

    def _asked(self, ask: Callable[[Any], T]) -> T:
        try:
            return ask(self._store)
        except theirs.BaseError as error:
            region = self._elsewhere(error)
            if not region:
                raise
        LEARNT[self._endpoint, self._bucket] = self.region = region
        self._store = self._make(region, False)
        return ask(self._store)

    def _elsewhere(self, error: theirs.BaseError) -> str:
        """The bucket's region, where the error says that it is another; else blank."""
        if not Answer.of(error).is_elsewhere:
            return ""
        region = region_of(error) or bucket_region(self._endpoint or _host(self.region), self._bucket)
        return region if region != self.region else ""


def _from_its_start(content: Any) -> Any:
    """A file that was sent to another region has been read."""
    if not isinstance(content, bytes):
        content.seek(0)
    return content


def _can_list(store: Any) -> bool:
    try:
        next(iter(store.list()), None)
    except (OSError, theirs.BaseError):
        return False
    return True


def _host(region: str) -> str:
    return f"https://s3.{region}.amazonaws.com"


class _Unmoved(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """The answer itself is wanted, not where it points."""
        return


def bucket_region(endpoint: str, bucket: str) -> str:
    """As S3 tells it to anybody, in a header of whatever it answers; blank where it does not."""
    request = urllib.request.Request(f"{endpoint}/{bucket}", method="HEAD")  # noqa: S310 - http(s), by the settings
    try:
        with urllib.request.build_opener(_Unmoved).open(request, timeout=_PATIENCE) as answer:
            return answer.headers.get("x-amz-bucket-region") or ""
    except urllib.error.HTTPError as error:
        with error:
            return error.headers.get("x-amz-bucket-region") or ""
    except (OSError, http.client.HTTPException):
        return ""
