"""Several calls at a time, by threads that end with the process: a call that hangs keeps nobody."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")
# Seconds between two looks whether it is over.
_LOOK = 0.2


class SideBySide(Generic[T, U]):
    """What `work` makes of each item, in no order. No more of it waits to be taken than there are threads."""

    def __init__(
        self,
        items: Iterable[T],
        work: Callable[[T], U],
        threads: int,
        is_over: Callable[[], bool],
        still: Callable[[], None] = lambda: None,
    ) -> None:
        """`is_over` is asked by every thread; `still` is called by the one that takes the results, while it waits."""
        self._waiting: queue.SimpleQueue[T] = queue.SimpleQueue()
        self._done: queue.Queue[tuple[list[U], BaseException | None]] = queue.Queue(threads)
        self._work, self._threads, self._is_over = work, threads, is_over
        self._still = still
        self._count = 0
        for item in items:
            self._waiting.put(item)
            self._count += 1

    def __iter__(self) -> Iterator[U]:
        """Ends early when it is over. Raises what `work` and `still` raised."""
        for number in range(min(self._threads, self._count)):
            threading.Thread(target=self._run, name=f"outlay-inventory-{number}", daemon=True).start()
        while self._count and not self._is_over():
            self._still()
            try:
                made, error = self._done.get(timeout=_LOOK)
            except queue.Empty:
                continue
            if error:
                raise error
            self._count -= 1
            yield from made

    def _run(self) -> None:
        while not self._is_over():
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._offer([self._work(item)], None)
            except BaseException as error:  # noqa: BLE001 - raised again where the results are used
                self._offer([], error)
                return

    def _offer(self, made: list[U], error: BaseException | None) -> None:
        while not self._is_over():
            try:
                self._done.put((made, error), timeout=_LOOK)
            except queue.Full:
                continue
            return
