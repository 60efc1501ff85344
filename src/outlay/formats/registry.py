"""Every format, by the name that layouts give."""

from __future__ import annotations

from outlay.formats.base import Format
from outlay.formats.cbf import Cbf
from outlay.formats.cur import Cur
from outlay.formats.focus import Focus

FORMATS: dict[str, Format] = {each.name: each for each in (Cbf(), Cur(), Focus())}
