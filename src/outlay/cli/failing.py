"""How a command ends: what is said of an error, where, and with which exit code. No traceback reaches a user."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cyclopts import Argument, CycloptsError
from cyclopts import exceptions as theirs

from outlay.cli.app import GROUPS, load, make_app
from outlay.errors import OutlayError

_PATH_FAULTS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EEXIST)
DONE, FAILED, WRONG_USAGE, STOPPED = 0, 1, 2, 130
# What may hold a secret, and must not stand in a file that users send with a report.
_SECRET_NAMES = (
    "DATABASE_URL",
    "OUTLAY_CATALOG",
    "OUTLAY_SECRET_KEYS",
    "OUTLAY_OIDC_CLIENT_SECRET",
    "OUTLAY_METRICS_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_ACCOUNT_KEY",
)


def run(words: Sequence[str]) -> int:
    """Run one command line; returns the exit code. Errors are told on stderr."""
    try:
        code = _call(list(words))
        # What is still in the buffer may find the reader gone.
        sys.stdout.flush()
    except CycloptsError as error:
        _tell(_usage(error), f"See {_command(error)} --help.")
        return WRONG_USAGE
    except OutlayError as error:
        _tell(error.message, error.next)
        return error.exit_code
    except KeyboardInterrupt:
        _tell("stopped", "")
        return STOPPED
    except BrokenPipeError:
        # The reader has seen enough, as `head` does. Python would complain when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:  # noqa: BLE001 - the last place where an error can be told instead of dumped
        _tell(*_unexpected(error))
        return FAILED
    return code


def _call(words: list[str]) -> int:
    app = make_app()
    if _wants_listing(words):
        load(app)
    code = app(words, exit_on_error=False, print_error=False)
    return code if isinstance(code, int) else DONE


def _wants_listing(words: list[str]) -> bool:
    """Does the answer list commands: `outlay`, `outlay lake`, `outlay connections add --help`?"""
    named = [word for word in words if not word.startswith("-")]
    return all(word in GROUPS for word in named)


def _tell(message: str, next_action: str) -> None:
    from outlay.cli.output import err, text

    err().print(text("error: ", "bold red") + text(message), soft_wrap=True)
    if next_action:
        err().print(text("next: ", "bold") + text(next_action), soft_wrap=True)


def _usage(error: CycloptsError) -> str:
    if isinstance(error, theirs.UnusedCliTokensError):
        return f"Nothing is done with {' '.join(error.unused_tokens or [])!r}."
    if isinstance(error, theirs.MissingArgumentError) and error.argument is not None:
        return f"{_shown(error.argument)} is missing{'' if error.argument.index is not None else ', or its value is'}."
    return str(error).partition("\n")[0]


def _shown(argument: Argument) -> str:
    """As the help calls it: `NAME` for an argument, `--location` for an option."""
    return argument.name if argument.index is None else argument.name.removeprefix("--").upper()


def _command(error: CycloptsError) -> str:
    return " ".join(("outlay", *(error.command_chain or ())))


def _unexpected(error: Exception) -> tuple[str, str]:
    """What is said of an error that nobody meant to raise, and what to do."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"No space is left{_at(error)}.", "Free some space there, then do it again: nothing was half done."
    if isinstance(error, OSError) and error.errno in _PATH_FAULTS and error.filename:
        return f"{error.filename} cannot be used: {error.strerror}.", "Correct the path, or run outlay doctor."
    if type(error).__module__.startswith(("django.db", "psycopg")):
        said = str(error).partition("\n")[0].rstrip(".")
        return f"The database failed: {said}.", "Run outlay doctor, then do it again: nothing was half done."
    where = _write_down(error)
    return (
        f"Outlay failed unexpectedly: {type(error).__name__}. The details are in {where}",
        "Report it with that file.",
    )


def _at(error: OSError) -> str:
    return f" to {error.filename}" if error.filename else ""


def _write_down(error: Exception) -> Path:
    """The traceback, as a file in the home, or in a temporary folder when that cannot be written."""
    import tempfile
    import traceback

    details = _without_secrets("".join(traceback.format_exception(error)))
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.txt"
    for folder in (_home() / "errors", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = folder / name
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", errors="replace") as file:
                file.write(details)
        except OSError:
            continue
        return path
    return Path(os.devnull)


def _home() -> Path:
    return Path(os.environ.get("OUTLAY_HOME") or "~/.outlay").expanduser().absolute()


def _without_secrets(details: str) -> str:
    for name in _SECRET_NAMES:
        value = os.environ.get(name, "")
        password = value.rpartition("@")[0].rpartition(":")[2]
        for secret in filter(None, (value, password)):
            details = details.replace(secret, f"<{name}>")
    return details
