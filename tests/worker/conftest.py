from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.place import Installation


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    yield made
    made.o.close()
