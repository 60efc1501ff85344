"""The names that a question may use: FOCUS and `x_` columns, and one key of a column that is a map."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from outlay.errors import UnknownName, UsageError
from outlay.focus.columns import BY_NAME, COLUMNS, MAP, TEXT, Column

ALIASES = {"connection": "x_Connection"}
MAPS = tuple(column.name for column in COLUMNS if column.type == MAP)
# A flat JSON object as text, whose keys can be asked for as those of a map.
OBJECTS = ("SkuPriceDetails",)
KEYED = (*MAPS, *OBJECTS)

_BY_LOWER = {name.lower(): name for name in (*BY_NAME, *ALIASES)}


@dataclass(frozen=True)
class Name:
    """A column, or the value that one key has in it: `Tags.team`, `SkuPriceDetails.InstanceType`."""

    column: Column
    key: str | None = None

    @classmethod
    def parse(cls, text: str) -> Name:
        """Read `ServiceName`, `connection` or `Tags.<key>`; all after the first dot is the key.

        Raises UnknownName with the nearest names, and UsageError for a map without its key.
        """
        root, dot, key = text.strip().partition(".")
        column = BY_NAME.get(ALIASES.get(root, root))
        if column is None:
            raise UnknownName(f"A charge has no column {root!r}.", next=_suggestion(root))
        if dot and column.name not in KEYED:
            raise UnknownName(f"{root} has no keys, so there is no {text!r}.", next=f"Write {root} alone.")
        if (dot or column.type == MAP) and not key:
            raise UsageError(f"{root} holds many values by key.", next=f"Name one key, such as {root}.team.")
        if not is_text(key):
            raise UsageError(f"The key {key!r} of {root} is no text in UTF-8.", next="Write it in UTF-8.")
        return cls(column, key or None)

    @property
    def type(self) -> str:
        return TEXT if self.key else self.column.type

    def __str__(self) -> str:
        return f"{self.column.name}.{self.key}" if self.key else self.column.name


def is_text(value: str) -> bool:
    """What an engine takes: no NUL, and no lone surrogate, which is how Python shows bytes that are no UTF-8."""
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value)


def _suggestion(root: str) -> str:
    near = [_BY_LOWER[lower] for lower in difflib.get_close_matches(root.lower(), _BY_LOWER, n=3, cutoff=0.6)]
    if not near:
        return "Use a FOCUS column such as ServiceName, or a tag as Tags.<key>."
    named = [f"{name}.<key>" if name in KEYED else name for name in near]
    return f"Did you mean {' or '.join(named)}? A tag is Tags.<key>."
