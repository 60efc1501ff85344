"""A real Chromium, driven by Playwright."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent / "browser"
UNPACKED = HERE / "node_modules" / ".chromium"
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
SYSTEM = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Program:
    path: Path
    environ: dict[str, str] = field(default_factory=dict)


def find() -> Program | None:
    """What `make setup-dev` has unpacked, or else the system's own."""
    if platform.machine() in ("x86_64", "AMD64") and (UNPACKED / "chromium").exists():
        libraries = f"{UNPACKED / 'al2023' / 'lib'}"
        return Program(
            UNPACKED / "chromium",
            {"LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": str(UNPACKED / "fonts.conf")},
        )
    found = next(filter(None, map(shutil.which, SYSTEM)), None)
    return Program(Path(found)) if found else None


@contextmanager
def chromium() -> Iterator[Browser]:
    """Fails where there is none, saying how to get one."""
    program = find()
    if program is None:
        pytest.fail("There is no Chromium; run: make setup-dev, or, where that has none: apt-get install -y chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program.path,
            env={**os.environ, **program.environ},
            # Tests often run as root in a container, where Chromium's own sandbox cannot.
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()
