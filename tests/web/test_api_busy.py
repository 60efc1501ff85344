"""More questions than can be answered: some are told to come back, and none fails."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.web.sites import Home, serving
from tests.web.tokens import Api, token

AT_ONCE, ROUNDS = 30, 20


def test_a_question_that_gets_no_slot_is_told_when_to_come_back(seeded: Home) -> None:
    seeded.put_back()
    with serving(seeded, {"OUTLAY_QUESTION_WAIT": "1"}) as site, ThreadPoolExecutor(AT_ONCE) as threads:
        text = token(site, "viewer", "read")
        numbers = itertools.count(1)

        def ask(number: int) -> requests.Response:
            # No two are the same, so that none is answered from memory.
            params = {"by": ["ResourceId", "SkuId"], "where": f"ServiceName!={number}", "top": "all"}
            return Api(site, text).ask("costs", params=params)

        busy: list[requests.Response] = []
        for _ in range(ROUNDS):
            answers = list(threads.map(ask, itertools.islice(numbers, AT_ONCE)))
            assert {answer.status_code for answer in answers} <= {200, 503}
            busy = [answer for answer in answers if answer.status_code == 503]
            if busy:
                break
        assert busy
        assert busy[0].json()["code"] == "busy"
        assert int(busy[0].headers["Retry-After"]) >= 1
        assert Api(site, text).ask("health").status_code == 200
