from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from outlay.storage import open_place
from tests.layouts.shelf import Shelf
from tests.services.azure import AzureContainer
from tests.services.s3 import S3

ROOT = "the bills/of ümit 50%"


@pytest.fixture
def folder_shelf(tmp_path: Path) -> Shelf:
    root = tmp_path / ROOT

    def mark(path: str) -> None:
        (root / path).mkdir(parents=True, exist_ok=True)

    return Shelf(open_place(str(root), create=True), mark)


@pytest.fixture
def s3_shelf(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    set_all(s3.environ, monkeypatch)
    return Shelf(open_place(s3.url(ROOT)), lambda path: s3.put(f"{ROOT}/{path}/", b""))


@pytest.fixture
def azure_shelf(azure: AzureContainer, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A folder of a hierarchical namespace is an empty blob of the folder's name."""
    set_all(azure.environ, monkeypatch)
    place = open_place(azure.url(ROOT))
    return Shelf(place, lambda path: place.write(path, b""))


@pytest.fixture(params=["folder", "s3", "azure"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    shelf = request.getfixturevalue(f"{request.param}_shelf")
    assert isinstance(shelf, Shelf)
    return shelf


def set_all(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def on_s3(s3: S3, s3_shelf: Shelf) -> Callable[[dict[str, bytes]], None]:
    """Lay down thousands of objects at once."""

    def put_many(objects: dict[str, bytes]) -> None:
        s3.put_many({f"{ROOT}/{path}": content for path, content in objects.items()})

    return put_many
