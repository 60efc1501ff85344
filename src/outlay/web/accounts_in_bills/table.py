"""The table of accounts: how it is searched, filtered and sorted. Knows nothing of requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from outlay.costs.accounts import Account

# More are found by a search.
MOST = 500
FILTERS: Mapping[str, str] = {"yes": "Connected", "no": "Not connected"}


@dataclass(frozen=True)
class Column:
    name: str
    label: str
    key: Callable[[Account], Any]
    is_number: bool = False


def _cost(each: Account) -> tuple[Decimal, str]:
    return max(each.costs.values(), default=Decimal("-Infinity")), each.account


COLUMNS: tuple[Column, ...] = (
    Column("account", "Account", lambda each: (each.account, each.payer)),
    Column("name", "Name", lambda each: (each.name.casefold(), each.account)),
    Column("unit", "Organisational unit", lambda each: ((each.unit or "").casefold(), each.account)),
    Column("payer", "Payer", lambda each: (each.payer, each.account)),
    Column("connected", "Connected", lambda each: (not each.is_connected, each.account)),
    Column("cost", "Cost", _cost, is_number=True),
    Column("first", "First seen", lambda each: (each.first, each.account)),
    Column("last", "Last seen", lambda each: (each.last, each.account)),
)


@dataclass(frozen=True)
class Wish:
    """What is to be shown, from an address; what it does not understand it leaves out."""

    search: str = ""
    connected: str = ""
    sort: str = "cost"
    is_down: bool = True

    @classmethod
    def read(cls, params: Mapping[str, str]) -> Wish:
        """Without a column the dearest stand first."""
        sort = params.get("sort", "")
        connected = params.get("connected", "")
        is_known = sort in {column.name for column in COLUMNS}
        return cls(
            params.get("q", "").strip()[:200],
            connected if connected in FILTERS else "",
            sort if is_known else "cost",
            params.get("desc") == "1" if is_known else True,
        )


def wanted(rows: Sequence[Account], wish: Wish) -> list[Account]:
    column = next(each for each in COLUMNS if each.name == wish.sort)
    return sorted((each for each in rows if _fits(each, wish)), key=column.key, reverse=wish.is_down)


def _fits(each: Account, wish: Wish) -> bool:
    if wish.connected and each.is_connected != (wish.connected == "yes"):
        return False
    text = " ".join((each.account, each.payer, each.name, each.unit or "", *each.connections, *each.connected_by))
    return all(word in text.casefold() for word in wish.search.casefold().split())
