"""Folders of this server that connections may read: those below the roots that the installation allows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from outlay.errors import UsageError
from outlay.storage.url import Location


def allowed(text: str, roots: Sequence[Path] | None) -> Location:
    """The folder as it really lies, links followed. Raises UsageError of the field `folder`.

    What lies outside is refused before anything is looked up, so that nobody learns what there is.
    """
    if not roots:
        raise _refused(
            "This installation connects no folders.", "Whoever runs it names the folders it may read in OUTLAY_FOLDERS."
        )
    path = _path(text)
    if not any(path.is_relative_to(root.resolve()) for root in roots):
        raise _refused(
            f"{text} lies outside the folders that this installation may read.",
            f"Choose one in {' or '.join(str(root) for root in roots)}, or have OUTLAY_FOLDERS name another.",
        )
    if not path.is_dir():
        raise _refused(f"{text} is no folder on this server.", "Correct the path, or make the folder.")
    return Location("file", "", str(path))


def _path(text: str) -> Path:
    plain = text.removeprefix("file://")
    if not plain.startswith("/") or "\0" in plain:
        raise _refused(f"{text!r} is not the whole path of a folder.", "Begin it with a slash, such as /bills/acme.")
    try:
        return Path(plain).resolve()
    except (OSError, RuntimeError) as error:
        # Links in a circle, or a name that is too long.
        raise _refused(f"{text} cannot be followed to a folder.", "Correct the path.") from error


def _refused(message: str, next_action: str) -> UsageError:
    return UsageError(message, next=next_action, field="folder")
