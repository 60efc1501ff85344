"""A real site for tests: granian in a process of its own, on a home that is filled once and put back as it was.

The lake keeps whole paths, so each module's site has the same home, one after the other.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.services.environment import FOREIGN
from tests.services.process import stop, wait_until_ready
from tests.web.seeding import NAMES, PASSWORD

__all__ = ["NAMES", "PASSWORD", "Home", "Site", "fill", "serving", "working"]

SESSION = "outlay-session"
CSRF = "outlay-csrf"
MONTHS = 2


@dataclass(frozen=True)
class Home:
    """A home with its users' sessions by role, and a copy of it as it was at first."""

    folder: Path
    cookies: Mapping[str, str]

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def bills(self) -> Path:
        return self.folder / "bills"

    @property
    def environ(self) -> dict[str, str]:
        """Nothing of the developer's own, and folders of bills allowed."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return kept | {
            "OUTLAY_HOME": str(self.home),
            "OUTLAY_FOLDERS": str(self.folder),
            "AWS_CONFIG_FILE": str(self.folder / "no-aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "no-aws-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def copied(self, folder: Path) -> Home:
        """Another home like this one was at first, without its bills."""
        shutil.copytree(self.folder / "home-at-first", folder / "home-at-first")
        shutil.copytree(self.folder / "home-at-first", folder / "home")
        return Home(folder, self.cookies)

    def put_back(self) -> None:
        for name in ("home", "bills"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            kept = self.folder / f"{name}-at-first"
            if kept.exists():
                shutil.copytree(kept, self.folder / name)


def fill(folder: Path, months: int) -> Home:
    """A home with sample bills of so many months, brought in, and with users."""
    folder.mkdir(parents=True, exist_ok=True)
    empty = Home(folder, {})
    done = subprocess.run(
        [sys.executable, "-m", "tests.web.seeding", str(empty.bills), str(months)],
        env=empty.environ,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        check=True,
    )
    for name in ("home", "bills"):
        if (folder / name).exists():
            shutil.copytree(folder / name, folder / f"{name}-at-first")
    return Home(folder, json.loads(done.stdout.splitlines()[-1]))


@dataclass(frozen=True)
class Site:
    """A site that runs. `ask` speaks HTTP as nobody or as a role; pages in a browser are in conftest."""

    url: str
    home: Home
    log: Path
    process: int
    environ: Mapping[str, str] = field(repr=False)

    def session(self, role: str | None = None) -> requests.Session:
        """As a browser would be that is signed in. `post` of the result wants `csrf(session)`."""
        made = requests.Session()
        made.trust_env = False
        if role:
            made.cookies.set(SESSION, self.home.cookies[role])
        return made

    def ask(self, path: str, role: str | None = None, method: str = "GET", **more: Any) -> requests.Response:
        """One request, redirects not followed. A POST carries a good token unless it brings headers of its own."""
        with self.session(role) as session:
            if method != "GET" and "headers" not in more:
                more["headers"] = self.csrf(session)
            return session.request(method, f"{self.url}{path}", allow_redirects=False, timeout=60, **more)

    def csrf(self, session: requests.Session) -> dict[str, str]:
        """Headers that a form of this site would be sent with."""
        session.get(f"{self.url}/account", timeout=60)
        return {"X-CSRFToken": session.cookies[CSRF] or "", "Referer": f"{self.url}/"}

    def outlay(self, *words: object) -> Any:
        """A command on the site's home, its answer read as JSON. Fails when it does."""
        done = subprocess.run(
            [sys.executable, "-m", "outlay.cli", *map(str, words), "--json"],
            env=dict(self.environ),
            stdout=subprocess.PIPE,
            check=True,
        )
        return json.loads(done.stdout)


@contextmanager
def serving(home: Home, environ: Mapping[str, str] | None = None) -> Iterator[Site]:
    """A site on the home as it is, on a port that the system picks."""
    whole = {**home.environ, **(environ or {})}
    log = home.folder / "site.log"
    out = home.folder / "site.out"
    with log.open("wb") as errors, out.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "outlay.web", "--port", "0"], env=whole, stdout=output, stderr=errors
        )

    def address() -> str | None:
        said = out.read_text().strip()
        return said if said and _answers(f"{said}/healthz") else None

    try:
        yield Site(wait_until_ready(process, address, log), home, log, process.pid, whole)
    finally:
        stop(process, signal.SIGTERM)


@contextmanager
def working(site: Site) -> Iterator[None]:
    """A worker on the site's home."""
    with (site.home.folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "outlay.worker"], env=dict(site.environ), stdout=log, stderr=log
        )
    try:
        yield
    finally:
        stop(process, signal.SIGTERM)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False
