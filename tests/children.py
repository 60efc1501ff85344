"""Child processes for tests that kill and race: a server that has the imports done forks each of them.

There is one such server a worker, so what it imports beforehand is told here, once.
"""

from __future__ import annotations

from multiprocessing import get_context

children = get_context("forkserver")
children.set_forkserver_preload(
    [
        *("tests.ingest.test_retries", "tests.lake.test_races", "tests.drops.test_cut_off"),
        *("outlay.lake", "outlay.layouts", "outlay.ingest.ingest", "outlay.drops.drops", "outlay.aws.sessions"),
    ]
)
