"""The columns to group and filter by, as a list to choose from, and what people call them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from outlay.costs.desk import Desk
from outlay.costs.names import KEYED, MAPS
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
    """Groups of (name, label), with `chosen` among them whatever they are. Raises Busy and TooSlow."""
    groups = _KNOWN.of(desk)
    known = {name for _, names in groups for name, _ in names}
    missing = [(name, label(name)) for name in dict.fromkeys(chosen) if name and name not in known]
    return [("Chosen", missing), *groups] if missing else groups


class _Known:
    """The groups of a desk, looked at anew once a minute: keys are asked of the lake, which takes its time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._found: tuple[Desk, float, list[Group]] | None = None

    def of(self, desk: Desk) -> list[Group]:
        # Threads that find nothing at the same time each ask, and the last one's answer stays.
        found = self._found
        if found is None or found[0] is not desk or time.monotonic() > found[1]:
            found = desk, time.monotonic() + self._seconds, _groups(desk)
            self._found = found
        return found[2]


_KNOWN = _Known(60)


def _groups(desk: Desk) -> list[Group]:
    groups: list[Group] = [("Usual", list(USUAL.items()))]
    for column in MAPS:
        keys = [f"{column}.{key}" for key in desk.keys(column, limit=_MOST_KEYS)]
        groups.append((_MAPS[column][1], [(name, label(name)) for name in keys]))
    others = [column.name for column in COLUMNS if column.name not in USUAL and column.name not in KEYED]
    groups.append(("All other columns", [(name, label(name)) for name in others]))
    return [(title, names) for title, names in groups if names]
