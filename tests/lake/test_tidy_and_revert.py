"""Tidying beside a revert: whichever comes first, no live file is removed, and nothing that is gone becomes live."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from outlay.errors import Changed
from outlay.lake import Lake, Partition, Tidied, open_lake, tidy
from outlay.settings import Settings
from outlay.storage import Place, StoredFile
from tests.lake.deliveries import bring, partition, total

MAY = partition()
LATER = timedelta(days=100)
PATIENCE = 60


@dataclass(frozen=True)
class Watched(Place):
    """A place that tells when it has listed, and when it is about to delete."""

    listed: Callable[[], object] = lambda: None
    deletes: Callable[[], object] = lambda: None

    def list(self, below: str = "") -> list[StoredFile]:
        files = super().list(below)
        self.listed()
        return files

    def delete(self, paths: Iterable[str]) -> None:
        self.deletes()
        super().delete(paths)


def watched(
    lake: Lake, *, listed: Callable[[], object] = lambda: None, deletes: Callable[[], object] = lambda: None
) -> Lake:
    lake.place = Watched(**vars(lake.place), listed=listed, deletes=deletes)
    return lake


def once(number: int, action: Callable[[], object]) -> Callable[[], object]:
    """Does `action` at the call of that number alone."""
    calls = iter(range(1, 10_000))
    return lambda: action() if next(calls) == number else None


def nothing_kept(_: Partition, __: str) -> bool:
    return False


def tidied(lake: Lake, keep: Callable[[Partition, str], bool] = nothing_kept) -> Tidied:
    return tidy(lake, keep, now=datetime.now(UTC) + LATER, grace=timedelta(days=1))


@pytest.fixture
def another(settings: Settings) -> Iterator[Callable[[], Lake]]:
    """The same lake, opened once more as another process would."""
    opened: list[Lake] = []

    def open_it() -> Lake:
        opened.append(open_lake(settings))
        return opened[-1]

    yield open_it
    for lake in opened:
        lake.close()


@pytest.fixture
def full(lake: Lake, tmp_path: Path) -> Lake:
    """`old` lies in the lake, unknown to any snapshot that is left; `new` is live."""
    bring(lake, MAY, "old", [1, 10], tmp_path / "spool")
    bring(lake, MAY, "new", [5], tmp_path / "spool")
    tidied(lake, lambda _, __: True)
    assert len(lake.staged(MAY, "old")) == 2
    return lake


def is_whole(lake: Lake, delivery: str, cost: int) -> None:
    live = lake.live()[MAY]
    assert (live.delivery, total(live.files)) == (delivery, cost)
    assert lake.note(MAY, delivery) is not None


def test_a_delivery_made_live_while_tidying_stays(full: Lake, another: Callable[[], Lake]) -> None:
    def revert_meanwhile(_: Partition, delivery: str) -> bool:
        if delivery == "old":
            full.revive(MAY, "old", expected="new")
        return False

    done = tidied(another(), revert_meanwhile)
    assert done.deliveries_removed == ()
    is_whole(full, "old", 11)


def test_a_delivery_that_is_gone_is_not_made_live(full: Lake) -> None:
    assert [delivery for _, delivery in tidied(full).deliveries_removed] == ["old"]
    with pytest.raises(Changed, match="acme 2026-05 no longer has the delivery old") as raised:
        full.revive(MAY, "old", expected="new")
    assert "outlay periods acme" in raised.value.next
    is_whole(full, "new", 5)


@pytest.mark.parametrize("missing", ["delivery.json", "a file"])
def test_a_delivery_that_is_not_whole_is_not_made_live(full: Lake, missing: str) -> None:
    path = full.place.list(f"{MAY.folder}/old")[0].path if missing == "a file" else f"{MAY.folder}/old/{missing}"
    full.place.delete([path])
    with pytest.raises(Changed):
        full.revive(MAY, "old", expected="new")
    is_whole(full, "new", 5)


def test_a_delivery_removed_between_the_look_and_the_commit_is_not_made_live(
    full: Lake, another: Callable[[], Lake]
) -> None:
    # The note is listed, then all files are: after that the delivery is taken for whole.
    watched(full, listed=once(2, lambda: tidied(another())))
    with pytest.raises(Changed, match="no longer has the delivery old"):
        full.revive(MAY, "old", expected="new")
    is_whole(full, "new", 5)


@pytest.mark.parametrize("live", ["new", None])
def test_a_commit_while_its_files_are_being_removed_is_taken_back(
    full: Lake, another: Callable[[], Lake], tmp_path: Path, live: str | None
) -> None:
    if live is None:
        bring(full, MAY, "none", [], tmp_path / "spool")
    looked, decided, reverted = threading.Event(), threading.Event(), threading.Event()

    def wait_for_the_sweep() -> None:
        looked.set()
        assert decided.wait(PATIENCE)

    def wait_for_the_revert() -> None:
        decided.set()
        assert reverted.wait(PATIENCE)

    def revert() -> str:
        lake = watched(another(), listed=once(2, wait_for_the_sweep))
        try:
            lake.revive(MAY, "old", expected=live)
        except Changed as error:
            return error.message
        finally:
            reverted.set()
        return "reverted"

    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(revert)
        assert looked.wait(PATIENCE)
        # What is stray goes first, then the note; the third is about the charges, once nothing of them was live.
        lake = watched(another(), deletes=once(3, wait_for_the_revert))
        done = tidied(lake, lambda _, delivery: delivery != "old")
    assert "no longer has the delivery old" in said.result()
    assert [delivery for _, delivery in done.deliveries_removed] == ["old"]
    if live:
        is_whole(full, "new", 5)
    else:
        assert full.live() == {}
