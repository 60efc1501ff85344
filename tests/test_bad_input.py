"""What goes wrong between Outlay and AWS, case by case on the stand-in: what a test of the connection says, what its
status says after a check, and that the month that is there stays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from outlay import connecting
from outlay.state.new import NewConnection
from tests.aws_standin.delivering import deliver
from tests.aws_standin.organisation import EXTERNAL_ID, OUTLAY_ACCOUNT, bill, export, report
from tests.aws_standin.standin import Key, policy_text, statement
from tests.payers import LAST, MAY, World, world

# One process builds the account and its bills once.
pytestmark = pytest.mark.xdist_group("bad-input")
JUNE = MAY.next()
READS = statement("s3:Get*", "s3:List*")
ROWS = 20
KMS_KEY = "arn:aws:kms:us-east-1:041700259318:key/0f1e2d3c"


@dataclass(frozen=True)
class Bills:
    """A payer's account with a role and a user of its own for each case."""

    world: World

    @property
    def account(self) -> str:
        return self.world.organisation.fernwick.account

    def rows(self, period: Any = MAY) -> list[Any]:
        last = LAST if period == MAY else LAST.replace(month=6)
        return bill(self.world.organisation.fernwick.payer, period, last)[:ROWS]

    def bucket(self, name: str, *, region: str = "us-east-1") -> str:
        self.world.standin.add_bucket(self.account, name, region=region)
        return name

    def report(self, bucket: str, **changes: Any) -> None:
        # An account has ten at most.
        self.world.standin.cur.reports[self.account].clear()
        client = self.world.standin.client("cur", self.account)
        client.put_report_definition(ReportDefinition=report(f"{bucket}-cur", bucket, **changes))
        deliver(self.world.standin, self.account, f"{bucket}-cur", MAY, self.rows())

    def role(self, name: str, *statements: dict[str, Any]) -> str:
        trusts = f"arn:aws:iam::{OUTLAY_ACCOUNT}:root"
        return self.world.standin.add_role(
            self.account, name, *(statements or (READS,)), trusts=trusts, external_id=EXTERNAL_ID
        )


@dataclass(frozen=True)
class Case:
    """`breaks` is done after a month is in, and gives the access that is then used, where that is another one.

    `said` and `next` stand in the `step` of a test, and in the status, unless `more` has other words for that.
    """

    breaks: Callable[[Bills, str], Mapping[str, str]]
    said: tuple[str, ...]
    next: tuple[str, ...]
    step: str
    code: str = "access-denied"
    status: str = "failing"
    make: Callable[[Bills, str], None] = lambda bills, bucket: bills.report(bills.bucket(bucket))
    state: str = "failed"
    more: Mapping[str, str] = field(default_factory=dict)


def _with_key(bills: Bills, key: Key) -> Mapping[str, str]:
    return {"access_key_id": key.id, "secret_access_key": key.secret}


def _wrong_key(bills: Bills, bucket: str) -> Mapping[str, str]:
    return _with_key(bills, Key("AKIAZZZZZZZZZZZZZZZZ", "z" * 40))


def _wrong_secret(bills: Bills, bucket: str) -> Mapping[str, str]:
    key = bills.world.standin.add_user(bills.account, f"{bucket}-reads", READS)
    return _with_key(bills, Key(key.id, f"{key.secret[:-2]}zz"))


def _another_role(bills: Bills, bucket: str) -> Mapping[str, str]:
    return {"role_arn": f"arn:aws:iam::{bills.account}:role/nobody-made-this", "external_id": EXTERNAL_ID}


def _another_id(bills: Bills, bucket: str) -> Mapping[str, str]:
    return {"role_arn": f"arn:aws:iam::{bills.account}:role/{bucket}", "external_id": "outlay-another-one"}


def _less(bills: Bills, bucket: str) -> Mapping[str, str]:
    bills.world.standin.permit_role(bills.account, bucket, statement("s3:Get*"))
    return {}


def _untold(bills: Bills, bucket: str) -> Mapping[str, str]:
    """And what was learnt of its region before is forgotten, as by a new process."""
    from outlay.storage import s3

    s3.LEARNT.clear()
    bills.world.standin.gate.untold_regions.add(bucket)
    return {}


def _elsewhere(bills: Bills, bucket: str) -> None:
    bills.report(bills.bucket(bucket, region="eu-central-1"), S3Region="eu-central-1")


def _gone(bills: Bills, bucket: str) -> Mapping[str, str]:
    bills.world.standin.remove_bucket(bills.account, bucket)
    return {}


def _report_gone(bills: Bills, bucket: str) -> Mapping[str, str]:
    """With what it has delivered."""
    s3 = bills.world.standin.client("s3", bills.account)
    for each in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        s3.delete_object(Bucket=bucket, Key=each["Key"])
    s3.put_object(Bucket=bucket, Key="cur/readme.txt", Body=b"The report was moved.")
    return {}


def _full_export(bills: Bills, bucket: str) -> None:
    client = bills.world.standin.client("bcm-data-exports", bills.account)
    client.create_export(Export=export(bucket, bills.bucket(bucket), prefix="cur"))
    deliver(bills.world.standin, bills.account, bucket, MAY, bills.rows())


def _narrowed(bills: Bills, bucket: str) -> Mapping[str, str]:
    client = bills.world.standin.client("bcm-data-exports", bills.account)
    columns = ("bill_payer_account_id", "line_item_unblended_cost", "line_item_usage_start_date")
    client.update_export(
        ExportArn=client.list_exports()["Exports"][0]["ExportArn"],
        Export=export(bucket, bucket, prefix="cur", columns=columns),
    )
    deliver(bills.world.standin, bills.account, bucket, JUNE, bills.rows(JUNE))
    return {}


def _without_resources(bills: Bills, bucket: str) -> None:
    bills.report(bills.bucket(bucket), AdditionalSchemaElements=[])


def _of_another_account(bills: Bills, bucket: str) -> None:
    """Whose policy lets the payer's role in."""
    owner = bills.world.organisation.loftline.account
    bills.report(bills.bucket(f"{bucket}-own"))
    standin = bills.world.standin
    standin.add_bucket(owner, bucket, for_billing=False)
    allow = {"Principal": {"AWS": f"arn:aws:iam::{bills.account}:root"}, "Effect": "Allow", "Action": "s3:*"}
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    theirs = standin.client("s3", owner)
    theirs.put_bucket_policy(Bucket=bucket, Policy=policy_text({**allow, "Resource": resources}))
    own = standin.client("s3", bills.account)
    for each in own.list_objects_v2(Bucket=f"{bucket}-own")["Contents"]:
        content = own.get_object(Bucket=f"{bucket}-own", Key=each["Key"])["Body"].read()
        theirs.put_object(Bucket=bucket, Key=each["Key"], Body=content)


def _pays(bills: Bills, bucket: str) -> Mapping[str, str]:
    bills.world.standin.gate.requester_pays.add(bucket)
    return {}


def _encrypted(bills: Bills, bucket: str) -> Mapping[str, str]:
    """From the next delivery on."""
    bills.world.standin.gate.encrypted[bucket] = KMS_KEY
    deliver(bills.world.standin, bills.account, f"{bucket}-cur", MAY, bills.rows()[:10])
    return {}


NEW_PERMISSION = ("5 minutes",)
CASES: Mapping[str, Case] = {
    "wrong-key": Case(_wrong_key, ("does not know the access key",), ("give a new one",), "list"),
    "wrong-secret": Case(
        _wrong_secret, ("secret access key does not belong",), ("Give both again", "clock is right"), "list"
    ),
    "unassumable-role": Case(
        _another_role,
        ("assume the role", "nobody-made-this", "does not tell which it is"),
        ("Compare the ARN", "sts:ExternalId", *NEW_PERMISSION),
        "access",
        "permission-missing",
    ),
    "wrong-external-id": Case(
        _another_id,
        ("assume the role", "the external id differs", "does not tell which it is"),
        ("sts:ExternalId", *NEW_PERMISSION),
        "access",
        "permission-missing",
    ),
    "missing-permission": Case(
        _less, ("may not do s3:ListBucket",), ("Allow s3:ListBucket", *NEW_PERMISSION), "list", "permission-missing"
    ),
    "another-region": Case(
        _untold,
        ("lies in another region", "did not tell in which"),
        ("Set AWS_REGION to the bucket's region",),
        "list",
        make=_elsewhere,
    ),
    "bucket-gone": Case(
        _gone, ("there is no bucket bucket-gone",), ("charges that were brought in stay",), "list", "source-not-found"
    ),
    "report-gone": Case(
        _report_gone,
        ("readme.txt",),
        ("Correct the path",),
        "layout",
        "source-not-found",
        more={"said": "held bills of report-gone-cur, and holds none any more", "next": "make it again"},
    ),
    "too-few-columns": Case(
        _narrowed,
        ("lacks the column", "line_item_currency_code", "AWS Cost and Usage Report needs"),
        ("Select that column in the export",),
        "bill",
        "column-missing",
        make=_full_export,
    ),
    "no-resource-ids": Case(
        lambda bills, bucket: {},
        ("no resource ids",),
        ("Switch resource ids on",),
        "bill",
        status="healthy",
        make=_without_resources,
        state="done",
    ),
    "requester-pays": Case(
        _pays,
        ("the bucket requester-pays is a Requester Pays one",),
        ("Turn Requester Pays off",),
        "list",
        make=_of_another_account,
    ),
    "kms-without-key": Case(
        _encrypted,
        ("encrypted with a key of KMS", f"kms:Decrypt on {KMS_KEY}"),
        ("Allow kms:Decrypt on that key", "the key's own", *NEW_PERMISSION),
        "bill",
        "permission-missing",
    ),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bills]:
    with world(tmp_path_factory.mktemp("bad")) as made:
        _ = made.o.memory
        yield Bills(made)


@pytest.fixture
def bills(built: Bills, outlay_home: Path, monkeypatch: pytest.MonkeyPatch) -> Bills:
    for name, value in built.world.environ.items():
        monkeypatch.setenv(name, value)
    return built


@pytest.fixture(autouse=True)
def alone(bills: Bills) -> Iterator[None]:
    """All bills are of one payer and month: of several connections one would count."""
    yield
    for row in bills.world.o.rows():
        bills.world.o.remove(row.name, purge=True)


def _add(bills: Bills, name: str) -> tuple[NewConnection, Mapping[str, Decimal]]:
    """A connection with a month in it, that is older than permissions take; and what the month was billed."""
    from outlay.state.models import Connection

    named = "" if name == "too-few-columns" else f"{name}-own-cur" if name == "requester-pays" else f"{name}-cur"
    new = NewConnection(
        *(name, "aws", f"s3://{name}/cur"), export=named, role_arn=bills.role(name), external_id=EXTERNAL_ID
    )
    connecting.add(bills.world.o, new)
    (result,) = bills.world.o.ingest([name])
    assert result.outcome == "committed", result
    row = Connection.objects.get(name=name)
    Connection.objects.filter(name=name).update(created_at=row.created_at.replace(year=2025))
    assert result.reconciliation
    return new, {currency: sums["BilledCost"][1] for currency, sums in result.reconciliation.sums.items()}


def _give(name: str, bills: Bills, access: Mapping[str, str]) -> None:
    """Another access, that is no longer a new one."""
    from outlay.state.changing import Settings
    from outlay.state.models import Connection

    if access:
        connecting.change(bills.world.o, name, Settings(keeps_access=False, **access), untested=True)
        Connection.objects.filter(name=name).update(access_changed_at=None)


def _cost(bills: Bills, name: str) -> Mapping[str, Decimal]:
    where = [f"x_Connection={name}"]
    return bills.world.o.costs(start="2026-05", end="2026-05", metric="billed", where=where).totals


@pytest.mark.parametrize("name", CASES)
def test_it_is_told_by_a_test_and_by_the_status_with_what_to_do_and_the_month_stays(name: str, bills: Bills) -> None:
    case, o = CASES[name], bills.world.o
    case.make(bills, name)
    new, before = _add(bills, name)
    access = case.breaks(bills, name)
    none = {"role_arn": "", "external_id": ""} if access else {}
    tried = connecting.test(o, replace(new, name=f"{name}-again", **{**none, **access}))
    told = {step.name: step for step in tried.steps}[case.step]
    assert told.state == case.state, tried
    for part in case.said:
        assert part in told.said + told.next
    for part in case.next:
        assert part in told.next
    assert tried.may_pass == (case.code == "permission-missing")
    _give(name, bills, access)
    results = [each for each in o.ingest([name]) if each.outcome != "unchanged"]
    status = o.connection(name).status
    assert status.status == case.status, status
    if case.status == "failing":
        assert {finding.code for each in results for finding in each.findings if finding.is_error} == {case.code}
    for part in [case.more["said"]] if case.more else case.said:
        assert part in status.reason
    for part in [case.more["next"]] if case.more else case.next:
        assert part in status.next
    assert _cost(bills, name) == before
    secret = access.get("secret_access_key")
    assert not secret or secret not in json.dumps([status.reason, status.next, tried.as_dict()])


def test_a_session_that_has_ended_is_told(bills: Bills, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of somebody else's making, in the environment: Outlay cannot renew it."""
    o, standin = bills.world.o, bills.world.standin
    bills.report(bills.bucket("expired"))
    new, before = _add(bills, "expired")
    sts = standin.client("sts", key=bills.world.organisation.own_key)
    given = sts.assume_role(RoleArn=new.role_arn, RoleSessionName="somebody", ExternalId=EXTERNAL_ID)["Credentials"]
    names = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
    for name, part in zip(names, ("AccessKeyId", "SecretAccessKey", "SessionToken"), strict=True):
        monkeypatch.setenv(f"AWS_{name}", given[part])
    ambient = replace(new, name="expired-again", role_arn="", external_id="")
    assert connecting.test(o, ambient).is_well
    standin.end_sessions()
    told = next(step for step in connecting.test(o, ambient).steps if step.state == "failed")
    from outlay.state.models import Connection

    Connection.objects.filter(name="expired").update(role_arn="", external_id="")
    list(o.ingest(["expired"]))
    status = o.connection("expired").status
    assert status.status == "failing"
    for said, then in ((told.said, told.next), (status.reason, status.next)):
        assert "the session of the credentials has ended" in said
        assert "Sign in again, or use a role or an access key" in then
    assert _cost(bills, "expired") == before
    assert given["SessionToken"] not in f"{told}{status}"


def test_an_opt_in_region_without_sts_is_told(bills: Bills, monkeypatch: pytest.MonkeyPatch) -> None:
    o, standin = bills.world.o, bills.world.standin
    bills.report(bills.bucket("opt-in"))
    new, before = _add(bills, "opt-in")
    monkeypatch.setattr(o, "settings", replace(o.settings, s3_region="eu-south-1"))
    standin.deactivate_sts("eu-south-1")
    told = next(step for step in connecting.test(o, replace(new, name="opt-in-again")).steps if step.state == "failed")
    list(o.ingest(["opt-in"]))
    status = o.connection("opt-in").status
    assert status.status == "failing"
    for said, then in ((told.said, told.next), (status.reason, status.next)):
        assert "STS is not active in the region eu-south-1" in said
        assert "Activate it in the IAM console" in then
    assert _cost(bills, "opt-in") == before


def test_a_bucket_in_another_region_is_read_there_without_any_setting(bills: Bills) -> None:
    from outlay.storage import s3

    s3.LEARNT.clear()
    _elsewhere(bills, "frankfurt")
    _add(bills, "frankfurt")
    scopes = [
        request.headers["authorization"].split("/")[2]
        for request in bills.world.standin.server.observed.requests
        if request.bucket == "frankfurt" and request.kind == "ListObjectsV2"
    ]
    # Asked where Outlay asks first, then where the bucket is; the next time there at once.
    assert scopes == ["us-east-1", "eu-central-1"]
    list(bills.world.o.ingest(["frankfurt"]))
    assert bills.world.o.connection("frankfurt").status.status == "healthy"


def test_a_role_is_assumed_in_the_region_of_the_settings_and_a_profile_in_its_own(
    bills: Bills, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    o, standin = bills.world.o, bills.world.standin
    own = bills.world.organisation.own_key
    config = tmp_path / "config"
    config.write_text(
        f"[profile paris]\nregion = eu-west-3\naws_access_key_id = {own.id}\naws_secret_access_key = {own.secret}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setattr(o, "settings", replace(o.settings, s3_region="eu-west-1"))
    bills.bucket("regional")
    role = {"role_arn": bills.role("regional"), "external_id": EXTERNAL_ID}
    for profile, region in (("", "eu-west-1"), ("paris", "eu-west-3")):
        standin.server.observed.requests.clear()
        connecting.test(o, NewConnection("regional", "aws", "s3://regional/cur", profile=profile, **role))
        asked = [each for each in standin.server.observed.requests if each.kind == "AssumeRole"]
        assert {each.headers["authorization"].split("/")[2] for each in asked} == {region}
