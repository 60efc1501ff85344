"""Every test of the state runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from outlay.settings import Settings
from outlay.state.opening import close_state, open_state


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings.read({}, home=tmp_path, database_url=database_url)


@pytest.fixture
def state(settings: Settings) -> Iterator[Settings]:
    open_state(settings)
    yield settings
    close_state()
