"""The billing exports of AWS accounts, as commands, pages and the API ask for them: found and made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outlay.app import Outlay
from outlay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outlay.aws.exports import Found, FoundExport
    from outlay.aws.making import Plan, Step, Wish
    from outlay.aws.sessions import Credentials, Identity, Session
    from outlay.state.new import NewConnection


@dataclass(frozen=True)
class Access:
    """How AWS is asked: as a connection is (`access_of`), or by what is given; by nothing, as Outlay itself runs.

    `region` is where STS is asked.
    """

    access_of: str = ""
    profile: str = ""
    role_arn: str = ""
    external_id: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    region: str = ""


@dataclass(frozen=True)
class Account:
    """Who the access is, and what it sees."""

    identity: Identity
    found: Found

    def as_dict(self) -> dict[str, Any]:
        identity = self.identity
        return {
            "account": identity.account,
            "name": identity.name or None,
            "standing": identity.standing,
            "payer": identity.payer or None,
            "exports": [each.as_dict() for each in self.found.exports],
            "denied": [
                {"action": error.action, "message": error.message, "next": error.next} for error in self.found.denied
            ],
        }


def exports(o: Outlay, access: Access) -> Account:
    """The reports and exports of the account, each with its checklist; nothing is picked.

    Raises UsageError for access that breaks a rule, UnknownName, and AccessError for what AWS refuses.
    """
    from outlay.aws.exports import exports_found
    from outlay.aws.sessions import who_am_i

    session = opened(o, access)
    identity = who_am_i(session)
    return Account(identity, exports_found(session, identity))


def export_of(o: Outlay, name: str) -> FoundExport:
    """The export that a connection reads, with its checklist, as AWS tells of it now and as its bills show.

    Raises UnknownName, UsageError for a connection that has no access to AWS, and AccessError: NotFound when AWS has
    none of that name and place.
    """
    from outlay.aws.exports import exports_found
    from outlay.aws.sessions import who_am_i
    from outlay.errors import NotFound

    row = o.connection(name).row
    session = opened(o, Access(access_of=name))
    found = exports_found(session, who_am_i(session), tags_seen=tags_seen(o, name))
    there = [each for each in found.exports if is_read(row.location, row.export, each)]
    if not there and found.hidden:
        raise found.hidden[0]
    if len(there) != 1:
        raise NotFound(
            f"AWS tells of {len(there) or 'no'} exports that lie at {row.location}.",
            next="See all that it has with outlay aws exports; an export of another account is not told.",
        )
    return there[0]


def is_read(location: str, name: str, export: FoundExport) -> bool:
    """Does a connection read it that has this location, the export's own folder or any above it, and export name?"""
    own = f"{export.location}/{export.name}/"
    return f"{own}".startswith(f"{location.rstrip('/')}/") and name in ("", export.name)


def tags_seen(o: Outlay, name: str) -> bool | None:
    """Whether a charge of the newest month has a tag; None where there is no month, or no time to look."""
    from outlay.costs.comparing import has_tags
    from outlay.errors import Busy, TooSlow

    live = {key.period: each for key, each in o.lake.seen().live.items() if key.connection == name}
    files = list(live[max(live)].files) if live else []
    if not files:
        return None
    try:
        return o.desk.look(lambda session: has_tags(session, files))
    except (Busy, TooSlow):
        return None


@dataclass(frozen=True)
class Making:
    """A plan, and the session that it was made with."""

    access: Access
    session: Session = field(repr=False)
    plan: Plan

    def carry_out(self) -> Iterator[Step]:
        """Each step when it is done. Raises AccessError; what was done until then stays."""
        from outlay.aws.making import carry_out

        yield from carry_out(self.session, self.plan)

    def connection(self, name: str, *, arn: str = "") -> NewConnection:
        """One that waits for the first delivery, with the same access. `arn` is that of the last step."""
        from outlay.state.new import NewConnection

        access = self.access
        return NewConnection(
            name,
            "aws",
            self.plan.location,
            export=self.plan.wish.name,
            profile=access.profile,
            role_arn=access.role_arn,
            external_id=access.external_id,
            access_key_id=access.access_key_id,
            secret_access_key=access.secret_access_key,
            access_of=access.access_of,
            made_export=arn or self.plan.wish.name,
        )


def making(o: Outlay, access: Access, wish: Wish) -> Making:
    """What would be made; nothing is. Raises UsageError naming the field, UnknownName and AccessError."""
    from outlay.aws.making import faults, plan
    from outlay.aws.sessions import who_am_i

    # Before anything is asked of AWS.
    for error in faults(wish).values():
        raise error
    session = opened(o, access)
    return Making(access, session, plan(session, who_am_i(session), wish))


def opened(o: Outlay, access: Access) -> Session:
    """Nothing is asked of AWS yet. Raises UsageError and UnknownName."""
    from outlay.aws.sessions import Session

    return Session(_of_connection(o, access.access_of) if access.access_of else _given(o, access))


def _of_connection(o: Outlay, name: str) -> Credentials:
    from outlay.aws.sessions import Credentials

    given = o.credentials(o.connection(name).row)
    if not isinstance(given, Credentials):
        raise UsageError(
            f"{name} does not read from S3, so it has no access to AWS.",
            next="Name a connection that does, or give --profile or --role-arn.",
            field="access_of",
        )
    return given


def _given(o: Outlay, access: Access) -> Credentials:
    """By the rules of connections. Raises UsageError naming the field."""
    from outlay.aws.sessions import Credentials

    _ = o.memory
    from outlay.state import connections
    from outlay.state.new import NewConnection

    said = NewConnection(
        *("access", "linked", ""),
        profile=access.profile,
        role_arn=access.role_arn,
        external_id=access.external_id,
        access_key_id=access.access_key_id,
        secret_access_key=access.secret_access_key,
    )
    for error in connections.faults(said).values():
        raise error
    is_key = bool(access.access_key_id)
    return Credentials(
        profile=access.profile,
        role_arn=access.role_arn,
        external_id=access.external_id,
        access_key=(access.access_key_id, access.secret_access_key) if is_key else None,
        region=access.region or ("" if access.profile else o.settings.s3_region or ""),
    )


def own_principal() -> str:
    """The ARN of the role or user that Outlay runs as, as AWS tells it; blank where it does not."""
    from outlay.aws.naming import principal_of
    from outlay.aws.sessions import Credentials, Session
    from outlay.errors import AccessError

    try:
        return principal_of(str(Session(Credentials()).ask("sts", "GetCallerIdentity")["Arn"]))
    except AccessError:
        return ""


def account_of(role_arn: str) -> str:
    """Blank for what is no role's ARN."""
    from outlay.aws.naming import role_parts

    parts = role_parts(role_arn)
    return parts[1] if parts else ""
