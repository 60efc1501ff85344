"""What `outlay doctor` looks at. A check says what it found; OutlayError and OSError mean that something is wrong."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import outlay
from outlay.errors import HomeError, OutlayError, SetupError
from outlay.settings import without_password

if TYPE_CHECKING:
    from outlay.app import ConnectionView, Outlay

Verdict = Literal["ok", "warning", "wrong"]
_LEAST_SPOOL = 5 * 1024**3
_GIB = 1024**3
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Check:
    name: str
    verdict: Verdict
    found: str
    next: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Concern:
    """What a check raises or returns when something should be told though nothing is broken."""

    found: str
    next: str


Looked = str | Concern


def examine(*, sweep: bool = False) -> list[Check]:
    """Every check, in the order in which things build on each other. Without a home the others would say the same."""
    try:
        opened = outlay.open()
    except OutlayError as error:
        return [Check("settings", "wrong", error.message, error.next)]
    with opened as o:
        found = [Check("settings", "ok", f"Outlay {outlay.__version__}, home {o.settings.home}")]
        home = _look("home", lambda: _home(o))
        found.append(home)
        if home.verdict == "wrong":
            return found
        # Name, what has to be right before, how to look.
        checks: tuple[tuple[str, str, Callable[[], Looked]], ...] = (
            ("database", "home", lambda: _database(o)),
            ("lake catalog", "home", lambda: _catalog(o)),
            ("lake location", "lake catalog", lambda: _lake(o)),
            ("spool", "home", lambda: _spool(o)),
            ("spool leftovers", "spool", lambda: _leftovers(o, sweep)),
            ("engine", "spool", lambda: _engine(o)),
            ("clock", "database", lambda: _clock(o)),
            ("worker", "database", lambda: _worker(o)),
        )
        for name, needs, check in checks:
            if _is_right(needs, found):
                found.append(_look(name, check))
        if _is_right("database", found):
            found += _connections(o)
        return found


def _is_right(name: str, found: list[Check]) -> bool:
    return any(check.name == name and check.verdict != "wrong" for check in found)


def _look(name: str, check: Callable[[], Looked]) -> Check:
    try:
        looked = check()
    except OutlayError as error:
        return Check(name, "wrong", error.message, error.next)
    except OSError as error:
        at = f" at {error.filename}" if error.filename else ""
        return Check(name, "wrong", f"{error.strerror or error}{at}.", "Mend that, then run outlay doctor again.")
    return (
        Check(name, "warning", looked.found, looked.next) if isinstance(looked, Concern) else Check(name, "ok", looked)
    )


def _home(o: Outlay) -> Looked:
    home = o.settings.home
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_into(home)
    except OSError as error:
        raise HomeError(
            f"{home} cannot be written to: {error.strerror}.", next="Point OUTLAY_HOME to a folder you can write to."
        ) from error
    if home.stat().st_mode & 0o077:
        return Concern(f"{home} can be read by other users of this machine.", f"Run chmod 700 {home}.")
    return f"{home} can be written to"


def _write_into(folder: Path) -> None:
    probe = folder / f".doctor-{secrets.token_hex(6)}"
    probe.write_bytes(b"x")
    probe.unlink()


def _database(o: Outlay) -> Looked:
    _ = o.memory
    number = len(o.connections())
    return f"{without_password(o.settings.database_url)} answers and is up to date; connections: {number}"


def _catalog(o: Outlay) -> Looked:
    from outlay.lake import described

    live = o.lake.live()
    catalog = described(o.settings)
    rows = sum(each.rows for each in live.values())
    return f"{catalog.get('uri', catalog['type'])} opens; billing periods: {len(live)}, charges: {rows:,}"


def _lake(o: Outlay) -> Looked:
    place, name = o.lake.place, f"doctor/{secrets.token_hex(6)}"
    place.write(name, b"x")
    place.delete([name])
    if place.location.is_folder:
        return f"{place.location} can be written to; free: {_free(Path(place.location.path))}"
    return f"{place.location} can be written to"


def _spool(o: Outlay) -> Looked:
    spool = o.settings.spool
    spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_into(spool)
    if shutil.disk_usage(spool).free < _LEAST_SPOOL:
        return Concern(
            f"{spool} has only {_free(spool)} free; a large bill may not fit.",
            "Free some space, or point OUTLAY_SPOOL to a larger disk.",
        )
    return f"{spool} has {_free(spool)} free"


def _free(folder: Path) -> str:
    return f"{shutil.disk_usage(folder).free / _GIB:,.1f} GiB"


def _leftovers(o: Outlay, sweep: bool) -> Looked:
    from outlay.storage import spool

    if sweep:
        return f"folders removed: {len(spool.sweep(o.settings.spool))}"
    left = spool.left_over(o.settings.spool)
    if left:
        return Concern(
            f"{o.settings.spool} holds what killed runs have left: {', '.join(folder.name for folder in left[:3])}"
            f"{' …' if len(left) > 3 else ''} ({len(left)} in all).",
            "Run outlay doctor --sweep to remove it.",
        )
    return "none"


def _engine(o: Outlay) -> Looked:
    return o.engine.versions()


def _clock(o: Outlay) -> Looked:
    """A clock that runs behind what it has already recorded makes statuses wrong and signatures invalid."""
    now = datetime.now(UTC)
    newest = o.memory.newest_run()
    if newest and newest > now + _SKEW:
        raise SetupError(
            f"The clock says {now:%Y-%m-%d %H:%M} UTC, but a run ended at {newest:%Y-%m-%d %H:%M} UTC already.",
            next="Set the machine's clock, best by NTP; time zones do not matter.",
        )
    return f"{now:%Y-%m-%d %H:%M:%S} UTC"


def _worker(o: Outlay) -> Looked:
    from outlay.state import workers

    found = workers.running(datetime.now(UTC))
    if found:
        return ", ".join(f"{each.said} since {each.began:%Y-%m-%d %H:%M} UTC" for each in found)
    if not o.connections():
        return "none runs; there is nothing to check"
    return Concern(workers.NONE_RUNS, f"{workers.START_ONE} Or let something else run outlay ingest now and then.")


def _connections(o: Outlay) -> Iterator[Check]:
    views = o.connections()
    if any(view.row.location.startswith("s3://") for view in views) or o.settings.lake.startswith("s3://"):
        yield _look("AWS credentials", _credentials)
    for view in views:
        yield _look(f"connection {view.row.name}", lambda view=view: _connection(o, view))  # type: ignore[misc]


def _credentials() -> Looked:
    """The installation's own: a connection with a profile or role has others, which its own check uses."""
    from outlay.aws.sessions import Credentials
    from outlay.errors import Denied

    try:
        given = Credentials()()
    except Denied as error:
        return Concern(error.message, error.next)
    return f"access key {given['access_key_id'][:4]}… found"


def _connection(o: Outlay, view: ConnectionView) -> Looked:
    if view.status.status == "paused":
        return "paused; not looked at"
    if view.row.kind == "linked":
        is_well = view.status.status == "healthy"
        return view.status.reason if is_well else Concern(view.status.reason, view.status.next)
    files = o.place(view.row).list()
    if view.status.status in ("failing", "late"):
        return Concern(f"{view.status.status}: {view.status.reason}", view.status.next)
    return f"{view.row.location} can be read; files: {len(files):,}"
