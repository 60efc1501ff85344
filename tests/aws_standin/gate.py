"""What stands in front of moto: the two APIs that it lacks, and the refusals of AWS that it does not make.

It asks moto's own access control for the two APIs, and adds what that leaves out: the trust policies of roles in other
accounts, sessions that have ended, regions in which STS is not active, APIs that answer in one region alone.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from xml.sax.saxutils import escape

from moto.core.exceptions import AccessDeniedError, InvalidClientTokenIdError, SignatureDoesNotMatchError
from moto.iam.access_control import IAMRequest
from moto.iam.models import get_account_id_from, iam_backends
from moto.sts.models import AssumedRole, sts_backends
from werkzeug.datastructures import EnvironHeaders
from werkzeug.wsgi import get_input_stream

from tests.aws_standin.buckets import owner_of, region_of
from tests.aws_standin.json_api import JsonApi, Refused
from tests.aws_standin.permission import allows
from tests.services.s3 import read_request

# Where the billing APIs answer.
BILLING_REGION = "us-east-1"
JSON_ERRORS = ("cur", "bcm-data-exports", "organizations")
# What S3 names its actions, where that is not the operation's name.
S3_ACTIONS = {"ListObjectsV2": "ListBucket", "ListObjects": "ListBucket", "HeadObject": "GetObject"}
# Of a request about a bucket: method and query → IAM's name.
S3_BUCKET_ACTIONS = {
    ("GET", "location"): "GetBucketLocation",
    ("GET", "policy"): "GetBucketPolicy",
    ("PUT", "policy"): "PutBucketPolicy",
    ("PUT", "publicAccessBlock"): "PutBucketPublicAccessBlock",
    ("PUT", "encryption"): "PutEncryptionConfiguration",
}


@dataclass(frozen=True)
class Call:
    """A signed request to any service. `action` is what a policy would call it, such as `s3:ListBucket`."""

    key: str
    region: str
    service: str
    action: str
    headers: EnvironHeaders
    body: bytes
    bucket: str = ""
    key_of_object: str = ""

    @property
    def account(self) -> str:
        account: str = get_account_id_from(self.key)
        return account

    @property
    def session(self) -> AssumedRole | None:
        return next(
            (each for each in sts_backends[self.account]["aws"].assumed_roles if each.access_key_id == self.key), None
        )

    @property
    def arn(self) -> str:
        """Of who calls."""
        if session := self.session:
            return str(session.arn)
        user = iam_backends[self.account]["aws"].get_user_from_access_key_id(self.key)
        return str(user.arn) if user else f"arn:aws:iam::{self.account}:user/unknown"


@dataclass
class Gate:
    """`denied` are actions that nobody may do, whatever the policies say."""

    application: WSGIApplication
    apis: dict[str, JsonApi]
    denied: set[str] = field(default_factory=set)
    regions_without_sts: set[str] = field(default_factory=set)
    # Of S3: buckets that readers of other accounts pay for, and those whose objects nobody may decrypt, with the key.
    requester_pays: set[str] = field(default_factory=set)
    encrypted: dict[str, str] = field(default_factory=dict)
    # Buckets whose region S3 does not tell: as a proxy does that drops the header.
    untold_regions: set[str] = field(default_factory=set)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        call = read_call(environ)
        if call is None:
            return self._unsigned(environ, start_response)
        try:
            for check in CHECKS:
                check(self, call)
            if call.service == "s3":
                return _with_words(self.application, environ, start_response, call)
            if call.service not in self.apis:
                return self.application(environ, start_response)
            return _respond(start_response, 200, {}, self._answer(call))
        except Refused as refused:
            return _refuse(start_response, call, refused)

    def _unsigned(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """S3 tells a bucket's region to anybody, beside its refusal."""
        request = read_request(environ)
        region = region_of(request.bucket)
        if request.method != "HEAD" or not region:
            return self.application(environ, start_response)
        told = {} if request.bucket in self.untold_regions else {"x-amz-bucket-region": region}
        return _respond(start_response, 403, told, b"")

    def _answer(self, call: Call) -> bytes:
        api = self.apis[call.service]
        return api.answer(call.account, api.operation(call.headers["X-Amz-Target"]), call.body)


def _is_not_allowed(call: Call, action: str = "", resource: str = "*") -> str:
    action = action or call.action
    return (
        f"User: {call.arn} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )


def _is_current(gate: Gate, call: Call) -> None:
    session = call.session
    if session and session.expiration.replace(tzinfo=UTC) <= datetime.now(UTC):
        code = "ExpiredTokenException" if call.service in JSON_ERRORS else "ExpiredToken"
        raise Refused(code, "The security token included in the request is expired", status=400)


def _is_not_denied(gate: Gate, call: Call) -> None:
    if call.action in gate.denied:
        code = "AccessDeniedException" if call.service in JSON_ERRORS else "AccessDenied"
        raise Refused(code, _is_not_allowed(call), status=403)


def _is_in_region(gate: Gate, call: Call) -> None:
    if call.service in gate.apis and call.region != BILLING_REGION:
        raise Refused("InvalidSignatureException", "Credential should be scoped to a valid region.", status=403)
    if call.service == "sts" and call.region in gate.regions_without_sts:
        message = (
            f"STS is not activated in this region for account:{call.account}. "
            "Your account administrator can activate STS in this region using the IAM Console."
        )
        raise Refused("RegionDisabledException", message, status=403)


def _is_trusted(gate: Gate, call: Call) -> None:
    """moto asks a role's trust policy only within one account, and lets anybody assume a role that is not there."""
    if call.action != "sts:AssumeRole" or call.key not in iam_backends[call.account]["aws"].access_keys:
        return
    asked = dict(parse_qsl(call.body.decode()))
    arn = asked.get("RoleArn", "")
    account = arn.split(":")[4] if arn.count(":") >= 5 else ""
    roles = {role.arn: role for role in iam_backends[account]["aws"].get_roles()} if account.isdigit() else {}
    context = {"sts:externalid": asked["ExternalId"]} if "ExternalId" in asked else {}
    trust = roles[arn].assume_role_policy_document if arn in roles else None
    if not allows(trust, principal=call.arn, action=call.action, resource="*", context=context):
        message = f"User: {call.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        raise Refused("AccessDenied", message, status=403)


def _is_permitted(gate: Gate, call: Call) -> None:
    """By moto's access control, which answers services of the JSON protocol in XML, and lacks two of them."""
    if call.service not in JSON_ERRORS:
        return
    try:
        name = call.action.partition(":")[2]
        request = IAMRequest(call.account, "POST", "/", {}, call.body, cast(dict[str, str], call.headers), name)
        request.check_signature()
        request.check_action_permitted("*")
    except AccessDeniedError as error:
        raise Refused("AccessDeniedException", _is_not_allowed(call)) from error
    except InvalidClientTokenIdError as error:
        message = "The security token included in the request is invalid."
        raise Refused("UnrecognizedClientException", message) from error
    except SignatureDoesNotMatchError as error:
        message = "The request signature we calculated does not match the signature you provided."
        raise Refused("InvalidSignatureException", message) from error


def _is_in_the_buckets_region(gate: Gate, call: Call) -> None:
    """A redirect without a place to go to. Where a bucket lies is told in every region."""
    is_answered_anywhere = call.service != "s3" or call.action in ("s3:GetBucketLocation", "s3:CreateBucket")
    region = "" if is_answered_anywhere else region_of(call.bucket)
    if region and call.region != region:
        message = (
            "The bucket you are attempting to access must be addressed using the specified endpoint. "
            "Please send all future requests to this endpoint."
        )
        told = {} if call.bucket in gate.untold_regions else {"x-amz-bucket-region": region}
        raise Refused("PermanentRedirect", message, status=301, headers=told)


def _is_paid_for(gate: Gate, call: Call) -> None:
    """S3 denies it to other accounts than the owner's, in no more words than any denial."""
    is_other = call.bucket in gate.requester_pays and owner_of(call.bucket) != call.account
    if is_other and call.headers.get("x-amz-request-payer") != "requester":
        raise Refused("AccessDenied", "Access Denied", status=403)


def _is_decrypted(gate: Gate, call: Call) -> None:
    key = gate.encrypted.get(call.bucket) if call.action == "s3:GetObject" else None
    if key:
        raise Refused("AccessDenied", _is_not_allowed(call, "kms:Decrypt", key), status=403)


CHECKS: tuple[Callable[[Gate, Call], None], ...] = (
    _is_in_the_buckets_region,
    _is_current,
    _is_not_denied,
    _is_in_region,
    _is_trusted,
    _is_permitted,
    _is_paid_for,
    _is_decrypted,
)


def read_call(environ: WSGIEnvironment) -> Call | None:
    """None for a request that is not signed."""
    signed = environ.get("HTTP_AUTHORIZATION", "")
    scope = signed.partition("Credential=")[2].partition(",")[0].split("/")
    if len(scope) != 5:
        return None
    body = b""
    if scope[3] != "s3":
        body = get_input_stream(environ).read()
        environ["wsgi.input"] = io.BytesIO(body)
    bucket, key = "", ""
    if scope[3] == "s3":
        request = read_request(environ)
        bucket, key = request.bucket, request.key
    return Call(scope[0], scope[2], scope[3], _action(environ, scope[3]), EnvironHeaders(environ), body, bucket, key)


def _action(environ: WSGIEnvironment, service: str) -> str:
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    request = read_request(environ)
    of_bucket = (S3_BUCKET_ACTIONS.get((request.method, query)) for query in request.query if service == "s3")
    name = target.partition(".")[2] or next(filter(None, of_bucket), request.kind)
    return f"{service}:{S3_ACTIONS.get(name, name)}"


def _refuse(start_response: StartResponse, call: Call, refused: Refused) -> Iterable[bytes]:
    if call.service in JSON_ERRORS:
        body = json.dumps(
            {"__type": refused.code, "Message": refused.message, "message": refused.message} | refused.more
        )
        return _respond(start_response, refused.status, {"x-amzn-ErrorType": refused.code}, body.encode())
    error = f"<Error><Code>{refused.code}</Code><Message>{escape(refused.message)}</Message></Error>"
    text = error if call.service == "s3" else f"<ErrorResponse>{error}<RequestId>standin</RequestId></ErrorResponse>"
    return _respond(start_response, refused.status, {"Content-Type": "text/xml"} | refused.headers, text.encode())


def _with_words(
    application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse, call: Call
) -> Iterable[bytes]:
    """moto's answer; where it denies something of the caller's own account, with the reason that S3 gives there."""
    said: list[Any] = []

    def note(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        said[:] = [status, headers]
        return lambda _: None

    body = b"".join(application(environ, cast(StartResponse, note)))
    status, headers = said
    if status.startswith("403") and b"<Code>AccessDenied</Code>" in body and owner_of(call.bucket) == call.account:
        resource = f'"arn:aws:s3:::{"/".join(filter(None, (call.bucket, call.key_of_object)))}"'
        return _refuse(start_response, call, Refused("AccessDenied", _is_not_allowed(call, "", resource), status=403))
    start_response(status, headers)
    return [body]


def _respond(start_response: StartResponse, status: int, headers: dict[str, str], body: bytes) -> Iterable[bytes]:
    given = {"Content-Type": "application/x-amz-json-1.1", "Content-Length": str(len(body))} | headers
    start_response(f"{status} {'OK' if status == 200 else 'Refused'}", list(given.items()))
    return [body]
