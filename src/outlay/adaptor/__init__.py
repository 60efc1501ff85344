"""Adaptors: a vendor's bill becomes AnyCost drops, by a mapping in YAML or by a class of one's own.

`outlay.adaptor.testing` has what a test of an adaptor needs.
"""

from __future__ import annotations

from outlay.adaptor.adaptor import Adaptor, Outcome, Report
from outlay.adaptor.rehearsing import Rehearsal
from outlay.adaptor.retrying import Retries
from outlay.adaptor.running import Run, open_run
from outlay.adaptor.state import State

__all__ = ["Adaptor", "Outcome", "Rehearsal", "Report", "Retries", "Run", "State", "open_run"]
