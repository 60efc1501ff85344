"""IAM policies that Outlay needs, filled in.

`purposes` is the table of what may be allowed and why, `document` makes the document of it, `ways` writes it down.
A new purpose is a row of `PURPOSES`, a new way of writing one a row of `WAYS`.
"""

from __future__ import annotations

from collections.abc import Sequence

from outlay.aws.policies.document import Policy, Target, check, extended
from outlay.aws.policies.purposes import BY_NAME, PURPOSES, Purpose
from outlay.aws.policies.ways import WAYS, Way
from outlay.errors import UsageError

__all__ = ("PURPOSES", "WAYS", "Policy", "Purpose", "Target", "Way", "extended", "policy", "purpose", "written")

# The billing services of AWS are known in that partition alone.
_DELIVERED_IN = "aws"


def purpose(name: str) -> Purpose:
    """Raises UsageError for one that is none."""
    if name not in BY_NAME:
        raise UsageError(f"There is no policy {name!r}.", next=f"Ask for one of {', '.join(BY_NAME)}.")
    return BY_NAME[name]


def policy(purposes: str | Sequence[str], target: Target) -> Policy:
    """One document for one purpose, or for several that are attached to the same role or user.

    Raises UsageError, naming the field, for a purpose that is none and for a target that is no good for it.
    """
    chosen = [purpose(name) for name in dict.fromkeys([purposes] if isinstance(purposes, str) else purposes)]
    _check_together(chosen)
    check(target, {field for each in chosen for field in each.needs})
    if chosen[0].name == "billing-delivery" and target.partition != _DELIVERED_IN:
        raise UsageError(
            f"How AWS delivers bills in {target.partition} is not known here.", next="Follow AWS's own guide there."
        )
    values = target.values()
    # Two purposes may hold the same statement; it is needed once.
    statements = {each.sid: each.filled(values) for purpose in chosen for each in purpose.statements}
    made = Policy(
        _name(chosen, target),
        " ".join(each.about for each in chosen),
        tuple(statements.values()),
        target.caller if chosen[0].is_callers else target,
        chosen[0].kind,
    )
    return made.check_size()


def _check_together(chosen: Sequence[Purpose]) -> None:
    if not chosen:
        raise UsageError("No purpose is given.", next=f"Ask for one of {', '.join(BY_NAME)}.")
    alone = [each.name for each in chosen if each.kind != "identity" or each.is_callers]
    if alone and len(chosen) > 1:
        raise UsageError(
            f"{alone[0]} is attached elsewhere than the others.",
            next=f"Ask for {alone[0]} by itself, in a second call.",
        )


def _name(chosen: Sequence[Purpose], target: Target) -> str:
    bucket = [target.bucket] if target.bucket and any("bucket" in each.needs for each in chosen) else []
    return "-".join(["outlay", *(each.name for each in chosen), *bucket])[:128]


def written(policy: Policy, way: str) -> str:
    """Raises UsageError for a way that is none."""
    if way not in WAYS:
        raise UsageError(f"A policy cannot be written as {way!r}.", next=f"Ask for one of {', '.join(WAYS)}.")
    return WAYS[way].write(policy)
