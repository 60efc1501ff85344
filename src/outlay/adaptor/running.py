"""Runs a mapping: finds the invoice, maps its rows, and publishes them, each month to its own period."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from outlay.adaptor.adaptor import Outcome
from outlay.adaptor.invoice import Invoice, chunks, credentials_of, find
from outlay.adaptor.mapper import Mapper, located
from outlay.adaptor.mapping import Access, Mapping, Source, Target, load
from outlay.adaptor.rehearsing import Rehearsal, rehearse
from outlay.adaptor.retrying import Retries
from outlay.adaptor.state import State
from outlay.drops.drops import open_drops
from outlay.drops.publishing import Publication
from outlay.drops.rows import Ready
from outlay.drops.steps import Observer
from outlay.engine.expressions import Expressions
from outlay.errors import DeliveryError, UsageError
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.storage.spool import spool
from outlay.storage.url import Location


@dataclass(frozen=True)
class Run:
    """One run of a mapping. `again` publishes what has not changed as well, `period` takes the rows of one month."""

    mapping: Mapping
    settings: Settings
    period: BillingPeriod | None = None
    again: bool = False
    retries: Retries = field(default_factory=Retries)

    @property
    def log(self) -> logging.Logger:
        return logging.getLogger(f"outlay.adaptor.{self.mapping.name}")

    def rehearse(self) -> Outcome:
        """A dry run. Raises as `publish`."""
        return self.retries.call(self._rehearse, self.mapping.name, self.log)

    def publish(self, observer: Observer | None = None) -> Outcome:
        """Raises UsageError for a mapping that does not fit, DeliveryError with findings for rows that do not, and what
        `outlay.publish` raises. Whatever it raises, what was current stays current.
        """
        return self.retries.call(lambda: self._publish(observer), self.mapping.name, self.log)

    def _rehearse(self) -> Outcome:
        invoice = find(self.mapping.source, self.settings)
        with self._mapped(invoice) as (mapper, rows, scratch):
            target = self.mapping.target
            found: Rehearsal = rehearse(rows, self.settings, scratch, mode=target.mode, key=target.key)
        found = replace(found, findings=located(found.findings, self.mapping))
        return Outcome(
            self.period, "rehearsed", rehearsal=found, left_out=mapper.left_out, other_months=mapper.other_months
        )

    def _publish(self, observer: Observer | None) -> Outcome:
        invoice, target = find(self.mapping.source, self.settings), self.mapping.target
        state = State.of(self.settings.home, self.mapping.name, target.location)
        version, of = invoice.version(self.mapping), self.period.id if self.period else ""
        if state.versions.get(of) == version and not self.again:
            return Outcome(self.period, "unchanged")
        state.prepare()
        drops = open_drops(
            target.location,
            settings=self.settings,
            credentials=credentials_of(target.access, target.location),
            create=True,
        )
        with self._mapped(invoice) as (mapper, rows, _):
            done: Publication = drops.publish(rows, mode=target.mode, key=target.key, observer=observer)
        state.versions[of] = version
        state.save()
        done = replace(done, findings=located(done.findings, self.mapping))
        return Outcome(self.period, "published", done, left_out=mapper.left_out, other_months=mapper.other_months)

    @contextmanager
    def _mapped(self, invoice: Invoice) -> Iterator[tuple[Mapper, Ready, Path]]:
        """The rows of an invoice as CBF; faults of theirs are told with the places of the mapping."""
        source = self.mapping.source
        with spool(self.settings.spool, "adaptor") as scratch, Expressions(scratch) as expressions:
            mapper = Mapper(self.mapping, expressions, source.floats, self.period, self.settings.max_columns)
            try:
                yield mapper, Ready(mapper.chunks(chunks(invoice, source, self.settings, scratch))), scratch
            except DeliveryError as error:
                raise _located(error, self.mapping) from error


def _located(error: DeliveryError, mapping: Mapping) -> DeliveryError:
    found = located(error.findings, mapping)
    message = error.message
    for before, after in zip(error.findings, found, strict=True):
        message = message.replace(before.message, after.message, 1) if before.message in message else message
    return DeliveryError(message, next=error.next, findings=found)


def open_run(
    file: Path | str,
    *,
    settings: Settings | None = None,
    source: str = "",
    to: str = "",
    access: Access | None = None,
    period: BillingPeriod | None = None,
    again: bool = False,
) -> Run:
    """A run of the mapping in a YAML file; `source` and `to` take the place of its own, `access` of what it lacks.

    Raises UsageError that names line and column.
    """
    mapping = load(Path(file))
    reached = access or Access()
    read, target = mapping.source, mapping.target
    read = replace(read, location=source or read.location, access=_either(read.access, reached))
    target = replace(target, location=to or target.location, access=_either(target.access, reached))
    _check_apart(read, target)
    return Run(replace(mapping, source=read, target=target), settings or Settings.read(), period, again)


def _check_apart(source: Source, target: Target) -> None:
    """Raises UsageError: drops among the files of an invoice would be read as part of it."""
    read, written = f"{Location.parse(source.location)}/", f"{Location.parse(target.location)}/"
    if written.startswith(read):
        raise UsageError(
            f"The drops at {target.location} would lie among the files of the invoice.",
            next="Choose a place for them that is not below from: of the source.",
        )


def _either(own: Access, given: Access) -> Access:
    return own if own.profile or own.role_arn else given
