from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from outlay.lake import Lake, open_lake
from outlay.settings import Settings


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A lake in a folder whose name has to be escaped, with either catalog; nothing is made yet."""
    environ = {} if request.param == "sqlite" else {"OUTLAY_CATALOG": request.getfixturevalue("postgres_url")}
    return Settings.read(environ, home=tmp_path / "home of ä")


@pytest.fixture
def lake(settings: Settings) -> Iterator[Lake]:
    opened = open_lake(settings)
    yield opened
    opened.close()
