"""AWS on loopback: moto's server, the two billing APIs, access control, and a hand on what goes wrong.

It runs in a thread of the process that makes it. moto's accounts, buckets and its switch of access control belong to
the whole process, so there is one stand-in at a time, and `close` gives all of it back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from moto.core.authorization import enable_iam_authentication
from moto.iam.models import iam_backends
from moto.organizations.models import organizations_backends
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends

from tests.aws_standin.cur import CurApi
from tests.aws_standin.data_exports import DataExportsApi
from tests.aws_standin.gate import Gate
from tests.services.s3 import S3Server, moto_application

EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@dataclass(frozen=True)
class Key:
    """An access key; its session token where it is of a session."""

    id: str
    secret: str
    token: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        return self.id, self.secret

    @property
    def environ(self) -> dict[str, str]:
        found = {"AWS_ACCESS_KEY_ID": self.id, "AWS_SECRET_ACCESS_KEY": self.secret}
        return found | ({"AWS_SESSION_TOKEN": self.token} if self.token else {})


class StandIn:
    def __init__(self, *, port: int = 0) -> None:
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.cur = CurApi()
        self.data_exports = DataExportsApi(lambda: self.now())
        apis = {self.cur.service: self.cur, self.data_exports.service: self.data_exports}
        self.gate = Gate(moto_application(), dict(apis))
        self._open = ExitStack()
        self._accounts: set[str] = set()
        self._admins: dict[str, Key] = {}
        self._open.callback(self._forget)
        self._open.enter_context(enable_iam_authentication())
        self.server = S3Server(self.gate, port=port)
        self._open.callback(self.server.close)

    @property
    def endpoint(self) -> str:
        return self.server.endpoint

    def close(self) -> None:
        self._open.close()

    def client(self, service: str, account: str = "", *, key: Key | None = None, region: str = "us-east-1") -> Any:
        """Of boto3: as the administrator of an account, or with a key."""
        key = key or self.admin(account)
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=key.id,
            aws_secret_access_key=key.secret,
            aws_session_token=key.token or None,
        )

    # Who there is

    def admin(self, account: str) -> Key:
        if account not in self._admins:
            self._admins[account] = self.add_user(account, "administrator", EVERYTHING)
        return self._admins[account]

    def add_user(self, account: str, name: str, *statements: dict[str, Any]) -> Key:
        iam = self._iam(account)
        iam.create_user("us-east-1", name)
        if statements:
            iam.put_user_policy(name, "given", policy_text(*statements))
        key = iam.create_access_key(name)
        return Key(key.access_key_id, key.secret_access_key)

    def add_role(self, account: str, name: str, *statements: dict[str, Any], trusts: str, external_id: str = "") -> str:
        """Its ARN. `trusts` is a principal's ARN; with an external id the trust asks for it."""
        iam = self._iam(account)
        trust = {"Effect": "Allow", "Principal": {"AWS": trusts}, "Action": "sts:AssumeRole"}
        if external_id:
            trust["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
        role = iam.create_role(name, policy_text(trust), "/", None, "", [], "3600")
        self.permit_role(account, name, *statements)
        return str(role.arn)

    def permit_role(self, account: str, name: str, *statements: dict[str, Any]) -> None:
        """These and no others."""
        iam = self._iam(account)
        for policy in iam.list_role_policies(name):
            iam.delete_role_policy(name, policy)
        if statements:
            iam.put_role_policy(name, "given", policy_text(*statements))

    def add_organisation(self, payer: str, name: str, units: dict[str, dict[str, str]]) -> None:
        """`units`: the names of organisational units, each with its accounts' names by their ids."""
        self._accounts.add(payer)
        organisation = organizations_backends[payer]["aws"]
        organisation.create_organization("us-east-1", FeatureSet="ALL")
        organisation.accounts[0].name = name
        root_id = organisation.list_roots()["Roots"][0]["Id"]
        for unit, accounts in units.items():
            made = organisation.create_organizational_unit(Name=unit, ParentId=root_id)["OrganizationalUnit"]
            for account, called in accounts.items():
                self._add_account(organisation, account, called, made["Id"])

    def join(self, payer: str, account: str, name: str) -> None:
        """One more account of an organisation that there is, in its root."""
        organisation = organizations_backends[payer]["aws"]
        self._add_account(organisation, account, name, organisation.list_roots()["Roots"][0]["Id"])

    def _add_account(self, organisation: Any, account: str, name: str, unit: str) -> None:
        """moto gives accounts numbers of its own choice; the bill has others."""
        organisation.create_account(AccountName=name, Email=f"{name}@fernwick.example")
        made = organisation.accounts[-1]
        organizations_backends.master_accounts[account] = organizations_backends.master_accounts.pop(made.id)
        made.id, made.parent_id = account, unit
        self._accounts.add(account)

    # Buckets

    def add_bucket(self, account: str, name: str, *, region: str = "us-east-1", for_billing: bool = True) -> None:
        self._accounts.add(account)
        buckets = s3_backends[account]["aws"]
        buckets.create_bucket(name, region)
        if for_billing:
            buckets.put_bucket_policy(name, policy_text(billing_statement(account, name)).encode())

    def remove_bucket(self, account: str, name: str) -> None:
        """With all that is in it."""
        buckets = s3_backends[account]["aws"]
        buckets.buckets[name].keys.clear()
        buckets.delete_bucket(name)

    # What goes wrong

    def deny(self, *actions: str) -> None:
        """Actions such as `cur:DescribeReportDefinitions`, to everybody, until `allow`."""
        self.gate.denied.update(actions)

    def allow(self, *actions: str) -> None:
        self.gate.denied.difference_update(actions)

    def deactivate_sts(self, region: str) -> None:
        self.gate.regions_without_sts.add(region)

    def end_sessions(self) -> None:
        """As if every session that there is had lasted to its end."""
        for account in self._accounts:
            for session in sts_backends[account]["aws"].assumed_roles:
                session.expiration = datetime(2020, 1, 1)  # noqa: DTZ001 moto's are without a zone

    def _iam(self, account: str) -> Any:
        self._accounts.add(account)
        return iam_backends[account]["aws"]

    def _forget(self) -> None:
        for account in self._accounts:
            for bucket in list(s3_backends[account]["aws"].buckets):
                self.remove_bucket(account, bucket)
            for backends in (iam_backends, sts_backends, organizations_backends, s3_backends):
                backends[account]["aws"].reset()
            organizations_backends.master_accounts.pop(account, None)


def policy_text(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(*actions: str, resources: Sequence[str] = ("*",)) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def billing_statement(account: str, bucket: str) -> dict[str, Any]:
    """What AWS's console writes into a bucket's policy for exports."""
    arns = (f"arn:aws:cur:us-east-1:{account}:definition/*", f"arn:aws:bcm-data-exports:us-east-1:{account}:export/*")
    return {
        "Sid": "EnableAWSDataExportsToWriteToS3AndCheckPolicy",
        "Effect": "Allow",
        "Principal": {"Service": ["billingreports.amazonaws.com", "bcm-data-exports.amazonaws.com"]},
        "Action": ["s3:PutObject", "s3:GetBucketPolicy"],
        "Resource": [f"arn:aws:s3:::{bucket}/*", f"arn:aws:s3:::{bucket}"],
        "Condition": {"StringLike": {"aws:SourceAccount": account, "aws:SourceArn": list(arns)}},
    }
