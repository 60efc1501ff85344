"""Settings as they may be shown."""

from __future__ import annotations

import pytest

from outlay.settings import without_password


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://someone:hush@db:5432/outlay", "postgresql://someone@db:5432/outlay"),
        ("postgresql://someone@db/outlay", "postgresql://someone@db/outlay"),
        ("postgresql://someone:h/u@s:h@db/outlay", "postgresql://someone@db/outlay"),
        ("postgresql://:hush@db/outlay", "postgresql://@db/outlay"),
        ("postgresql://db/outlay?user=someone&password=hush&sslmode=require",
         "postgresql://db/outlay?user=someone&sslmode=require"),
        ("postgresql://db/outlay?password=hush", "postgresql://db/outlay"),
        ("https://me:hush@catalog/path", "https://me@catalog/path"),
        ("sqlite:////home/a@b/c:d@e/catalog.db?timeout=60", "sqlite:////home/a@b/c:d@e/catalog.db?timeout=60"),
        ("glue", "glue"),
    ],
)  # fmt: skip
def test_an_address_is_shown_whole_but_for_its_password(address: str, shown: str) -> None:
    assert without_password(address) == shown
