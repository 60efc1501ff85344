"""`/metrics` in Prometheus' text."""

from __future__ import annotations

import hmac
import ipaddress
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from outlay.web.accounts.addresses import address_of
from outlay.web.core import installation
from outlay.web.health import worker


def metrics(request: HttpRequest) -> HttpResponse:
    """For who sends OUTLAY_METRICS_TOKEN as bearer; when that is not set, for this machine alone.

    Where the site is behind a proxy, or goes by a name that others reach, nobody can tell who asks: then by token only.
    """
    if not _may(request):
        return HttpResponse(_REFUSED, status=401, content_type="text/plain", headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(generate_latest(_registry), content_type=CONTENT_TYPE_LATEST)


_REFUSED = (
    "Send OUTLAY_METRICS_TOKEN as “Authorization: Bearer …”. Without one, ask from the machine of the site, by its "
    "loopback address and not through a proxy.\n"
)


def _may(request: HttpRequest) -> bool:
    token = installation().metrics_token
    if token:
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(sent.encode(), token.encode())
    return _is_loopback(address_of(request)) and not _is_for_others(request)


def _is_for_others(request: HttpRequest) -> bool:
    """A proxy on this machine asks for others, whether it says so or not."""
    settings = installation()
    if settings.proxies or any(name in request.headers for name in _PROXIED):
        return True
    addresses = [f"//{request.get_host()}", *([settings.url] if settings.url else [])]
    return not all(_is_loopback(urlsplit(each).hostname or "") for each in addresses)


_PROXIED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via")


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


# Of runs that are recorded at once, one with a lower number may be seen later.
_LATE = 100


class _Figures(Collector):
    """Runs are counted once each, so that a scrape costs what is new since the one before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        self._recent: set[int] = set()
        self._runs: Counter[tuple[str, str]] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._steps: Counter[str] = Counter()

    def collect(self) -> Iterator[Any]:
        with self._lock:
            self._count_new_runs()
            runs, seconds, steps = dict(self._runs), dict(self._seconds), dict(self._steps)
        yield from _of_connections()
        ended = CounterMetricFamily("outlay_runs", "Runs by their outcome.", labels=("connection", "outcome"))
        for (connection, outcome), number in sorted(runs.items()):
            ended.add_metric((connection, outcome), number)
        yield ended
        took = CounterMetricFamily("outlay_step_seconds", "Seconds that the steps of runs took.", labels=("step",))
        done = CounterMetricFamily("outlay_steps", "Steps of runs that were done.", labels=("step",))
        for step in sorted(seconds):
            took.add_metric((step,), seconds[step])
            done.add_metric((step,), steps[step])
        yield took
        yield done

    def _count_new_runs(self) -> None:
        from outlay.state.models import Run

        rows = Run.objects.filter(pk__gt=self._last - _LATE).exclude(pk__in=self._recent).order_by("pk")
        for pk, connection, outcome, steps in rows.values_list("pk", "connection_id", "outcome", "steps").iterator():
            self._last = max(self._last, pk)
            self._recent.add(pk)
            self._runs[connection, outcome] += 1
            for step, seconds in steps:
                self._seconds[step] += seconds
                self._steps[step] += 1
        self._recent = {pk for pk in self._recent if pk > self._last - _LATE}


def _of_connections() -> Iterator[Any]:
    from outlay.state.memory import DatabaseMemory
    from outlay.state.models import Connection

    now, delivered = timezone.now(), DatabaseMemory().last_delivered()
    age = GaugeMetricFamily(
        "outlay_newest_delivery_age_seconds", "Seconds since a delivery was committed.", labels=("connection",)
    )
    checked = GaugeMetricFamily("outlay_last_check_age_seconds", "Seconds since a check.", labels=("connection",))
    for row in Connection.objects.all():
        if row.name in delivered:
            age.add_metric((row.name,), (now - delivered[row.name]).total_seconds())
        if row.checked_at:
            checked.add_metric((row.name,), (now - row.checked_at).total_seconds())
    yield age
    yield checked
    found = worker(now)
    overdue = found["overdue_seconds"]
    yield GaugeMetricFamily("outlay_overdue_seconds", "Seconds that the oldest due check waits.", value=overdue)
    yield GaugeMetricFamily("outlay_workers", "Workers that run.", value=found["workers"])


_registry = CollectorRegistry()
_registry.register(_Figures())
