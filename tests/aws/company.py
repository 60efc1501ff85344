"""A company's AWS account on moto's server, with its access control: who may do what is enforced for each request.

moto calls some actions by other names than IAM does; `CORRECTIONS` and `S3_CORRECTIONS` put that right.
"""

from __future__ import annotations

import gzip
import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.core.authorization import enable_iam_authentication
from moto.iam import access_control
from moto.s3.responses import ACTION_MAP

from outlay.aws.sessions import Credentials, Session
from outlay.errors import Denied
from outlay.storage import Place, open_place
from tests.aws_standin.cur import CurApi
from tests.aws_standin.data_exports import DataExportsApi
from tests.aws_standin.gate import Gate, read_call
from tests.aws_standin.organisation import export
from tests.aws_standin.standin import billing_statement
from tests.ingest.bills import CUR_ROW, FOCUS_ROW, put_cur
from tests.ingest.world import World, as_csv, put_drop, row
from tests.services.s3 import REGION, S3, S3Server

# moto's own.
ACCOUNT = "123456789012"
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AccessDeniedError"}

# moto's name → IAM's. Source: the Service Authorization Reference.
CORRECTIONS = {
    "monitoring:GetMetricStatistics": "cloudwatch:GetMetricStatistics",
    "monitoring:GetMetricData": "cloudwatch:GetMetricData",
    "monitoring:ListMetrics": "cloudwatch:ListMetrics",
    "tagging:GetResources": "tag:GetResources",
    "tagging:GetTagKeys": "tag:GetTagKeys",
    "tagging:GetTagValues": "tag:GetTagValues",
    "budgets:DescribeBudgets": "budgets:ViewBudget",
}
# Method and query → the action of a request about a bucket.
S3_CORRECTIONS = (
    ("HEAD", "DEFAULT", "ListBucket"),
    ("GET", "publicAccessBlock", "GetBucketPublicAccessBlock"),
    ("PUT", "publicAccessBlock", "PutBucketPublicAccessBlock"),
    ("PUT", "encryption", "PutEncryptionConfiguration"),
)


@contextmanager
def corrected() -> Iterator[None]:
    """The test's server, not what is tested, is changed. A profile of the developer's is out of the way."""
    permitted = access_control.IAMPolicy.is_action_permitted

    def by_iams_name(self: Any, action: str, *args: Any) -> Any:
        return permitted(self, CORRECTIONS.get(action, action), *args)

    check_signature = access_control.IAMRequestBase.check_signature

    def without_headers(self: Any) -> None:
        """Of a GET by JSON over REST moto takes the headers for its parameters, and finds another signature."""
        if self._method == "GET" and "Authorization" in self._data:
            self._data = {}
        check_signature(self)

    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("AWS_")]:
            patch.delenv(name)
        patch.setattr(access_control.IAMPolicy, "is_action_permitted", by_iams_name)
        patch.setattr(access_control.IAMRequestBase, "check_signature", without_headers)
        for method, query, action in S3_CORRECTIONS:
            patch.setitem(ACTION_MAP["BUCKET"][method], query, action)
        yield


def is_denied(call: Callable[[], object]) -> bool:
    """Any other failure is a failure of the test."""
    with enable_iam_authentication():
        try:
            call()
        except Denied:
            return True
        except ClientError as error:
            # moto answers in XML even where the protocol is JSON, and the SDK then finds no code.
            said = error.response["Error"]
            if said["Code"] not in DENIED and "<Code>AccessDenied</Code>" not in said.get("Message", ""):
                raise
            return True
    return False


class Billing:
    """moto, and the two APIs that it lacks, for whose calls it is asked what the caller may do."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self.cur, self.data_exports = CurApi(), DataExportsApi(lambda: datetime.now(UTC))
        self._gate = Gate(application, {each.service: each for each in (self.cur, self.data_exports)})

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        call = read_call(environ)
        is_ours = call is not None and call.service in self._gate.apis
        return (self._gate if is_ours else self._application)(environ, start_response)


class Company:
    """Its bucket holds a bill of each kind. `user` has no permission but those that `allow` gives."""

    def __init__(self, server: S3Server, folder: Path) -> None:
        self.s3 = S3(server)
        self._server, self._plain = server, server.observed.application
        self.billing = Billing(self._plain)
        server.observed.application = self.billing
        self.folder = folder
        # Making one takes longer than its call.
        self._clients: dict[tuple[str, tuple[str, str]], Any] = {}
        self.bucket = self.s3.bucket
        self.user = f"user-{self.bucket}"
        self.s3.iam.create_user(UserName=self.user)
        key = self.s3.iam.create_access_key(UserName=self.user)["AccessKey"]
        self.key = (key["AccessKeyId"], key["SecretAccessKey"])
        self.s3.iam.create_login_profile(UserName=self.user, Password="correct horse battery 1A!")
        self._furnish()
        self._deliver()

    def close(self) -> None:
        """What all tests on the server would share."""
        self.admins("organizations").delete_organization()
        self._server.observed.application = self._plain

    def admins(self, service: str) -> Any:
        """For whom all is allowed while access control is off."""
        return self._client(service, (self.s3.access_key, self.s3.secret_key))

    def session(self) -> Session:
        """The user's, as Outlay asks AWS's APIs."""
        return Session(Credentials(access_key=self.key, endpoint=self.s3.endpoint, region=REGION))

    @property
    def user_arn(self) -> str:
        return self.s3.iam.get_user(UserName=self.user)["User"]["Arn"]

    def _furnish(self) -> None:
        """So that whatever is asked for is there."""
        s3, bucket = self.s3.client, self.bucket
        self.admins("organizations").create_organization(FeatureSet="ALL")
        self.admins("dynamodb").create_table(
            TableName=bucket,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "team", "Value": "finops"}]})
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
        s3.put_bucket_lifecycle_configuration(
            Bucket=bucket,
            LifecycleConfiguration={
                "Rules": [{"ID": "old", "Filter": {"Prefix": "old/"}, "Status": "Enabled", "Expiration": {"Days": 9}}]
            },
        )
        others = {"Sid": "Others", "Effect": "Allow", "Principal": {"AWS": self.user_arn}, "Action": "s3:PutObjectAcl"}
        statements = [{**others, "Resource": f"arn:aws:s3:::{bucket}/*"}, billing_statement(ACCOUNT, bucket)]
        document = {"Version": "2012-10-17", "Statement": statements}
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))

        role = self.s3.iam.create_role(RoleName=f"nodes-{bucket}", AssumeRolePolicyDocument=json.dumps(document))
        self.admins("eks").create_cluster(name=bucket, roleArn=role["Role"]["Arn"], resourcesVpcConfig={})
        rules = [
            {"Value": "finops", "Rule": {"Tags": {"Key": "team", "Values": ["finops"], "MatchOptions": ["EQUALS"]}}}
        ]
        self.category_arn = self.admins("ce").create_cost_category_definition(
            Name="teams",
            RuleVersion="CostCategoryExpression.v1",
            Rules=rules,
        )["CostCategoryArn"]
        made = self.billing.data_exports.create_export(ACCOUNT, {"Export": export("there", bucket)})
        self.export_arn = made["ExportArn"]
        there = self.billing.data_exports.exports[ACCOUNT][self.export_arn]
        self.execution_id = self.billing.data_exports.executed(there, "DELIVERY_SUCCESS").id

    def _deliver(self) -> None:
        """Everyone's key will do here: access control is off."""
        put_drop(self.place("anycost"), [row("12")], "d1")
        put_cur(self.place("cur"), [CUR_ROW])
        put_focus_export(self.place("export"))

    def place(self, path: str, credentials: Credentials | None = None) -> Place:
        own = credentials or Credentials(access_key=self.key)
        return open_place(self.s3.url(f"bills/{path}"), credentials=own, endpoint=self.s3.endpoint)

    def allow(self, document: Mapping[str, Any] | None) -> None:
        """That alone, from now on. IAM takes no policy without a statement."""
        for name in self.s3.iam.list_user_policies(UserName=self.user)["PolicyNames"]:
            self.s3.iam.delete_user_policy(UserName=self.user, PolicyName=name)
        if document and document["Statement"]:
            self.s3.iam.put_user_policy(UserName=self.user, PolicyName="it", PolicyDocument=json.dumps(document))

    def client(self, service: str) -> Any:
        """The user's."""
        return self._client(service, self.key)

    def _client(self, service: str, key: tuple[str, str]) -> Any:
        if (service, key) not in self._clients:
            self._clients[service, key] = boto3.client(
                service,
                endpoint_url=self.s3.endpoint,
                region_name=REGION,
                aws_access_key_id=key[0],
                aws_secret_access_key=key[1],
            )
        return self._clients[service, key]

    def ingest(self, path: str, kind: str, credentials: Credentials | None = None) -> None:
        """As Outlay does it. Raises Denied."""
        world = World(self.folder / uuid.uuid4().hex, self.place(path, credentials), kind)
        try:
            (result,) = world.check()
        finally:
            world.close()
        if any(each.code in ("access-denied", "permission-missing") for each in result.findings):
            raise Denied(str(result.findings))
        assert result.outcome == "committed", result


def put_focus_export(place: Place) -> None:
    data = "acme/data/BILLING_PERIOD=2026-05/acme-00001.csv.gz"
    place.write(data, gzip.compress(as_csv([FOCUS_ROW])))
    manifest = {
        "executionId": "e1",
        "columns": [{"name": "BilledCost"}, {"name": "ChargePeriodStart"}],
        "dataFiles": [f"{place.location}/{data}"],
    }
    place.write("acme/metadata/BILLING_PERIOD=2026-05/acme-Manifest.json", json.dumps(manifest).encode())
