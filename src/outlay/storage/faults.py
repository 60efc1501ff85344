"""What obstore and the operating system raise, translated once, at the edge."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from obstore import exceptions as theirs

from outlay.errors import AccessError, Changed, Denied, DiskFull, NotFound, OutlayError, SetupError, Unavailable

# Listings report S3's own code inside a general error: it is the only sign of what happened.
_S3_CODE = re.compile(r"<Code>(\w+)</Code>")
_BY_S3_CODE: dict[str, type[AccessError]] = {
    "NoSuchBucket": NotFound,
    "NoSuchKey": NotFound,
    "AccessDenied": Denied,
    "AllAccessDisabled": Denied,
    "InvalidAccessKeyId": Denied,
    "SignatureDoesNotMatch": Denied,
    "ExpiredToken": Denied,
    "InvalidToken": Denied,
    "AuthorizationHeaderMalformed": Denied,
}
_BY_TYPE: tuple[tuple[type[BaseException], type[AccessError]], ...] = (
    (FileNotFoundError, NotFound),
    (NotADirectoryError, NotFound),
    (PermissionError, Denied),
    (theirs.NotFoundError, NotFound),
    (theirs.PermissionDeniedError, Denied),
    (theirs.UnauthenticatedError, Denied),
)
# What obstore says of a folder ends in the system's own number, which is nowhere else.
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_GRANT = (
    "Let the credentials in use list and read it (on S3: s3:ListBucket and s3:GetObject; on Azure: Storage Blob Data "
    "Reader; on Google Cloud: Storage Object Viewer), or correct them."
)
# By obstore's words: this server has no credentials for Azure or Google Cloud, or does not get them now.
_CREDENTIALS: tuple[tuple[str, str], ...] = (
    ("Account must be specified", "Name the storage account in AZURE_STORAGE_ACCOUNT_NAME."),
    (
        "Azure error: Error performing token request",
        "Give this server credentials, such as AZURE_STORAGE_ACCOUNT_KEY or a managed identity; else try again later.",
    ),
    (
        "GCS error: Error performing token request",
        "Give this server credentials, such as GOOGLE_APPLICATION_CREDENTIALS; else try again later.",
    ),
)
_LET_WRITE = (
    "Let the user who runs Outlay write there (on S3: s3:PutObject and s3:DeleteObject), or choose another place with "
    "OUTLAY_HOME, OUTLAY_LAKE or OUTLAY_SPOOL."
)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_SAID: dict[type[AccessError], tuple[str, str]] = {
    NotFound: ("{place} does not exist.", "Correct the location, or create it."),
    Denied: ("Access to {place} is denied{code}.", _GRANT),
    Unavailable: ("{place} could not be read: {reason}.", "The next ingest tries again."),
}


# Why a name cannot be addressed, by obstore's words for it.
_UNADDRESSABLE = (
    ("empty path segment", "an empty part ('//')"),
    ("non-unicode", "bytes that are not UTF-8"),
    ("", "a part '.' or '..' or a control character"),
)
_IN_QUOTES = re.compile(r'[Pp]ath "([^"]*)"')
# A query may hold the signature of a shared access URL.
_QUERY = re.compile(r"(?<=\S)\?\S*")


@contextmanager
def translated(
    place: object,
    *,
    writing: object | None = None,
    listed: bool = False,
    refusal: Callable[[], OutlayError | None] | None = None,
) -> Iterator[None]:
    """Raise Outlay's errors in place of theirs. `refusal` tells why there were no credentials, where that was it.

    `place` is what was asked for, `writing` where bytes went: what cannot be written to is a matter of the
    installation, not of a bill. What was `listed` before and is gone now has changed.
    """
    try:
        yield
    except OutlayError:
        raise
    except theirs.PreconditionError as error:
        raise Changed(f"{place} changed while it was read.", next="It is planned again.") from error
    except theirs.InvalidPathError as error:
        raise AccessError(
            f"A name below {place} cannot be addressed, as it has {_what_is_wrong(error)}.",
            next="Rename or remove it, or export to a prefix that does not end in a slash.",
        ) from error
    except (OSError, theirs.BaseError) as error:
        if refusal and (refused := refusal()):
            raise refused from error
        if _number(error) in _FULL:
            raise DiskFull(f"No space is left at {writing or place}.", next="Free some space there.") from error
        ours = _access_error(error, place)
        if type(ours) is Unavailable and writing is not None and _is_at(error, writing):
            raise Unavailable(
                f"{place} could not be written to: {_first_line(error)}.", next="Try again when the service is there."
            ) from error
        if isinstance(ours, Denied) and writing is not None and _is_at(error, writing):
            raise SetupError(f"{writing} cannot be written to: {_why(error)}.", next=_LET_WRITE) from error
        if listed and isinstance(ours, NotFound):
            raise Changed(f"{place} was removed while it was read.", next="It is planned again.") from error
        raise ours from error


def _number(error: Exception) -> int | None:
    """The operating system's number of an error, where it is one of the system's."""
    if isinstance(error, OSError):
        return error.errno
    found = _OS_ERROR.search(_first_line(error))
    return int(found[1]) if found else None


def _is_at(error: Exception, writing: object) -> bool:
    """Is it `writing` that is denied, and not what was read? A path is only known by the error's own."""
    if not isinstance(writing, Path):
        return True
    name = getattr(error, "filename", None)
    return name is not None and Path(name) in (writing, *writing.parents)


def _why(error: Exception) -> str:
    number = _number(error)
    return os.strerror(number) if number else "access is denied"


def _what_is_wrong(error: Exception) -> str:
    text = str(error)
    reason = next(said for sign, said in _UNADDRESSABLE if sign in text)
    return f"{reason}: {found[1]!r}" if (found := _IN_QUOTES.search(text)) else reason


def _access_error(error: Exception, place: object) -> AccessError:
    code = found[1] if (found := _S3_CODE.search(str(error))) else ""
    by_type = next((ours for theirs_, ours in _BY_TYPE if isinstance(error, theirs_)), Unavailable)
    kind = _BY_S3_CODE.get(code, Denied if _number(error) in _FORBIDDEN else by_type)
    message, next_action = _SAID[kind]
    reason = code or _first_line(error)
    next_action = next((remedy for sign, remedy in _CREDENTIALS if sign in reason), next_action)
    return kind(message.format(place=place, code=f" ({code})" if code else "", reason=reason), next=next_action)


def _first_line(error: Exception) -> str:
    """Only the first line: what follows is a dump of the request, which may hold a signature."""
    lines = str(error).splitlines() or [type(error).__name__]
    return _QUERY.sub("", lines[0]).rstrip(".: ")[:300]
