"""Outlay: every cloud bill in one open lake, proved to the cent.

import outlay

with outlay.open() as o:
    o.costs(by=["ServiceName"], granularity="month").to_pandas()
    o.charges  # the Ibis table
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outlay.app import Outlay

__version__ = "0.1.0"


def open(**settings: Any) -> Outlay:
    """Open the installation that the environment names; keyword arguments override single settings, such as `home`."""
    from outlay.app import Outlay
    from outlay.settings import Settings

    return Outlay(Settings.read(**settings))
