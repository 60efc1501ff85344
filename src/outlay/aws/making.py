"""A billing export that is made: what would be created, shown first, then step by step. Nothing is ever deleted.

A step that is there already is left alone, so that a plan can be made and carried out again after a failure.
Sources: the AWS Billing API reference (`PutReportDefinition`, `CreateExport`, `GetTable`), the S3 API reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Literal

from outlay.aws.exports import KINDS, NEEDED, Found, FoundExport, Kind, billing_region, exports_found
from outlay.aws.naming import check_bucket, check_path
from outlay.aws.policies import Policy, Target, extended, policy
from outlay.aws.sessions import Identity, Session
from outlay.errors import NotFound, UsageError

Format = Literal["csv", "parquet"]
Granularity = Literal["hourly", "daily"]
Versioning = Literal["overwrite", "new version"]

# What can be made, the usual first; and the table of each data export.
MADE: tuple[Kind, ...] = ("cur-2.0", "legacy-cur", "focus-1.2")
_TABLES: Mapping[Kind, str] = MappingProxyType({"cur-2.0": "COST_AND_USAGE_REPORT", "focus-1.2": "FOCUS_1_2_AWS"})
FORMATS: Mapping[Format, tuple[str, str]] = MappingProxyType(
    {"parquet": ("PARQUET", "PARQUET"), "csv": ("TEXT_OR_CSV", "GZIP")}
)
_REPORT_FORMATS: Mapping[Format, tuple[str, str]] = MappingProxyType(
    {"parquet": ("Parquet", "Parquet"), "csv": ("textORcsv", "GZIP")}
)
GRANULARITIES: tuple[Granularity, ...] = ("hourly", "daily")
VERSIONINGS: Mapping[Versioning, str] = MappingProxyType(
    {"overwrite": "OVERWRITE_REPORT", "new version": "CREATE_NEW_REPORT"}
)
FIRST_DELIVERY = "AWS delivers the first file within 24 hours."


@dataclass(frozen=True)
class Wish:
    """What a user asks for. `region` is the bucket's: blank for where it is, or, of a new one, us-east-1.

    `is_new_bucket`: the bucket is to be made. One that is there is never made anew, nor closed, nor encrypted.
    """

    name: str
    bucket: str
    prefix: str
    kind: str = "cur-2.0"
    is_new_bucket: bool = False
    region: str = ""
    format: str = "parquet"
    granularity: str = "hourly"
    split_cost: bool = False
    versioning: str = "overwrite"


def _one_of(field: str, names: Iterable[str]) -> Callable[[Wish], None]:
    known = tuple(names)

    def check(wish: Wish) -> None:
        given = getattr(wish, field)
        if given not in known:
            raise UsageError(f"{given!r} is not known here.", next=f"Choose one of {', '.join(known)}.", field=field)

    return check


def _matches(field: str, pattern: str, next: str) -> Callable[[Wish], None]:
    def check(wish: Wish) -> None:
        given = getattr(wish, field)
        if not re.fullmatch(pattern, given, re.ASCII):
            raise UsageError(f"{given!r} cannot be the {field} of an export.", next=next, field=field)

    return check


def _check_prefix(wish: Wish) -> None:
    try:
        check_path(wish.prefix)
    except UsageError as error:
        raise UsageError(error.message, next=error.next, field="prefix") from error


def _check_split(wish: Wish) -> None:
    if wish.split_cost and wish.kind == "focus-1.2":
        raise UsageError(
            "AWS has no split cost allocation data in FOCUS.",
            next="Leave it out, or make a CUR.",
            field="split_cost",
        )


# By field: what a wish has to keep to, before anything is asked of AWS.
RULES: Mapping[str, Callable[[Wish], object]] = MappingProxyType(
    {
        "kind": _one_of("kind", MADE),
        "name": _matches("name", r"[0-9A-Za-z_-]{1,128}", "Use up to 128 letters, digits, hyphens and underscores."),
        "bucket": lambda wish: check_bucket(wish.bucket),
        "prefix": _check_prefix,
        "prefix letters": _matches(
            "prefix", r"[0-9A-Za-z!_.*'()/-]{1,256}", "Use up to 256 letters, digits and any of ! - _ . * ' ( ) /"
        ),
        "region": _matches("region", r"([a-z]{2,4}(-[a-z]+)+-\d)?", "Give a region of AWS, such as eu-central-1."),
        "format": _one_of("format", FORMATS),
        "granularity": _one_of("granularity", GRANULARITIES),
        "versioning": _one_of("versioning", VERSIONINGS),
        "split_cost": _check_split,
    }
)


def faults(wish: Wish) -> dict[str, UsageError]:
    """Every rule that is broken, by the field that breaks it."""
    found: dict[str, UsageError] = {}
    for rule in RULES.values():
        try:
            rule(wish)
        except UsageError as error:
            found.setdefault(error.field, error)
    return found


@dataclass(frozen=True)
class Step:
    """`request` is what AWS is asked, word for word; `is_there`: nothing is left to do.

    `arn` is what AWS calls the export, once that is there; blank for a legacy report.
    """

    name: str
    title: str
    request: Mapping[str, Any]
    is_there: bool = False
    arn: str = ""

    @property
    def as_text(self) -> str:
        return json.dumps(self.request, indent=2)

    def as_dict(self) -> dict[str, Any]:
        return {"step": self.name, "title": self.title, "there": self.is_there, "request": dict(self.request)}


@dataclass(frozen=True)
class Plan:
    """`notes` are what one should know before. `location` and the export's name make a connection of it."""

    wish: Wish
    account: str
    region: str
    partition: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()

    @property
    def location(self) -> str:
        return f"s3://{self.wish.bucket}/{self.wish.prefix}"

    @property
    def is_done(self) -> bool:
        return all(step.is_there for step in self.steps)

    @property
    def mark(self) -> str:
        """The same as long as the same would be done: what was shown is what is carried out."""
        told = [self.account, self.region, *(step.as_dict() for step in self.steps)]
        return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]

    def as_dict(self) -> dict[str, Any]:
        return {
            "account": self.account,
            "export": self.wish.name,
            "kind": self.wish.kind,
            "location": self.location,
            "region": self.region,
            "steps": [step.as_dict() for step in self.steps],
            "notes": list(self.notes),
        }


def plan(session: Session, identity: Identity, wish: Wish) -> Plan:
    """Exactly what would be created; nothing is. Raises UsageError naming the field, and AccessError."""
    for error in faults(wish).values():
        raise error
    _check_payer(identity)
    looking = _Looking(session, identity, wish)
    region, is_there = looking.bucket()
    bucket = looking.made_bucket(region, is_there=is_there) if wish.is_new_bucket else ()
    steps = (*bucket, looking.policy(region, is_there=is_there), looking.made_export(region, looking.export()))
    return Plan(wish, identity.account, region, identity.partition, steps, tuple(_notes(identity)))


def carry_out(session: Session, plan: Plan) -> Iterator[Step]:
    """Each step when it is done, those that were there already, too. Raises AccessError for one that AWS refuses.

    What was done until then stays; plan anew, and carry that out.
    """
    for step in plan.steps:
        arn = step.arn if step.is_there else _DOING[step.name](session, plan, step)
        yield replace(step, is_there=True, arn=arn)


def _check_payer(identity: Identity) -> None:
    if identity.pays is False:
        raise UsageError(
            f"{identity.account} is a linked account: {identity.payer} pays for it, and its export would hold its own "
            "charges alone.",
            next=f"Make the export with access to the account {identity.payer}.",
        )


def _notes(identity: Identity) -> Iterator[str]:
    if identity.pays is None:
        yield (
            f"It may not be seen whether another account pays for {identity.account}; if one does, the export holds "
            "the charges of this account alone. Allow organizations:DescribeOrganization to see it."
        )


# Looking


@dataclass(frozen=True)
class _Looking:
    session: Session
    identity: Identity
    wish: Wish

    @property
    def _owned(self) -> dict[str, str]:
        """A bucket of that name may be somebody else's, who would read the bill."""
        return {"Bucket": self.wish.bucket, "ExpectedBucketOwner": self.identity.account}

    def bucket(self) -> tuple[str, bool]:
        """Its region, and whether it is there."""
        wish = self.wish
        try:
            answer = self.session.ask(
                *("s3", "GetBucketLocation"),
                region=billing_region(self.identity.partition),
                what=f"the bucket {wish.bucket}, if it is of this account at all",
                **self._owned,
            )
        except NotFound:
            if not wish.is_new_bucket:
                raise UsageError(
                    f"There is no bucket {wish.bucket}.",
                    next="Correct its name, or have it made: choose a new bucket.",
                    field="bucket",
                ) from None
            return wish.region or billing_region(self.identity.partition), False
        # The oldest regions have names of their own.
        told = answer.get("LocationConstraint") or "us-east-1"
        region = {"EU": "eu-west-1"}.get(told, told)
        if wish.region not in ("", region):
            raise UsageError(
                f"The bucket {wish.bucket} is in {region}, not in {wish.region}.",
                next=f"Leave the region out or give {region}, or choose another bucket.",
                field="region",
            )
        return region, True

    def made_bucket(self, region: str, *, is_there: bool) -> tuple[Step, ...]:
        """One that an earlier attempt left is gone on with, as long as it is empty."""
        if is_there and self._holds_files(region):
            raise UsageError(
                f"The bucket {self.wish.bucket} is there already, and holds files.",
                next="Give it as one that exists, which is changed in nothing but its policy, or choose another name.",
                field="bucket",
            )
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        name = {"Bucket": self.wish.bucket}
        return (
            Step("bucket", f"Make the bucket {self.wish.bucket} in {region}", {**name, **where}, is_there),
            Step(
                "private", "Close it to the public", {**self._owned, "PublicAccessBlockConfiguration": dict(_PRIVATE)}
            ),
            Step(
                "encrypted",
                "Encrypt what is put into it",
                {**self._owned, "ServerSideEncryptionConfiguration": _ENCRYPTED},
            ),
        )

    def _holds_files(self, region: str) -> bool:
        answer = self.session.ask(
            *("s3", "ListObjectsV2"),
            region=region,
            action="s3:ListBucket",
            what=f"the bucket {self.wish.bucket}",
            MaxKeys=1,
            **self._owned,
        )
        return bool(answer.get("KeyCount"))

    def policy(self, region: str, *, is_there: bool) -> Step:
        """With all that stands in it now."""
        existing = self._policy(region) if is_there else ""
        there = _statements(existing)
        made = self._delivery(there)
        is_same = all(each.as_dict() in there for each in made.statements)
        document = extended(made, existing).document() if existing else made.document()
        kept = len(document["Statement"]) - len(made.statements)
        also = f", and keep the {kept} statement{'s' if kept > 1 else ''} of its policy" if kept else ""
        title = f"Let AWS's billing services write into {self.wish.bucket}{also}"
        return Step("policy", title, {**self._owned, "Policy": document}, is_same)

    def _delivery(self, there: list[Any]) -> Policy:
        """A statement that is there by the same name is perhaps another payer's, and is kept: ours gets another."""
        made = policy("billing-delivery", Target(self.wish.bucket, account=self.identity.account))
        taken = {each.get("Sid") for each in there}
        own = [
            replace(each, sid=f"{each.sid}{self.identity.account}")
            if each.sid in taken and each.as_dict() not in there
            else each
            for each in made.statements
        ]
        return replace(made, statements=tuple(own))

    def _policy(self, region: str) -> str:
        what = f"the bucket {self.wish.bucket}"
        try:
            return str(self.session.ask("s3", "GetBucketPolicy", region=region, what=what, **self._owned)["Policy"])
        except NotFound:
            return ""

    def export(self) -> FoundExport | None:
        """One of that name that is as it is wished. Raises UsageError for one that is another."""
        found = exports_found(self.session, self.identity)
        _raise_hidden(found)
        there = next((each for each in found.exports if each.name == self.wish.name), None)
        if there is None:
            return None
        differs = [name for name, wanted in _as_found(self.wish).items() if getattr(there, name) != wanted]
        if differs:
            raise UsageError(
                f"The account has {there.name} already, which differs in {', '.join(differs)}.",
                next="Choose another name, or connect the one that is there.",
                field="name",
            )
        return there

    def made_export(self, region: str, there: FoundExport | None) -> Step:
        wish = self.wish
        title = f"Make the {KINDS[_kind(wish)]} {wish.name}"
        if there:
            return Step("export", title, {}, is_there=True, arn=there.arn)
        if wish.kind == "legacy-cur":
            return Step("export", title, {"ReportDefinition": _report(wish, region)})
        return Step("export", title, {"Export": _export(wish, region, self._columns())})

    def _columns(self) -> list[str]:
        """All that the table has with these settings: a query has to name them."""
        table = _TABLES[_kind(self.wish)]
        answer = self.session.ask(
            *("bcm-data-exports", "GetTable"),
            region=billing_region(self.identity.partition),
            what=f"the table {table}",
            TableName=table,
            TableProperties=_settings(self.wish),
        )
        columns = [each["Name"] for each in answer["Schema"]]
        missing = [name for name in NEEDED[_kind(self.wish)] if name not in columns]
        if missing:
            raise NotFound(
                f"AWS's table {table} lacks {', '.join(missing)}, without which there are no charges.",
                next="Make an export of another kind.",
            )
        return columns


def _statements(existing: str) -> list[Any]:
    found = json.loads(existing).get("Statement", []) if existing else []
    return found if isinstance(found, list) else [found]


def _raise_hidden(found: Found) -> None:
    """Without the lists it cannot be known whether the export is there."""
    for error in found.hidden:
        raise error


def _kind(wish: Wish) -> Kind:
    return next(kind for kind in MADE if kind == wish.kind)


def _as_found(wish: Wish) -> dict[str, Any]:
    """As `exports_found` would tell of it, resource ids on as ever."""
    return {
        "kind": wish.kind,
        "bucket": wish.bucket,
        "prefix": wish.prefix,
        "granularity": wish.granularity,
        "format": wish.format,
        "versioning": wish.versioning,
        "split_cost": wish.split_cost,
        "resource_ids": True,
        "why_not": "",
    }


_PRIVATE = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
_ENCRYPTED = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}


def _report(wish: Wish, region: str) -> dict[str, Any]:
    format, compression = _REPORT_FORMATS["csv" if wish.format == "csv" else "parquet"]
    return {
        "ReportName": wish.name,
        "TimeUnit": wish.granularity.upper(),
        "Format": format,
        "Compression": compression,
        "AdditionalSchemaElements": ["RESOURCES", *(["SPLIT_COST_ALLOCATION_DATA"] if wish.split_cost else [])],
        "S3Bucket": wish.bucket,
        "S3Prefix": wish.prefix,
        "S3Region": region,
        "RefreshClosedReports": True,
        "ReportVersioning": _versioning(wish),
    }


def _export(wish: Wish, region: str, columns: list[str]) -> dict[str, Any]:
    table = _TABLES[_kind(wish)]
    format, compression = FORMATS["csv" if wish.format == "csv" else "parquet"]
    return {
        "Name": wish.name,
        "DataQuery": {
            "QueryStatement": " ".join(("SELECT", ", ".join(columns), "FROM", table)),
            "TableConfigurations": {table: _settings(wish)},
        },
        "DestinationConfigurations": {
            "S3Destination": {
                "S3Bucket": wish.bucket,
                "S3Prefix": wish.prefix,
                "S3Region": region,
                "S3OutputConfigurations": {
                    "OutputType": "CUSTOM",
                    "Format": format,
                    "Compression": compression,
                    "Overwrite": _versioning(wish),
                },
            }
        },
        "RefreshCadence": {"Frequency": "SYNCHRONOUS"},
    }


def _versioning(wish: Wish) -> str:
    return VERSIONINGS["overwrite" if wish.versioning == "overwrite" else "new version"]


def _settings(wish: Wish) -> dict[str, str]:
    settings = {"TIME_GRANULARITY": wish.granularity.upper()}
    if wish.kind == "cur-2.0":
        settings["INCLUDE_RESOURCES"] = "TRUE"
        settings["INCLUDE_SPLIT_COST_ALLOCATION_DATA"] = "TRUE" if wish.split_cost else "FALSE"
    return settings


# Doing: by the name of the step. The answer is the ARN of what was made, where it has one that matters.

_Do = Callable[[Session, Plan, Step], str]


def _ask_s3(operation: str, action: str) -> _Do:
    def do(session: Session, plan: Plan, step: Step) -> str:
        what = f"the bucket {plan.wish.bucket}"
        session.ask("s3", operation, region=plan.region, action=action, what=what, **step.request)
        return ""

    return do


def _put_policy(session: Session, plan: Plan, step: Step) -> str:
    document = json.dumps(step.request["Policy"])
    return _ask_s3("PutBucketPolicy", "s3:PutBucketPolicy")(
        session, plan, replace(step, request={**step.request, "Policy": document})
    )


def _put_export(session: Session, plan: Plan, step: Step) -> str:
    service, operation = (
        ("cur", "PutReportDefinition") if plan.wish.kind == "legacy-cur" else ("bcm-data-exports", "CreateExport")
    )
    what = f"{plan.wish.name} into {plan.location}"
    answer = session.ask(service, operation, region=billing_region(plan.partition), what=what, **step.request)
    return str(answer.get("ExportArn", ""))


_DOING: Mapping[str, _Do] = MappingProxyType(
    {
        "bucket": _ask_s3("CreateBucket", "s3:CreateBucket"),
        "private": _ask_s3("PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
        "encrypted": _ask_s3("PutBucketEncryption", "s3:PutEncryptionConfiguration"),
        "policy": _put_policy,
        "export": _put_export,
    }
)
