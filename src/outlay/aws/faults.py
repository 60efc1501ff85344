"""What AWS and boto3 refuse, as Outlay's errors: a table of AWS's codes, each with its message and the next action.

Sources: the common errors of AWS's API references, and the IAM user guide, "Troubleshooting access denied errors".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError

from outlay.errors import AccessError, Denied, NotFound, Unavailable

# Every other region has to be enabled in an account before it knows the account's keys.
# Source: AWS Account Management, "Enable or disable AWS Regions in your account".
ENABLED_REGIONS = frozenset(
    (
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
        *("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"),
        *("ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2"),
        *("cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1"),
    )
)


@dataclass(frozen=True)
class Doing:
    """What was asked of AWS. `who` names the credentials, `what` the thing that the call is about, in words."""

    action: str
    who: str
    region: str
    role: str = ""
    what: str = ""

    @property
    def to_do(self) -> str:
        return f"{self.action} of {self.what}" if self.what else self.action


@dataclass(frozen=True)
class Fault:
    """`action` limits it to one call, `words` to answers that hold them; the message and the next action may name what
    `Doing` has.
    """

    codes: frozenset[str]
    error: type[AccessError]
    reason: str
    message: str
    next: str
    action: str = ""
    region_must_be_enabled: bool = False
    words: str = ""

    def fits(self, code: str, words: str, doing: Doing) -> bool:
        return (
            code in self.codes
            and self.words in words
            and self.action in ("", doing.action)
            and not (self.region_must_be_enabled and doing.region in ENABLED_REGIONS)
        )

    def made(self, doing: Doing) -> AccessError:
        said = {"who": doing.who, "role": doing.role, "region": doing.region, "action": doing.action}
        message = self.message.format(**said, to_do=doing.to_do, what=doing.what or "What was asked for")
        message = message[:1].upper() + message[1:]
        next = self.next.format(**said)
        if issubclass(self.error, Denied):
            return self.error(message, next=next, reason=self.reason, action=doing.action)
        return self.error(message, next=next)


_DENIED = frozenset(
    ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "AllAccessDisabled")
)
_UNKNOWN_KEY = frozenset(("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidToken"))

# The first that fits.
FAULTS: tuple[Fault, ...] = (
    Fault(
        _DENIED,
        Denied,
        "role-refused",
        "{who} may assume no role such as {role}: no policy of its own allows it.",
        "Attach to it what outlay policy assume-role writes. New permissions take about 5 minutes to work.",
        action="sts:AssumeRole",
        words="because no identity-based policy allows",
    ),
    Fault(
        _DENIED,
        Denied,
        "forbidden",
        "{who} may not do {to_do}: a policy of the organisation denies it.",
        "Ask whoever manages the organisation for an exception: no policy of the account itself helps.",
        words="with an explicit deny in a service control policy",
    ),
    Fault(
        _DENIED,
        Denied,
        "forbidden",
        "{who} may not do {to_do}: a policy denies it, which goes before any that allows it.",
        "Find the Deny in the policies of the role or user and its permissions boundary, and take it away.",
        words="with an explicit deny",
    ),
    Fault(
        _DENIED,
        Denied,
        "role-refused",
        "AWS does not let {who} assume the role {role}. It does not tell which it is: the role is not there, its trust "
        "policy names somebody else, or the external id differs.",
        "Compare the ARN, and in the role's trust policy the principal and sts:ExternalId, with those of the "
        "connection. Outlay's own user or role needs sts:AssumeRole. New permissions take about 5 minutes.",
        action="sts:AssumeRole",
    ),
    Fault(
        frozenset(("ValidationError", "MalformedPolicyDocument", "PackedPolicyTooLarge")),
        Denied,
        "role-refused",
        "AWS does not take {role} as a role to assume, or its external id as one.",
        "Copy the role's ARN from the IAM console; it looks like arn:aws:iam::123456789012:role/name.",
        action="sts:AssumeRole",
    ),
    Fault(
        frozenset(("RegionDisabledException", "OptInRequired")),
        Denied,
        "sts-inactive",
        "AWS STS is not active in the region {region}.",
        "Activate it in the IAM console under Account settings, Endpoints, or set AWS_REGION to another region.",
    ),
    Fault(
        _UNKNOWN_KEY,
        Denied,
        "sts-inactive",
        "AWS does not know the key of {who} in the region {region}, which an account has to enable first.",
        "Enable the region in the account, and STS in it, or set AWS_REGION to another region.",
        region_must_be_enabled=True,
    ),
    Fault(
        _UNKNOWN_KEY,
        Denied,
        "wrong-key",
        "AWS does not know the access key of {who}.",
        "Check the access key id; the key may have been deleted or made inactive. Then give a new one.",
    ),
    Fault(
        frozenset(("SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature")),
        Denied,
        "wrong-secret",
        "The secret access key does not belong to the access key of {who}.",
        "Give both again, without spaces or a line's end; check too that this machine's clock is right.",
    ),
    Fault(
        frozenset(("RequestTimeTooSkewed", "RequestExpired")),
        Denied,
        "clock",
        "AWS refuses the signature of {who}: this machine's clock differs from AWS's.",
        "Set the clock, best by NTP.",
    ),
    Fault(
        frozenset(("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired")),
        Denied,
        "session-ended",
        "The session of {who} has ended.",
        "Sign in again, or use a role or an access key, which Outlay renews by itself.",
    ),
    Fault(
        _DENIED,
        Denied,
        "missing-permission",
        "{who} may not do {to_do}.",
        "Allow {action} in its policy, and see that no service control policy denies it. "
        "New permissions take about 5 minutes to work.",
    ),
    Fault(
        frozenset(("ResourceNotFoundException",)),
        NotFound,
        "gone",
        "{what} is not there any more.",
        "Choose another export, or make this one again.",
    ),
    Fault(
        frozenset(("NoSuchBucket", "NoSuchBucketPolicy")),
        NotFound,
        "no-bucket",
        "{what} is not there, or has no policy.",
        "Check its name, or make it.",
    ),
    Fault(
        frozenset(("NoSuchTagSet", "NoSuchPublicAccessBlockConfiguration", "NoSuchEntity")),
        NotFound,
        "none",
        "{what} has none of what {action} tells.",
        "Nothing has to be done.",
    ),
    Fault(
        frozenset(("BucketAlreadyExists",)),
        Denied,
        "bucket-taken",
        "The name of {what} is taken: names of buckets are unique in all of AWS.",
        "Choose another name.",
    ),
    Fault(
        frozenset(("TooManyBuckets", "ReportLimitReachedException", "ServiceQuotaExceededException")),
        Denied,
        "quota",
        "The account has as many as AWS allows, so that {action} was refused.",
        "Take one that is there, or ask AWS to raise the quota.",
    ),
    Fault(
        frozenset(("DuplicateReportNameException",)),
        Denied,
        "name-taken",
        "AWS did not make {what}: there is a report of that name.",
        "Choose another name.",
    ),
    Fault(
        frozenset(("AWSOrganizationsNotInUseException",)),
        NotFound,
        "no-organisation",
        "The account of {who} is in no organisation.",
        "Nothing has to be done: it pays for itself.",
    ),
    Fault(
        frozenset(
            (
                *("Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"),
                *("InternalError", "InternalFailure", "InternalErrorException", "InternalServerException"),
                *("ServiceUnavailable", "ServiceUnavailableException", "ServiceException", "RequestTimeout"),
            )
        ),
        Unavailable,
        "unavailable",
        "AWS cannot answer {action} now.",
        "It is tried again.",
    ),
)

# By boto3's own errors, which come before or in place of an answer.
_UNREACHED = Fault(
    frozenset(),
    Unavailable,
    "unreached",
    "AWS was not reached to do {action} in {region}.",
    "Check the network, a proxy, and AWS_ENDPOINT_URL.",
)
_SIGN_IN = Fault(
    frozenset(),
    Denied,
    "session-ended",
    "The sign-in of {who} has ended.",
    "Run aws sso login where Outlay runs, or use a role.",
)
_NO_CREDENTIALS = Fault(
    frozenset(),
    Denied,
    "no-credentials",
    "No AWS credentials were found in the environment, the profile or the instance.",
    "Set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile or --role-arn.",
)
_PROFILE = Fault(
    frozenset(),
    Denied,
    "no-profile",
    "AWS's configuration has no profile, or none that can be read, for {who}.",
    "Write the profile into ~/.aws/config where Outlay runs, name another, or unset AWS_PROFILE.",
)
BOTO_FAULTS: tuple[tuple[tuple[type[BotoCoreError], ...], Fault], ...] = (
    ((boto.ProfileNotFound, boto.ConfigParseError, boto.ConfigNotFound, boto.InvalidConfigError), _PROFILE),
    ((boto.SSOError, boto.TokenRetrievalError), _SIGN_IN),
    (
        (
            boto.NoCredentialsError,
            boto.PartialCredentialsError,
            boto.CredentialRetrievalError,
            boto.MetadataRetrievalError,
        ),
        _NO_CREDENTIALS,
    ),
    ((boto.HTTPClientError, boto.ConnectionError), _UNREACHED),
)


def translated(error: BotoCoreError | ClientError, doing: Doing) -> AccessError:
    """Never holds a secret: AWS's own words are told only for codes that the table does not know."""
    if isinstance(error, ClientError):
        return _refusal(error, doing)
    fault = next((fault for kinds, fault in BOTO_FAULTS if isinstance(error, kinds)), None)
    if fault:
        return fault.made(doing)
    return AccessError(
        f"AWS could not be asked for {doing.action}: {type(error).__name__}.",
        next="Check the profile, the region and the role; the log has the details.",
    )


def _refusal(error: ClientError, doing: Doing) -> AccessError:
    said = error.response.get("Error", {})
    code = said.get("Code", "")
    fault = next((fault for fault in FAULTS if fault.fits(code, said.get("Message", ""), doing)), None)
    if fault:
        return fault.made(doing)
    words = " ".join(said.get("Message", "").split())[:300]
    return AccessError(
        f"AWS refused {doing.to_do}: {code or 'no code'}{f', {words}' if words else ''}.".replace("..", "."),
        next="See AWS's documentation of that code.",
    )


@contextmanager
def translating(doing: Doing) -> Iterator[None]:
    """Raises an AccessError in place of boto3's errors."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise translated(error, doing) from error
