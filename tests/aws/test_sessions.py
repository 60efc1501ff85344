"""Access to AWS, against the stand-in over HTTP: credentials, their renewal, who they are, and what AWS refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from outlay.aws.naming import new_external_id
from outlay.aws.sessions import STANDINGS, Credentials, Identity, Session, who_am_i
from outlay.errors import AccessError, Denied, NotFound, Unavailable, UsageError
from outlay.storage import open_place
from tests.aws_standin.organisation import EXTERNAL_ID, LINKED, Member, Organisation
from tests.aws_standin.standin import Key, StandIn, statement
from tests.services.s3 import ACCESS_KEY, S3, SECRET_KEY

ALONE = "330099118822"


def role_of(organisation: Organisation, member: Member, **changes: object) -> Credentials:
    given = {"role_arn": member.role_arn, "external_id": EXTERNAL_ID, "access_key": organisation.own_key.pair}
    return Credentials(endpoint=organisation.standin.endpoint, **given | changes)  # type: ignore[arg-type]


def session_of(standin: StandIn, key: Key, region: str = "") -> Session:
    return Session(Credentials(access_key=key.pair, endpoint=standin.endpoint, region=region))


# Storage


@pytest.fixture
def _server_alone(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where STS is, and not a word of a region."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)


@pytest.mark.usefixtures("_server_alone")
def test_a_place_is_read_by_an_assumed_role_without_any_region_set(s3: S3) -> None:
    s3.client.put_object(Bucket=s3.bucket, Key="bills/a.csv", Body=b"x")
    role = Credentials(
        role_arn="arn:aws:iam::123456789012:role/outlay",
        external_id="outlay-1",
        access_key=(ACCESS_KEY, SECRET_KEY),
    )
    place = open_place(f"s3://{s3.bucket}/bills", credentials=role, endpoint=s3.endpoint)
    assert [file.path for file in place.list()] == ["a.csv"]


def test_a_role_reads_its_own_bucket_under_access_control(organisation: Organisation) -> None:
    fernwick = organisation.fernwick
    organisation.standin.client("s3", fernwick.account).put_object(Bucket=fernwick.bucket, Key="cur/a.csv", Body=b"x")
    place = open_place(
        f"s3://{fernwick.bucket}/cur",
        credentials=role_of(organisation, fernwick),
        endpoint=organisation.standin.endpoint,
    )
    assert [file.path for file in place.list()] == ["a.csv"]


# Sessions of roles


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def assumed(organisation: Organisation) -> int:
    return [each.kind for each in organisation.standin.server.observed.requests].count("AssumeRole")


def test_a_roles_session_is_used_again_and_renewed_before_it_ends(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("moto.sts.models.utcnow", lambda: clock.now.replace(tzinfo=None))
    session = Session(role_of(organisation, organisation.fernwick, now=clock))
    for minutes, sessions in ((0, 1), (30, 1), (25, 2), (40, 2), (10, 3)):
        clock.now += timedelta(minutes=minutes)
        session.ask("sts", "GetCallerIdentity")
        assert assumed(organisation) == sessions


def test_storage_is_told_to_come_again_before_the_session_ends(organisation: Organisation) -> None:
    given = role_of(organisation, organisation.fernwick)()
    assert timedelta(minutes=50) < given["expires_at"] - datetime.now(UTC) < timedelta(minutes=56)
    assert given["token"]


@pytest.mark.parametrize(
    ("region", "host"), [("eu-south-1", "sts.eu-south-1.amazonaws.com"), ("", "sts.us-east-1.amazonaws.com")]
)
def test_sts_is_asked_at_its_regional_endpoint(region: str, host: str) -> None:
    session = Credentials(access_key=("AKIAX", "x"), region=region).session()
    where = Credentials(access_key=("AKIAX", "x"), region=region).region
    assert session.create_client("sts", region_name=where).meta.endpoint_url == f"https://{host}"


def test_the_region_is_the_given_one_else_the_profiles_else_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile bills]\nregion = eu-west-1\naws_access_key_id = AKIAX\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert Credentials(profile="bills", region="sa-east-1").region == "sa-east-1"
    assert Credentials(profile="bills").region == "eu-west-1"
    assert Credentials().region == "eu-north-1"


@pytest.mark.parametrize(
    ("partition", "region"), [("aws", "us-east-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")]
)
def test_without_any_region_a_role_is_assumed_in_one_of_its_own_partition(partition: str, region: str) -> None:
    assert Credentials(role_arn=f"arn:{partition}:iam::123456789012:role/outlay").region == region


@pytest.mark.parametrize(("minutes_left", "sessions"), [(60, 1), (6, 1), (5, 2)])
def test_storage_goes_on_with_a_session_and_gets_another_before_it_ends(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch, minutes_left: int, sessions: int
) -> None:
    begun = timedelta(minutes=60 - minutes_left)
    monkeypatch.setattr("moto.sts.models.utcnow", lambda: datetime.now(UTC).replace(tzinfo=None) - begun)
    member, standin = organisation.fernwick, organisation.standin
    standin.client("s3", member.account).put_object(Bucket=member.bucket, Key="cur/a.csv", Body=b"x")
    role = role_of(organisation, member, region="eu-west-1")
    place = open_place(f"s3://{member.bucket}/cur", credentials=role, endpoint=standin.endpoint)
    for _ in range(2):
        assert [file.path for file in place.list()] == ["a.csv"]
    assert assumed(organisation) == sessions
    asked = [request for request in standin.server.observed.requests if request.kind == "AssumeRole"]
    assert {request.headers["authorization"].split("/")[2] for request in asked} == {"eu-west-1"}


def test_each_connection_gets_an_external_id_of_its_own() -> None:
    made = {new_external_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(2 <= len(each) <= 1224 and each.startswith("outlay-") for each in made)


# Who


def test_a_role_in_a_payer_is_the_payer_by_name(organisation: Organisation) -> None:
    for member in organisation.members:
        found = who_am_i(Session(role_of(organisation, member)))
        assert (found.account, found.standing, found.payer) == (member.account, "payer", member.account)
        assert (found.name, found.pays, found.partition) == (member.payer.name, True, "aws")
        assert ":assumed-role/outlay-reads-bills/outlay" in found.arn


def test_a_key_in_a_linked_account_is_linked_to_its_payer(organisation: Organisation) -> None:
    account = next(iter(LINKED[organisation.fernwick.account]))
    key = organisation.standin.add_user(account, "reader", statement("organizations:DescribeOrganization"))
    found = who_am_i(session_of(organisation.standin, key))
    assert (found.account, found.standing, found.payer) == (account, "linked", organisation.fernwick.account)
    assert (found.name, found.pays) == ("", False)


def test_an_account_outside_any_organisation_pays_for_itself(standin: StandIn) -> None:
    key = standin.add_user(ALONE, "reader", statement("organizations:Describe*"))
    found = who_am_i(session_of(standin, key))
    assert (found.standing, found.payer, found.pays) == ("alone", ALONE, True)


def test_without_permission_for_organizations_it_is_unknown_who_pays(standin: StandIn) -> None:
    found = who_am_i(session_of(standin, standin.add_user(ALONE, "reader")))
    assert found == Identity(ALONE, f"arn:aws:iam::{ALONE}:user/reader", "unknown")
    assert found.pays is None
    assert "organizations:DescribeOrganization" in STANDINGS["unknown"]


def test_ambient_credentials_and_a_profile_are_found(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    standin, account = organisation.standin, organisation.fernwick.account
    one, other = (standin.add_user(account, name) for name in ("ambient", "of-profile"))
    for name, value in one.environ.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "credentials").write_text(
        f"[bills]\naws_access_key_id = {other.id}\naws_secret_access_key = {other.secret}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for credentials, user in (
        (Credentials(endpoint=standin.endpoint), "ambient"),
        (Credentials(profile="bills", endpoint=standin.endpoint), "of-profile"),
    ):
        assert who_am_i(Session(credentials)).arn.endswith(f":user/{user}")


# Refusals


@pytest.fixture
def key(organisation: Organisation) -> Key:
    """Of a user who may see reports."""
    return organisation.standin.add_user(
        organisation.fernwick.account, "reader", statement("cur:DescribeReportDefinitions")
    )


def refusal(session: Session, service: str = "cur", operation: str = "DescribeReportDefinitions") -> Denied:
    with pytest.raises(Denied) as told:
        session.ask(service, operation)
    assert told.value.next
    return told.value


def test_a_wrong_key_is_told_from_a_wrong_secret_and_neither_tells_the_secret(standin: StandIn, key: Key) -> None:
    for service, operation in (
        ("cur", "DescribeReportDefinitions"),
        ("sts", "GetCallerIdentity"),
        ("s3", "ListBuckets"),
    ):
        unknown = refusal(session_of(standin, Key("AKIAZZZZZZZZZZZZZZZZ", key.secret)), service, operation)
        assert unknown.reason == "wrong-key"
        assert "AKIAZZZZZZZZZZZZZZZZ" in unknown.message
        mistyped = refusal(session_of(standin, Key(key.id, f"{key.secret}x")), service, operation)
        assert mistyped.reason == "wrong-secret"
        assert key.secret not in f"{unknown}{mistyped}"


def test_a_session_that_has_ended_is_told(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session of somebody else's making, in the environment: Outlay cannot renew it."""
    given = role_of(organisation, organisation.fernwick)()
    for name, part in (("ACCESS_KEY_ID", "access_key_id"), ("SECRET_ACCESS_KEY", "secret_access_key")):
        monkeypatch.setenv(f"AWS_{name}", given[part])
    monkeypatch.setenv("AWS_SESSION_TOKEN", given["token"])
    session = Session(Credentials(endpoint=organisation.standin.endpoint))
    assert session.ask("cur", "DescribeReportDefinitions")["ReportDefinitions"] == []
    organisation.standin.end_sessions()
    told = refusal(session)
    assert told.reason == "session-ended"
    assert given["token"] not in str(told)


@pytest.mark.parametrize(
    "changes",
    [
        {"role_arn": "arn:aws:iam::041700259318:role/nobody-made-this"},
        {"external_id": "outlay-another"},
        {"external_id": ""},
    ],
    ids=str,
)
def test_a_role_that_cannot_be_assumed_and_a_wrong_external_id_are_one_refusal_that_says_so(
    organisation: Organisation, changes: dict[str, str]
) -> None:
    credentials = role_of(organisation, organisation.fernwick, **changes)
    told = refusal(Session(credentials), "sts", "GetCallerIdentity")
    assert told.reason == "role-refused"
    for part in ("role is not there", "trust policy", "external id", organisation.own_key.id):
        assert part in told.message
    assert "sts:ExternalId" in told.next
    place = open_place(
        f"s3://{organisation.fernwick.bucket}", credentials=credentials, endpoint=organisation.standin.endpoint
    )
    with pytest.raises(Denied) as by_storage:
        place.list()
    assert by_storage.value.message == told.message


def test_a_role_that_does_not_trust_outlay_and_an_own_user_without_permission_are_refused(
    organisation: Organisation,
) -> None:
    standin, account = organisation.standin, organisation.fernwick.account
    elsewhere = standin.add_role(account, "others", trusts="arn:aws:iam::111122223333:root")
    credentials = role_of(organisation, organisation.fernwick, role_arn=elsewhere, external_id="")
    assert refusal(Session(credentials)).reason == "role-refused"
    idle = standin.add_user("860513077401", "idle")
    credentials = role_of(organisation, organisation.fernwick, access_key=idle.pair)
    assert refusal(Session(credentials)).reason == "role-refused"


def test_a_wrong_own_key_is_not_told_as_a_role_that_cannot_be_assumed(organisation: Organisation) -> None:
    credentials = role_of(organisation, organisation.fernwick, access_key=("AKIAZZZZZZZZZZZZZZZZ", "x"))
    assert refusal(Session(credentials)).reason == "wrong-key"


def test_a_permission_that_is_missing_is_named(standin: StandIn, key: Key) -> None:
    told = refusal(session_of(standin, key), "bcm-data-exports", "ListExports")
    assert (told.reason, told.action) == ("missing-permission", "bcm-data-exports:ListExports")
    assert "bcm-data-exports:ListExports" in told.message
    assert "5 minutes" in told.next


def test_a_permission_of_another_name_than_its_call_is_named_by_its_own(standin: StandIn, key: Key) -> None:
    standin.add_bucket("041700259318", "other-bills")
    with pytest.raises(Denied) as told:
        session_of(standin, key).ask("s3", "ListObjectsV2", action="s3:ListBucket", Bucket="other-bills")
    assert told.value.action == "s3:ListBucket"
    assert "s3:ListBucket" in told.value.next


def test_an_opt_in_region_without_sts_is_told_with_its_name(organisation: Organisation) -> None:
    organisation.standin.deactivate_sts("eu-south-1")
    told = refusal(Session(role_of(organisation, organisation.fernwick, region="eu-south-1")))
    assert told.reason == "sts-inactive"
    assert "eu-south-1" in told.message
    session = Session(role_of(organisation, organisation.fernwick, region="eu-west-1"))
    assert session.ask("sts", "GetCallerIdentity")


def test_a_key_that_an_opt_in_region_does_not_know_may_be_of_an_account_that_has_not_enabled_it(
    standin: StandIn,
) -> None:
    """AWS answers so in regions that the account has not enabled, and to keys that nobody has."""
    unknown = Key("AKIAZZZZZZZZZZZZZZZZ", "x")
    told = refusal(session_of(standin, unknown, region="ap-east-1"), "sts", "GetCallerIdentity")
    assert told.reason == "sts-inactive"
    assert "ap-east-1" in told.message


def test_an_export_that_is_gone_is_not_found(organisation: Organisation) -> None:
    arn = f"arn:aws:bcm-data-exports:us-east-1:{organisation.fernwick.account}:export/gone-1"
    session = Session(role_of(organisation, organisation.fernwick))
    with pytest.raises(NotFound, match=r"The export gone is not there any more\.") as told:
        session.ask("bcm-data-exports", "GetExport", what="The export gone", ExportArn=arn)
    assert told.value.next


def test_a_profile_that_nobody_wrote_is_named() -> None:
    for ask in (Credentials(profile="nobody"), lambda: Credentials(profile="nobody").region):
        with pytest.raises(Denied, match="the profile nobody") as told:
            ask()
        assert told.value.reason == "no-profile"


def test_a_profile_of_the_environment_that_nobody_wrote_stops_a_role_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    role = Credentials(role_arn="arn:aws:iam::123456789012:role/outlay", access_key=("AKIAX", "x"))
    with pytest.raises(Denied, match="no profile") as told:
        Session(role).ask("sts", "GetCallerIdentity")
    assert "AWS_PROFILE" in told.value.next


def test_no_credentials_at_all_are_told_with_where_to_put_them() -> None:
    with pytest.raises(Denied, match="No AWS credentials") as told:
        Credentials()()
    assert told.value.reason == "no-credentials"
    with pytest.raises(Denied, match="No AWS credentials"):
        Session(Credentials()).ask("sts", "GetCallerIdentity")


def test_a_network_that_does_not_answer_is_tried_again_later(unused_endpoint: str) -> None:
    session = Session(Credentials(access_key=("AKIAX", "x"), endpoint=unused_endpoint))
    with pytest.raises(Unavailable, match="not reached"):
        session.ask("sts", "GetCallerIdentity")


@pytest.fixture
def unused_endpoint(monkeypatch: pytest.MonkeyPatch) -> str:
    """Nobody listens on port 9; and boto3 shall not wait between its attempts."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return "http://127.0.0.1:9"


def test_a_code_of_aws_that_nobody_foresaw_is_told_in_its_own_words(organisation: Organisation) -> None:
    session = Session(role_of(organisation, organisation.fernwick))
    with pytest.raises(AccessError, match=r"ValidationException, .*a-token") as told:
        session.ask("cur", "DescribeReportDefinitions", NextToken="a-token")
    assert not isinstance(told.value, (Denied, NotFound, Unavailable, UsageError))
