"""A resource, a kind of resource, and one kind's look into one region of an account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from outlay.errors import Denied, NotFound

if TYPE_CHECKING:
    from outlay.aws.sessions import Session

# What a policy of AWS decides, be it the caller's own or its organisation's.
_POLICIES = frozenset(("missing-permission", "forbidden"))


@dataclass(frozen=True)
class Resource:
    """`region` is blank for what lies in none. `details` are the kind's own fields, as JSON has them.

    What changes by itself, such as when a key was used last, is told by the day: each change is kept.
    """

    kind: str
    account: str
    region: str
    id: str
    arn: str
    name: str
    state: str
    created: datetime | None
    tags: Mapping[str, str]
    details: Mapping[str, Any]


@dataclass
class Look:
    """Into `region` of an account; of kinds that lie in no region, into the one where AWS tells of them.

    `size` is how many a page holds at most, where AWS lets it be chosen; `is_over` ends the look between two pages.
    `missing` are permissions without which a part of the resources stays unknown, each with what AWS said; `refusals`
    counts those parts.
    """

    session: Session
    account: str
    partition: str
    region: str
    size: int | None = None
    is_over: Callable[[], bool] = lambda: False
    missing: dict[str, Denied] = field(default_factory=dict)
    refusals: int = 0

    def all(self, service: str, operation: str, key: str, *, action: str = "", **parameters: Any) -> Iterator[Any]:
        """What lies under `key` on every page. Raises AccessError."""
        found = self.session.paged(
            *(service, operation, key),
            region=self.region,
            action=action or f"{service}:{operation}",
            size=self.size,
            **parameters,
        )
        for each in found:
            if self.is_over():
                raise Abandoned
            yield each

    def ask(
        self, service: str, operation: str, *, region: str = "", action: str = "", what: str = "", **asked: Any
    ) -> Any:
        if self.is_over():
            raise Abandoned
        return self.session.ask(service, operation, region=region or self.region, action=action, what=what, **asked)

    def part(self, ask: Callable[[], Any]) -> Any:
        """A part of a resource: None where there is none, or where a permission is missing, which is told once."""
        try:
            return ask()
        except NotFound:
            return None
        except Denied as error:
            self.refused(error)
            return None

    def refused(self, error: Denied) -> None:
        """Told once, where a policy refuses it. Raises what says that nothing else will be answered either."""
        if error.reason not in _POLICIES:
            raise error
        self.refusals += 1
        self.missing.setdefault(error.action, error)

    def arn(self, service: str, rest: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{rest}"

    def made(
        self,
        kind: str,
        id: str,
        arn: str,
        *,
        name: str = "",
        state: str = "",
        created: datetime | None = None,
        tags: Iterable[Mapping[str, str]] = (),
        region: str | None = None,
        **details: Any,
    ) -> Resource:
        """`tags` as AWS has them. Without a name the tag `Name` is it. Details that AWS does not tell are left out."""
        named = {each["Key"]: each.get("Value", "") for each in tags}
        told = {key: plain(value) for key, value in details.items() if value not in (None, "", [], {})}
        where = self.region if region is None else region
        began = _utc(created) if created else None
        return Resource(kind, self.account, where, id, arn, name or named.get("Name", ""), state, began, named, told)


class Abandoned(Exception):
    """The look is over before its end: what it has found is not the whole."""


@dataclass(frozen=True)
class Kind:
    """`find` yields all resources of the kind that a look shows. `actions` are the permissions that it needs.

    Where it is not `is_regional`, one look tells of the whole account. Where ids are `is_unique`, no two accounts have
    the same one, so that a resource with a known id has moved. `size` is how many AWS gives by the page at most.
    """

    name: str
    title: str
    actions: tuple[str, ...]
    find: Callable[[Look], Iterator[Resource]]
    is_regional: bool = True
    is_unique: bool = True
    size: int | None = None


def plain(value: Any) -> Any:
    """As JSON has it: times by the second in UTC, dates by the day."""
    if isinstance(value, datetime):
        return _utc(value).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def day(value: datetime | None) -> date | None:
    return _utc(value).date() if value else None
