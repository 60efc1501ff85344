"""The stand-in and its sample organisation for tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

# Imported by each test process, so the stand-in itself is imported by the tests that use it.
if TYPE_CHECKING:
    from tests.aws_standin.organisation import Organisation
    from tests.aws_standin.standin import StandIn


@pytest.fixture
def standin(outlay_home: object) -> Iterator[StandIn]:
    """Empty, of the test's own; access control is on."""
    from tests.aws_standin.standin import StandIn

    made = StandIn()
    yield made
    made.close()


@pytest.fixture
def organisation(standin: StandIn) -> Organisation:
    from tests.aws_standin.organisation import build

    return build(standin)
