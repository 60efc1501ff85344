"""What machines ask: health and metrics; and the process that answers: its port, its end."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from tests.services.process import free_port
from tests.web.conftest import Serve
from tests.web.sites import Home, Site, serving, working

SECONDS = 30


def comes_true(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_healthz_tells_of_database_and_worker(site: Site) -> None:
    answer = site.ask("/healthz")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["status"], told["database"]) == ("ok", "ok")
    assert (told["worker"], told["workers"]) == ("none", 0)
    with working(site):
        assert comes_true(lambda: site.ask("/healthz").json()["workers"] == 1)
        assert site.ask("/healthz").json()["worker"] in ("idle", "waiting", "working")
        assert "outlay_workers 1.0" in site.ask("/metrics").text
    assert site.ask("/healthz").json()["worker"] == "none"


def test_pages_tell_that_no_worker_is_there_when_something_waits_for_one(site: Site) -> None:
    with sqlite3.connect(site.home.home / "state.db") as connection:
        connection.execute("UPDATE state_connection SET next_check_at = '2026-01-01 00:00:00'")
    name = site.outlay("connections", "list")[0]["name"]
    for path in ("/", "/connections", f"/connections/{name}", "/notices"):
        assert "No worker is running" in site.ask(path, "administrator").text, path
    with working(site):
        assert comes_true(lambda: "No worker is running" not in site.ask("/connections", "viewer").text)


def test_healthz_fails_when_the_database_does(serve: Serve) -> None:
    with serve(is_new=True) as site:
        database = site.home.home / "state.db"
        # Requests keep connections; a table that is gone fails them all.
        with sqlite3.connect(database) as connection:
            connection.execute("DROP TABLE state_connection")
        answer = site.ask("/healthz")
        assert (answer.status_code, answer.json()["database"]) == (503, "failing")


def test_metrics_tell_ages_runs_and_steps(site: Site) -> None:
    families = {family.name: family for family in text_string_to_metric_families(site.ask("/metrics").text)}
    ages = {sample.labels["connection"] for sample in families["outlay_newest_delivery_age_seconds"].samples}
    assert ages == {"fernwick-aws", "loftline-aws", "nordlicht", "simple-cloud"}
    committed = [each for each in families["outlay_runs"].samples if each.labels["outcome"] == "committed"]
    assert sum(each.value for each in committed) == 8
    steps = {each.labels["step"] for each in families["outlay_step_seconds"].samples}
    assert {"fetch", "commit"} <= steps
    # A second look counts nothing twice.
    again = {family.name: family for family in text_string_to_metric_families(site.ask("/metrics").text)}
    assert again["outlay_runs"].samples == families["outlay_runs"].samples


def test_a_run_that_is_seen_after_one_with_a_higher_number_is_counted(site: Site) -> None:
    def failed() -> float:
        families = text_string_to_metric_families(site.ask("/metrics").text)
        samples = next(family for family in families if family.name == "outlay_runs").samples
        return sum(each.value for each in samples if each.labels["outcome"] == "failed")

    copied = "connection_id, period, delivery, state, started_at, finished_at, steps, reconciliation, counts"
    assert failed() == 0
    for ahead, expected in ((5, 1), (2, 2)):
        with sqlite3.connect(site.home.home / "state.db") as database:
            (last,) = database.execute("SELECT max(id) FROM state_run WHERE outcome = 'committed'").fetchone()
            database.execute(
                f"INSERT INTO state_run (id, outcome, {copied}) SELECT ?, 'failed', {copied} FROM state_run LIMIT 1",
                (last + ahead,),
            )
        assert [failed(), failed()] == [expected, expected]


def test_metrics_want_the_token_where_a_proxy_may_ask_for_others(serve: Serve) -> None:
    # As a proxy asks that adds no header: from this machine, by this machine's name.
    with serve(OUTLAY_URL="https://costs.example.com", OUTLAY_HOSTS="costs.example.com,127.0.0.1") as proxied:
        assert proxied.ask("/metrics").status_code == 401
        assert proxied.ask("/metrics", headers={"Host": "costs.example.com"}).status_code == 401


def test_metrics_are_for_this_machine_or_for_who_has_the_token(site: Site, serve: Serve) -> None:
    assert site.ask("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 401
    for header in ("Via", "X-Real-IP", "Forwarded"):
        assert site.ask("/metrics", headers={header: "203.0.113.9"}).status_code == 401
    assert site.ask("/metrics", headers={"Host": "localhost"}).status_code == 200
    with serve(is_new=True, OUTLAY_METRICS_TOKEN="scrape-me") as guarded:
        assert guarded.ask("/metrics").status_code == 401
        assert guarded.ask("/metrics", headers={"Authorization": "Bearer scrape"}).status_code == 401
        assert guarded.ask("/metrics", headers={"Authorization": "Bearer scrape-me"}).status_code == 200


def children_of(parent: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], stdout=subprocess.PIPE, text=True, check=False)
    return [int(each) for each in listed.stdout.split()]


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_port_in_use_is_refused_with_what_to_do(bare: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-m", "outlay.web", "--port", str(taken.getsockname()[1])],
            env=bare.environ,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "choose another with --port" in done.stderr


def test_the_site_ends_when_the_process_that_keeps_it_is_killed(bare: Home) -> None:
    bare.put_back()
    with serving(bare) as site:
        workers = children_of(site.process)
        assert workers
        os.kill(site.process, signal.SIGKILL)
        assert comes_true(lambda: not any(map(is_alive, workers)))


SUPERVISOR = """
import os, subprocess, sys, time, urllib.request
port = sys.argv[1]
child = subprocess.Popen(
    [sys.executable, "-m", "outlay.web", "--port", port],
    env={**os.environ, "OUTLAY_PARENT": str(os.getpid())},
    start_new_session=True,
    stdout=subprocess.DEVNULL,
)
while child.poll() is None:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
        break
    except OSError:
        time.sleep(0.05)
sys.stdout.write(str(child.pid))
"""


def test_the_site_ends_when_its_supervisor_is_gone(bare: Home) -> None:
    words = [sys.executable, "-c", SUPERVISOR, str(free_port())]
    done = subprocess.run(words, env=bare.environ, stdout=subprocess.PIPE, text=True, check=True)
    assert comes_true(lambda: not is_alive(int(done.stdout)))


def test_what_is_wrong_with_the_server_is_for_administrators(serve: Serve) -> None:
    with serve() as site:
        with sqlite3.connect(site.home.home / "state.db") as connection:
            connection.execute("DROP TABLE state_run")
        for role, sees in (("viewer", False), ("administrator", True)):
            page = site.ask("/connections", role)
            assert page.status_code == 500
            assert ("state.db" in page.text) is sees
            assert ("not in order" in page.text) is not sees
