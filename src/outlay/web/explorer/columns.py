"""The columns to group and filter by, as a list to choose from, and what people call them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from outlay.costs.desk import Desk
from outlay.costs.names import KEYED
from outlay.errors import Busy, TooSlow
from outlay.focus.columns import COLUMNS

Group = tuple[str, list[tuple[str, str]]]

# What people ask by most, in this order; the others go by their FOCUS names.
USUAL: Mapping[str, str] = MappingProxyType(
    {
        "ServiceName": "Service",
        "ServiceCategory": "Service category",
        "ServiceProviderName": "Provider",
        "x_Connection": "Connection",
        "BillingAccountId": "Billing account",
        "SubAccountId": "Account",
        "SubAccountName": "Account name",
        "RegionId": "Region",
        "ResourceId": "Resource",
        "ResourceName": "Resource name",
        "ResourceType": "Resource type",
        "ChargeCategory": "Charge category",
        "PricingCategory": "Pricing category",
        "CommitmentDiscountStatus": "Commitment status",
        "x_UsageType": "Usage type",
    }
)
_FURTHER: Mapping[str, str] = MappingProxyType(
    {"ChargeDescription": "Description", "ChargePeriodStart": "Starts", "BillingCurrency": "Currency"}
)
# One key of a map, and all of them.
_MAPS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Tags": ("Tag", "Tags"),
        "AllocatedTags": ("Allocated tag", "Allocated tags"),
        "x_CostCategories": ("Cost category", "Cost categories"),
        "x_Discounts": ("Discount", "Discounts"),
    }
)
# Keys of each map that are offered, those on most charges first; any other can be written into the address.
_MOST_KEYS = 100


def label(name: str) -> str:
    """`Service` for `ServiceName`, `Tag team` for `Tags.team`."""
    root, dot, key = name.partition(".")
    return f"{_MAPS.get(root, (root, root))[0]} {key}" if dot else USUAL.get(name) or _FURTHER.get(name, name)


def choices(desk: Desk, chosen: Iterable[str] = ()) -> list[Group]:
    """Groups of (name, label), with `chosen` among them whatever they are."""
    groups = _KNOWN.of(desk)
    known = {name for _, names in groups for name, _ in names}
    missing = [(name, label(name)) for name in dict.fromkeys(chosen) if name and name not in known]
    return [("Chosen", missing), *groups] if missing else groups


class _Known:
    """The groups of a desk, looked at anew once a minute: keys are asked of the lake, which takes its time.

    When they cannot be had they are as they were, at first without any key: no page is lost for the want of them.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._found: tuple[Desk, float, list[Group]] | None = None

    def of(self, desk: Desk) -> list[Group]:
        # Threads that find nothing at the same time each ask, and the last one's answer stays.
        found = self._found if self._found and self._found[0] is desk else None
        if found and time.monotonic() <= found[1]:
            return found[2]
        until, known = time.monotonic() + self._seconds, found[2] if found else _groups({})
        try:
            known = _groups(desk.offered_keys(_MOST_KEYS))
        except TooSlow:
            _log.info("The keys of tags could not be listed in time; they are offered as they were.")
        except Busy:
            return known
        self._found = desk, until, known
        return known


_KNOWN = _Known(60)
_log = logging.getLogger("outlay.web")


def _groups(offered: Mapping[str, Iterable[str]]) -> list[Group]:
    groups: list[Group] = [("Usual", list(USUAL.items()))]
    for column, keys in offered.items():
        names = [f"{column}.{key}" for key in keys]
        groups.append((_MAPS[column][1], [(name, label(name)) for name in names]))
    others = [column.name for column in COLUMNS if column.name not in USUAL and column.name not in KEYED]
    groups.append(("All other columns", [(name, label(name)) for name in others]))
    return [(title, names) for title, names in groups if names]
