"""What goes in and comes out, as OpenAPI tells it. Amounts are decimal texts, times ISO 8601 in UTC.

What comes out is made by the same `as_dict` as the commands' JSON; a test holds the two together.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from ninja import Field, Schema
from pydantic import ConfigDict, StringConstraints

from outlay.costs.metrics import METRICS
from outlay.costs.question import GRANULARITIES
from outlay.costs.ranges import RANGES
from outlay.focus.columns import CHARGE_CATEGORIES

NAME, PERIOD = r"^[A-Za-z0-9_-]{1,100}$", r"^([0-9]{8}-[0-9]{8}|[0-9]{4}-[0-9]{2})$"
DELIVERY = r"^[^\x00-\x20\x7f]{1,100}$"
NAME_OR_NONE = r"^[A-Za-z0-9_-]{0,100}$"
_LINE = r"^[^\x00-\x1f\x7f]*$"
LAST_NUMBER = 2**63 - 1

Line = Annotated[str, StringConstraints(pattern=_LINE, max_length=300)]
Long = Annotated[str, StringConstraints(pattern=_LINE, max_length=2_048)]
Provider = Annotated[str, StringConstraints(pattern=_LINE, max_length=200)]
ExternalId = Annotated[str, StringConstraints(pattern=_LINE, max_length=1_224)]
KeyId = Annotated[str, StringConstraints(pattern=_LINE, max_length=128)]
Secret = Annotated[str, StringConstraints(pattern=_LINE, max_length=200)]
Month = Annotated[str, StringConstraints(pattern=r"^([0-9]{4}-(0[1-9]|1[0-2]))?$")]
Status = Literal["pending-data", "healthy", "late", "failing", "paused"]
Outcome = Literal["committed", "unchanged", "rejected", "failed"]
State = Literal["estimated", "final", "unknown"]
Kind = Literal["anycost", "stream", "aws", "focus", "linked"]


class Error(Schema):
    """Every answer that is no success."""

    code: str
    message: str
    next: str = Field(description="What to do now.")
    where: str = Field(description="The parameter or field that is wrong, or the address asked for.")


class Told(Schema):
    """Something that comes out: nothing but what is named here."""

    model_config = ConfigDict(extra="forbid")


class ConnectionTold(Told):
    name: str
    kind: Kind
    cloud_provider: str | None
    location: str
    export: str | None
    status: Status
    reason: str
    next: str


class Month_(Told):
    month: str
    outcome: str | None


class ProgressTold(Told):
    state: Literal["working", "done", "stopped", "interrupted", "failed"]
    began: str
    ended: str | None
    month: str | None
    step: str | None
    done: int
    of: int | None
    unit: str | None
    months_done: int
    months_of: int
    months: list[Month_]
    left_out: list[str]


class ChangeTold(Told):
    at: str
    before: Status | None
    after: Status
    reason: str
    next: str


class OverlapMonth(Told):
    month: str
    counted: list[str] = Field(description="The connection that counts, or both.")
    costs: dict[str, dict[str, dict[str, str]]] = Field(
        description="By connection, then billed and effective, then by currency."
    )
    left_out: dict[str, str] = Field(description="Effective, by currency.")


class OverlapTold(Told):
    """Two connections that hold bills of the same payer and months."""

    payer: str
    older: str
    newer: str
    chosen: str | None = Field(description="The connection that was chosen; without one the older counts.")
    both: bool = Field(description="Was it chosen that both count, as different bills?")
    left_out: dict[str, str] = Field(description="Effective, by currency, over all months.")
    months: list[OverlapMonth]


class OverlapsTold(Told):
    """As `outlay overlaps --json`."""

    month: str
    left_out: dict[str, str] = Field(description="Of the month, by currency.")
    left_out_in_all: dict[str, str]
    overlaps: list[OverlapTold]


class OverlapChoice(Schema):
    """`count` names one of the two; with neither that nor `both` the older counts."""

    model_config = ConfigDict(extra="forbid")

    payer: Annotated[str, StringConstraints(pattern=_LINE, min_length=1, max_length=300)]
    connections: list[Annotated[str, StringConstraints(pattern=NAME)]] = Field(min_length=2, max_length=2)
    count: Annotated[str, StringConstraints(pattern=NAME)] | None = None
    both: bool = False


class ConnectionShown(ConnectionTold):
    """As `outlay connections show --json`. No secret is ever shown; of an access key the end of its id."""

    currency: str
    expect_every: int | None = Field(description="Hours.")
    profile: str | None
    role_arn: str | None
    external_id: str | None
    access_key: str | None
    access_of: str | None
    check_every: int = Field(description="Minutes.")
    next_check: str | None
    bring_from: str | None
    export_made: str | None = Field(description="When Outlay made its export in AWS.")
    count_from: str | None
    count_to: str | None
    only_connected: bool = Field(description="Are charges of accounts that are not connected left out?")
    created: str
    checked: str | None
    progress: ProgressTold | None
    timeline: list[ChangeTold]
    overlaps: list[OverlapTold] = Field(description="Bills that another connection holds, too.")


class FindingTold(Told):
    code: str
    severity: Literal["error", "warning"]
    message: str
    next: str
    file: str | None
    row: int | None
    column: str | None
    value: str | None


class StepTold(Told):
    step: str
    seconds: float


class RunTold(Told):
    """As `outlay ingest --json`, with its number, its times and its steps."""

    id: int
    connection: str
    period: str | None
    delivery: str | None
    outcome: Outcome
    rows_in: int
    dropped: dict[str, int]
    split: dict[str, int]
    rows_out: int
    findings: list[FindingTold]
    finding_counts: dict[str, int]
    state: State
    started: str
    finished: str
    steps: list[StepTold]


class Runs(Told):
    runs: list[RunTold]


class InAndOut(Told):
    in_: str = Field(alias="in", description="In the bill.")
    out: str = Field(description="In the charges.")


class PeriodTold(Told):
    """As `outlay periods --json`."""

    period: str
    delivery: str | None
    rows: int
    state: State
    reconciled: bool
    sums: dict[str, dict[str, InAndOut]] = Field(description="By currency and cost column.")
    earlier: list[str] = Field(description="Deliveries that can be made live again.")
    counted: bool


class Costs(Told):
    """As `outlay costs --format json`.

    A row has `period`, each column asked for, and `currency` and `cost`; for the metric quantity `unit` and `quantity`.
    The row of what is beyond `top` has `"remainder": true` besides.
    """

    metric: str
    granularity: str
    from_: str | None = Field(alias="from")
    to: str | None
    totals: dict[str, str]
    rows: list[dict[str, str | bool | None]]


class CostTable(Told):
    """As `Costs`, but of the whole range: rows have no period, and `share` of the total in percent besides."""

    metric: str
    from_: str | None = Field(alias="from")
    to: str | None
    totals: list[dict[str, str | bool | None]]
    rows: list[dict[str, str | bool | None]]


class Charges(Told):
    columns: list[str]
    offset: int
    limit: int
    more: bool
    rows: list[dict[str, Any]]


class ValueTold(Told):
    value: str | None
    unit: str
    amount: str


class Values(Told):
    column: str
    values: list[ValueTold]


class Keys(Told):
    column: str
    keys: list[str]


class Dimension(Told):
    name: str
    type: str
    about: str
    has_keys: bool = Field(description="It is asked for by one key, such as Tags.team.")


class Health(Told):
    status: Literal["ok", "failing"]
    version: str
    database: Literal["ok", "failing"]
    worker: Literal["none", "working", "idle", "waiting", "behind", "unknown"]
    workers: int = Field(description="How many run.")
    overdue_seconds: int


class Removed(Told):
    """As `outlay connections remove --json`."""

    name: str
    removed: bool
    charges_removed: int


class Asked(Schema):
    """A question. Filters are `where=Column=value`, `Column!=value` or `Column~part`, as for `outlay costs`."""

    metric: str = Field("effective", json_schema_extra={"enum": list(METRICS)})
    by: list[str] = Field([], max_length=2, description="FOCUS columns, `connection`, or `Tags.<key>`.")
    granularity: str = Field("month", json_schema_extra={"enum": list(GRANULARITIES)})
    range: str | None = Field(None, json_schema_extra={"enum": list(RANGES)}, description="Days by name.")
    from_: str | None = Field(None, alias="from", max_length=10, description="The first month or day, such as 2026-05.")
    to: str | None = Field(None, max_length=10, description="The last month or day, included.")
    category: list[str] = Field([], max_length=5, description=f"Some of {', '.join(CHARGE_CATEGORIES)}.")
    where: list[str] = Field([], max_length=100, description="Filters; several of one column are alternatives.")
    top: str | None = Field(
        None, max_length=3, description="Groups that are named, 1 to 100, or `all`; the usual is 10."
    )


class NewConnectionIn(Schema):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=NAME)
    kind: Kind
    location: Long = Field(
        "",
        description="s3://bucket/path, or file:///path below a folder that the installation allows; none for `linked` "
        "and `stream`.",
    )
    cloud_provider: Provider = ""
    export: Line = ""
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$")
    expect_every: int | None = Field(None, ge=1, le=99_999, description="Hours between deliveries.")
    profile: Provider = ""
    role_arn: Long = ""
    external_id: ExternalId = ""
    access_key_id: KeyId = ""
    secret_access_key: Secret = ""
    access_of: str = Field("", pattern=NAME_OR_NONE)
    check_every: int = Field(60, ge=5, le=1_440, description="Minutes.")
    bring_from: Month = ""


class ConnectionChange(Schema):
    """What is left out stays as it is. Any field of the access gives it a whole new access."""

    model_config = ConfigDict(extra="forbid")

    cloud_provider: Provider | None = None
    expect_every: int | None = Field(None, ge=1, le=99_999, description="Hours between deliveries; null for none.")
    check_every: int | None = Field(None, ge=5, le=1_440, description="Minutes.")
    bring_from: Month | None = None
    export: Line | None = Field(None, description="While it names none, or one that is not found at its place.")
    untested: bool = Field(False, description="Save another access even when a test of it fails.")
    count_from: Month | None = None
    count_to: Month | None = None
    only_connected: bool | None = Field(None, description="Of a payer's bill: count connected accounts alone.")
    profile: Provider | None = None
    role_arn: Long | None = None
    external_id: ExternalId | None = None
    access_key_id: KeyId | None = None
    secret_access_key: Secret | None = None
    access_of: str | None = Field(None, pattern=NAME_OR_NONE)


class MadeLive(Schema):
    model_config = ConfigDict(extra="forbid")

    delivery: str = Field(pattern=DELIVERY)


_FIRST = "The first that the new one counts; left out, the first that it holds in full."


class MoveIn(Schema):
    """All but this is as the old connection has it; without any field of the access, the access, too."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=NAME)
    location: Long
    export: Provider | None = Field(None, description="Left out, it is the old one's.")
    month: Month | None = Field(None, description=_FIRST)
    keeps_old: bool = Field(False, description="Is the old one checked on when the new one counts?")
    untested: bool = Field(False, description="Even when a test of the new place fails.")
    profile: Provider = ""
    role_arn: Long = ""
    external_id: ExternalId = ""
    access_key_id: KeyId = ""
    secret_access_key: Secret = ""
    access_of: str = Field("", pattern=NAME_OR_NONE)


class ForwardIn(Schema):
    model_config = ConfigDict(extra="forbid")

    month: Month | None = Field(None, description=_FIRST)


class BackIn(Schema):
    model_config = ConfigDict(extra="forbid")

    then: Literal["pause", "check", "remove"] = Field(
        "pause", description="What becomes of it: removed, its charges go."
    )


class MoveMonth(Schema):
    model_config = ConfigDict(extra="forbid")

    month: str = Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="The first that the new one counts.")


class Both(Told):
    month: str
    old: dict[str, str] = Field(description="Billed cost by currency.")
    new: dict[str, str]
    difference: dict[str, str] = Field(description="By which the new one's is higher.")
    counted: Literal["old", "new"]


class StandIn(Told):
    month: str
    counted_by: str


class MovedTold(Told):
    """A connection whose bills go on in another; `both` are the months that both hold."""

    old: str
    new: str
    month: str | None = Field(description="The first that the new one counts; null: none yet, or none any more.")
    state: Literal["waiting", "counting", "back"]
    both: list[Both]
    stand_ins: list[StandIn] = Field(description="Months of one that count as the other, whose turn it is, has none.")


class InvoiceIn(Schema):
    """A blank amount forgets it."""

    model_config = ConfigDict(extra="forbid")

    invoice: Annotated[str, StringConstraints(pattern=_LINE, min_length=1, max_length=200)]
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    amount: str = Field(pattern=r"^(-?[0-9]{1,18}(\.[0-9]{1,18})?)?$", description="As on paper, such as 1234.50.")


class InvoiceTold(Told):
    """The charges of an invoice beside its amount on paper, both null where there is none."""

    invoice: str | None
    currency: str
    charges: str
    on_paper: str | None
    difference: str | None
    where: str = Field(description="Where the difference lies.")


Tells = Literal["late", "failing", "recovered", "rejected", "final-changed", "overlap"]


class NewChannelIn(Schema):
    """`url` is of webhooks and Slack, all the rest but `events` of e-mail."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(pattern=_LINE, min_length=1, max_length=100)]
    kind: Literal["email", "webhook", "slack"]
    events: list[Tells] = Field(list(get_args(Tells)), min_length=1, max_length=20, description="All, if not said.")
    url: Long = ""
    host: Line = ""
    port: int = Field(587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Provider = ""
    password: Secret = ""
    sender: Provider = ""
    recipients: list[Provider] = Field([], max_length=50)


class ChannelSwitch(Schema):
    model_config = ConfigDict(extra="forbid")

    on: bool


class ChannelTold(Told):
    """As `outlay notices list --json`."""

    id: int
    name: str
    kind: Literal["email", "webhook", "slack"]
    where: str | None = Field(description="The host, and to whom; null when its secrets cannot be opened.")
    events: list[str]
    on: bool
    added: str


class ChannelAdded(ChannelTold):
    secret: str | None = Field(description="Of a webhook, what signs its notices; told here alone.")


class ChannelRemoved(Told):
    name: str
    removed: bool


class Try(Told):
    at: str
    error: str | None


class NoticeTold(Told):
    """As `outlay notices log --json`."""

    id: int
    channel: str
    event: str
    connection: str | None
    months: list[str]
    subject: str
    made: str
    state: Literal["waiting", "told", "given-up"]
    next_try: str | None
    told: str | None
    tries: list[Try]


class TestStep(Told):
    step: Literal["name", "access", "list", "layout", "periods", "bill"]
    state: Literal["done", "failed", "skipped"]
    said: str
    next: str


class Tested(Told):
    """What was tried, and what was found; nothing is saved."""

    ok: bool
    steps: list[TestStep]
    periods: list[str]
    offer: str | None = Field(description="A location near the one given, where the bills lie.")
    may_pass: bool = Field(description="AWS denied it, as it denies permissions that are newer than 5 minutes.")


class Stopping(Told):
    name: str
    stopping: bool = Field(description="False: no check was under way.")


class ActTold(Told):
    at: str
    who: str
    what: str
    period: str | None
    delivery: str | None
    said: str


class AccountSums(Told):
    currency: str | None
    account: str | None
    sums: dict[str, InAndOut]


class ReconciliationTold(Told):
    rows_in: int
    rows_out: int
    dropped: dict[str, int]
    split: dict[str, int]
    tolerance: str
    sums: dict[str, dict[str, InAndOut]]
    accounts: list[AccountSums]


class AttemptTold(Told):
    run: int
    outcome: Outcome
    state: State
    started: str
    finished: str
    steps: list[StepTold]
    reconciliation: ReconciliationTold | None
    findings: list[FindingTold]
    finding_counts: dict[str, int]


class DeliveryTold(Told):
    """A delivery ever seen of a billing period, with the bill check of each attempt to bring it in."""

    delivery: str
    live: bool
    kept: bool
    attempts: list[AttemptTold]


class DifferenceTold(Told):
    name: str | None
    currency: str
    before: str
    after: str
    change: str


class Compared(Told):
    """Billed cost of two deliveries; `services` are those that changed, the greatest change first."""

    before: str
    after: str
    totals: list[DifferenceTold]
    services: list[DifferenceTold]
    unchanged_services: int


class CheckTold(Told):
    code: str
    point: str
    holds: bool | None = Field(description="Null where it may not be seen.")
    otherwise: str = Field(description="What is missing where it does not hold.")


class ExportTold(Told):
    """A Cost and Usage Report or a data export, as AWS tells of it."""

    name: str
    kind: Literal["legacy-cur", "cur-2.0", "focus-1.0", "focus-1.2", "other"]
    table: str | None
    granularity: str | None
    format: str
    compression: str
    resource_ids: bool
    split_cost: bool
    versioning: str | None
    refreshes_closed: bool
    bucket: str
    prefix: str
    region: str
    location: str
    arn: str | None
    last_delivery: str | None
    last_status: str | None
    last_reason: str | None
    trouble: str | None
    limited: str | None = Field(description="How its rows are narrowed.")
    usable: bool
    why_not: str | None
    checklist: list[CheckTold]


class DeniedTold(Told):
    action: str
    message: str
    next: str


class AccountExports(Told):
    """As `outlay aws exports --json`; `denied` are permissions without which something is not seen."""

    account: str
    name: str | None
    standing: Literal["payer", "linked", "alone", "unknown"]
    payer: str | None
    exports: list[ExportTold]
    denied: list[DeniedTold]
