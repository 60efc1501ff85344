"""Access to AWS: ambient credentials, a profile, an access key, or a role that is assumed with an external id.

`Credentials` is what storage signs with; a `Session` asks AWS's APIs with the same credentials.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, TypeVar

import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
from botocore.loaders import Loader, create_loader

from outlay.aws.faults import Doing, translating
from outlay.aws.naming import partition_of
from outlay.errors import Denied, NotFound

_SESSION = timedelta(hours=1)
# By partition: where STS is active from the start.
_REGIONS = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_ATTEMPTS = 3
_CONFIG = Config(connect_timeout=10, read_timeout=30, retries={"mode": "standard", "max_attempts": _ATTEMPTS})


def _utc_now() -> datetime:
    return datetime.now(UTC)


@lru_cache(1)
def _models(data_path: str) -> Loader:
    """AWS's descriptions of its services take longer to read than a call takes, so all sessions share them."""
    return create_loader(data_path)


class Credentials:
    """Gives storage what it needs to sign requests, and renews it: roles before they end, others as boto3 does.

    Raises Denied when there are no credentials, or when the role cannot be assumed.
    """

    def __init__(
        self,
        *,
        profile: str = "",
        role_arn: str = "",
        external_id: str = "",
        access_key: tuple[str, str] | None = None,
        region: str = "",
        endpoint: str = "",
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """`access_key` is its id and its secret; with a role, it is the one that assumes the role.

        STS is asked in `region`, at its regional endpoint; without one in the profile's, in AWS_REGION, or in the first
        of the role's partition, such as us-east-1.
        `endpoint` takes the place of all of AWS's.
        """
        self._profile = profile
        self._access_key = access_key
        self._role_arn = role_arn
        self._external_id = external_id
        self._region = region
        self.endpoint = endpoint
        self._now = now
        self._session: botocore.session.Session | None = None

    def __call__(self) -> dict[str, Any]:
        return self._assumed() if self._role_arn else self._found()

    @property
    def who(self) -> str:
        """In words: what AWS sees as the caller."""
        return f"the role {self._role_arn}" if self._role_arn else self._own_words

    @property
    def partition(self) -> str:
        """Of the role; `aws` where there is none."""
        return partition_of(self._role_arn)

    @property
    def region(self) -> str:
        """Raises Denied for a profile that is not there."""
        # boto3 reads AWS_REGION nowhere, and without any region STS is not found.
        own = self._region or self._own().get_config_variable("region") or os.environ.get("AWS_REGION")
        return own or _REGIONS.get(partition_of(self._role_arn), "us-east-1")

    def session(self) -> botocore.session.Session:
        """One that renews itself. Raises Denied for a profile that is not there."""
        if not self._role_arn:
            return self._own()
        made = self._new()
        made.register_component("credential_provider", CredentialResolver([_Role(self._renewed, self._now)]))
        return made

    @property
    def _own_words(self) -> str:
        if self._access_key:
            return f"the access key {self._access_key[0]}"
        return f"the profile {self._profile}" if self._profile else "the credentials that Outlay runs with"

    def _new(self, profile: str = "") -> botocore.session.Session:
        """Raises Denied for a profile that is not there, which botocore tells in passing."""
        with translating(Doing("sts:GetCallerIdentity", self._own_words, self._region)):
            made = botocore.session.Session(profile=profile or None)
            made.register_component("data_loader", _models(made.get_config_variable("data_path")))
            made.get_scoped_config()
        return made

    def _own(self) -> botocore.session.Session:
        if self._session is None:
            made = self._new(self._profile)
            if self._access_key:
                made.set_credentials(*self._access_key)
            self._session = made
        return self._session

    def _found(self) -> dict[str, Any]:
        with translating(Doing("sts:GetCallerIdentity", self._own_words, self._region)):
            credentials = self._own().get_credentials()
            frozen = credentials.get_frozen_credentials() if credentials else None
        if frozen is None:
            raise Denied(
                "No AWS credentials were found in the environment, the profile or the instance.",
                next="Set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile or --role-arn.",
                reason="no-credentials",
            )
        # Asked again after a quarter of an hour: boto3 itself knows when its credentials end.
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": self._now() + timedelta(minutes=15),
        }

    def _assumed(self) -> dict[str, Any]:
        given = self._assume()
        return {
            "access_key_id": given["AccessKeyId"],
            "secret_access_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            # obstore takes no other zone than Python's own, and boto3 gives dateutil's.
            "expires_at": given["Expiration"].astimezone(UTC) - timedelta(minutes=5),
        }

    def _renewed(self) -> dict[str, str]:
        """As botocore wants it; it asks again a quarter of an hour before the end."""
        given = self._assume()
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].astimezone(UTC).isoformat(),
        }

    def _assume(self) -> dict[str, Any]:
        request: dict[str, Any] = {
            "RoleArn": self._role_arn,
            "RoleSessionName": "outlay",
            "DurationSeconds": int(_SESSION.total_seconds()),
        }
        if self._external_id:
            request["ExternalId"] = self._external_id
        region = self.region
        with translating(Doing("sts:AssumeRole", self._own_words, region, role=self._role_arn)):
            sts: Any = self._own().create_client(
                "sts", region_name=region, endpoint_url=self.endpoint or None, config=_CONFIG
            )
            given = sts.assume_role(**request)["Credentials"]
        return dict(given)


class _Role(CredentialProvider):
    """botocore's door for credentials of another's making."""

    METHOD = "outlay-role"
    CANONICAL_NAME = "outlay-role"

    def __init__(self, renew: Callable[[], dict[str, str]], now: Callable[[], datetime]) -> None:
        super().__init__()
        self._renew, self._now = renew, now

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(self._renew, self.METHOD, self._now)


class Session:
    """Asks AWS's APIs, each answer a plain dictionary. Raises AccessError, with what to do next, for every refusal.

    Any thread may ask. A call that AWS throttles, or cannot answer now, is made `attempts` times, with growing waits.
    """

    def __init__(self, credentials: Credentials, *, attempts: int = _ATTEMPTS) -> None:
        self.credentials = credentials
        self._config = _CONFIG.merge(Config(retries={"mode": "standard", "max_attempts": attempts}))
        self._made: botocore.session.Session | None = None
        self._clients: dict[tuple[str, str], Any] = {}
        # botocore makes one client at a time.
        self._making = threading.Lock()

    def ask(
        self, service: str, operation: str, *, region: str = "", what: str = "", action: str = "", **parameters: Any
    ) -> Any:
        """`operation` by AWS's name, such as `ListExports`; `what` tells in words what it is about.

        `action` is the permission that it needs, where that is not named like it, as `s3:ListBucket` is not.
        """
        where = region or self.credentials.region
        doing = Doing(action or f"{service}:{operation}", self.credentials.who, where, what=what)
        with translating(doing):
            return getattr(self._client(service, where), xform_name(operation))(**parameters)

    def pages(
        self, service: str, operation: str, key: str, *, region: str = "", what: str = "", **parameters: Any
    ) -> Iterator[Any]:
        """What lies under `key` on every page, of operations that page by `NextToken`."""
        token: dict[str, str] = {}
        while True:
            page = self.ask(service, operation, region=region, what=what, **parameters, **token)
            yield from page.get(key, ())
            # An empty token or the same one again would never end.
            if page.get("NextToken", "") in ("", token.get("NextToken")):
                return
            token = {"NextToken": page["NextToken"]}

    def paged(
        self, service: str, operation: str, key: str, *, region: str, action: str, size: int | None, **parameters: Any
    ) -> Iterator[Any]:
        """As `pages`, of operations that botocore knows how to page, each in its own way; `size` is that of a page."""
        doing = Doing(action, self.credentials.who, region)
        with translating(doing):
            paginator = self._client(service, region).get_paginator(xform_name(operation))
            pages = iter(paginator.paginate(**parameters, PaginationConfig={"PageSize": size} if size else {}))
        while True:
            with translating(doing):
                page = next(pages, None)
            if page is None:
                return
            yield from page.get(key, ())

    def _client(self, service: str, region: str) -> Any:
        with self._making:
            if (service, region) not in self._clients:
                self._made = self._made or self.credentials.session()
                self._clients[service, region] = self._made.create_client(
                    service, region_name=region, endpoint_url=self.credentials.endpoint or None, config=self._config
                )
            return self._clients[service, region]


Standing = Literal["payer", "linked", "alone", "unknown"]
# How each is told.
STANDINGS: dict[Standing, str] = {
    "payer": "the management account of an organisation: it pays for all of them",
    "linked": "an account of an organisation that another account pays for",
    "alone": "an account outside any organisation: it pays for itself",
    "unknown": "it may not be seen whether it pays for others; that takes organizations:DescribeOrganization",
}


@dataclass(frozen=True)
class Identity:
    """Who the credentials are. `payer` is the account that pays, blank when that may not be seen, as is `name`."""

    account: str
    arn: str
    standing: Standing
    payer: str = ""
    name: str = ""

    @property
    def partition(self) -> str:
        return self.arn.split(":")[1]

    @property
    def pays(self) -> bool | None:
        """None when it may not be seen."""
        return {"payer": True, "alone": True, "linked": False}.get(self.standing)


def who_am_i(session: Session) -> Identity:
    """Raises AccessError for credentials that are wrong; what Organizations does not show is left blank."""
    caller = session.ask("sts", "GetCallerIdentity")
    account, arn = caller["Account"], caller["Arn"]
    payer = _payer(session)
    if payer is None:
        return Identity(account, arn, "unknown")
    if not payer:
        return Identity(account, arn, "alone", account)
    return Identity(account, arn, "payer" if payer == account else "linked", payer, _name(session, account))


def _payer(session: Session) -> str | None:
    """Of the organisation; blank outside one; None when it may not be seen."""
    try:
        found = unless_denied(lambda: session.ask("organizations", "DescribeOrganization", region="us-east-1"))
    except NotFound:
        return ""
    return found and str(found["Organization"]["MasterAccountId"])


def _name(session: Session, account: str) -> str:
    found = unless_denied(
        lambda: session.ask("organizations", "DescribeAccount", region="us-east-1", AccountId=account)
    )
    return str(found["Account"].get("Name", "")) if found else ""


T = TypeVar("T")


def unless_denied(ask: Callable[[], T]) -> T | None:
    """None where a permission is missing; other refusals are raised, for the reader to mend."""
    try:
        return ask()
    except Denied as error:
        if error.reason != "missing-permission":
            raise
        return None
