"""Credentials for AWS: ambient ones, a profile, or a role that is assumed with an external id."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from outlay.errors import Denied

_SESSION = timedelta(hours=1)


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
    ) -> None:
        """`access_key` is its id and its secret; with a role, it is the one that assumes the role."""
        self._profile = profile
        self._access_key = access_key
        self._role_arn = role_arn
        self._external_id = external_id
        self._session: boto3.Session | None = None

    def __call__(self) -> dict[str, Any]:
        try:
            return self._assumed() if self._role_arn else self._found()
        except (BotoCoreError, ClientError) as error:
            who = f"The role {self._role_arn}" if self._role_arn else f"The profile {self._profile or 'default'}"
            raise Denied(
                f"{who} gives no credentials: {_reason(error)}.",
                next="Check the role's trust policy and external id, or the profile's configuration.",
            ) from error

    def _own(self) -> boto3.Session:
        if self._session is None:
            key_id, secret = self._access_key or (None, None)
            self._session = boto3.Session(
                profile_name=self._profile or None, aws_access_key_id=key_id, aws_secret_access_key=secret
            )
        return self._session

    def _found(self) -> dict[str, Any]:
        credentials = self._own().get_credentials()
        if credentials is None:
            raise Denied(
                "No AWS credentials were found in the environment, the profile or the instance.",
                next="Set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile or --role-arn.",
            )
        frozen = credentials.get_frozen_credentials()
        # Asked again after a quarter of an hour: boto3 itself knows when its credentials end.
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(UTC) + timedelta(minutes=15),
        }

    def _assumed(self) -> dict[str, Any]:
        request: dict[str, Any] = {
            "RoleArn": self._role_arn,
            "RoleSessionName": "outlay",
            "DurationSeconds": int(_SESSION.total_seconds()),
        }
        if self._external_id:
            request["ExternalId"] = self._external_id
        own = self._own()
        # boto3 reads AWS_REGION nowhere, and without any region STS is not found.
        region = own.region_name or os.environ.get("AWS_REGION") or "us-east-1"
        given = own.client("sts", region_name=region).assume_role(**request)["Credentials"]
        return {
            "access_key_id": given["AccessKeyId"],
            "secret_access_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            # obstore takes no other zone than Python's own, and boto3 gives dateutil's.
            "expires_at": given["Expiration"].astimezone(UTC) - timedelta(minutes=5),
        }


def _reason(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "unknown error"))
    return str(error).splitlines()[0].rstrip(".")
