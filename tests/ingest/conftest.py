from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from outlay.storage import open_place
from tests.ingest.world import World
from tests.services.s3 import S3


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "home", open_place(str(tmp_path / "bills" / "acme"), create=True))
    yield made
    made.close()


@pytest.fixture(params=["folder", "s3"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The same installation, with its bills in a folder and in a bucket."""
    if request.param == "folder":
        place = open_place(str(tmp_path / "bills" / "acme"), create=True)
    else:
        s3: S3 = request.getfixturevalue("s3")
        for name, value in s3.environ.items():
            monkeypatch.setenv(name, value)
        place = open_place(s3.url("bills/acme"))
    made = World(tmp_path / "home", place)
    yield made
    made.close()
