from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.place import Installation


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """On SQLite, or where a test is parametrized with `postgresql`, on that."""
    is_postgres = getattr(request, "param", "sqlite") == "postgresql"
    made = Installation(tmp_path, **({"database_url": request.getfixturevalue("postgres_url")} if is_postgres else {}))
    yield made
    made.o.close()
