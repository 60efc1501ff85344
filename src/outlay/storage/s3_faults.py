"""What S3 refuses, by its codes and words: a table, each row with a message and the next action.

Sources: the S3 API reference, "Error responses"; the S3 user guide, "Troubleshoot access denied (403 Forbidden) errors"
and "Using Requester Pays buckets"; the KMS developer guide, "Troubleshooting key access".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from outlay.errors import AccessError, Denied, NotFound

_CODE = re.compile(r"<Code>([\w.]+)</Code>")
_MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)
_REGION = re.compile(r"<Region>([a-z0-9-]+)</Region>")
# obstore's words for S3's answer 301, of which it drops the rest.
_REDIRECT = "Received redirect without LOCATION"
_ELSEWHERE = frozenset(("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"))
_SOON = "New permissions take about 5 minutes to work."


@dataclass(frozen=True)
class Answer:
    """S3's code and its words, blank where it gave none."""

    code: str
    words: str

    @classmethod
    def of(cls, error: BaseException) -> Answer:
        text = str(error)
        code, words = _CODE.search(text), _MESSAGE.search(text)
        found = code[1] if code else "PermanentRedirect" if _REDIRECT in text else ""
        return cls(found, " ".join(words[1].replace("&quot;", '"').split()) if words else "")

    @property
    def is_elsewhere(self) -> bool:
        """Does the bucket lie in another region than the one that was asked?"""
        return self.code in _ELSEWHERE


def region_of(error: BaseException) -> str:
    """The bucket's, where the answer names it; else blank."""
    found = _REGION.search(str(error))
    return found[1] if found else ""


@dataclass(frozen=True)
class Refusal:
    """`words` is a pattern that limits it to answers in such words; message and next action may name its groups."""

    codes: frozenset[str]
    error: type[AccessError]
    reason: str
    message: str
    next: str
    words: str = ""

    def made(self, answer: Answer, place: object) -> AccessError | None:
        """None where it does not fit."""
        found = re.search(self.words, answer.words) if answer.code in self.codes else None
        if found is None:
            return None
        said = {"place": place, "bucket": getattr(place, "bucket", place), "code": answer.code, **found.groupdict()}
        message, next_action = self.message.format_map(said), self.next.format_map(said)
        if issubclass(self.error, Denied):
            return self.error(message, next=next_action, reason=self.reason, action=str(said.get("action", "")))
        return self.error(message, next=next_action)


_DENIED = frozenset(("AccessDenied",))
_ACTION = r"not authorized to perform: (?P<action>\w+:\w+)"

# The first that fits.
REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        _DENIED,
        Denied,
        "kms-denied",
        "{place} is encrypted with a key of KMS that the credentials may not use: {action} on {key} is denied.",
        f"Allow {{action}} on that key, in the policy of the role or user and in the key's own. {_SOON}",
        r'not authorized to perform: (?P<action>kms:\w+)(?: on resource: "?(?P<key>[^\s"]+))?',
    ),
    Refusal(
        _DENIED,
        Denied,
        "forbidden",
        "Access to {place} is denied: a policy of the organisation denies {action}.",
        "Ask whoever manages the organisation for an exception: no policy of the account itself helps.",
        rf"{_ACTION}.* explicit deny in an? (service|resource) control policy",
    ),
    Refusal(
        _DENIED,
        Denied,
        "forbidden",
        "Access to {place} is denied: a {policy} denies {action}.",
        "Take that Deny out of it, or except the role or user from it.",
        rf"{_ACTION}.* explicit deny in an? (?P<policy>[\w ()-]+)",
    ),
    Refusal(
        _DENIED,
        Denied,
        "missing-permission",
        "Access to {place} is denied: the bucket's own policy does not allow {action}.",
        f"Put the role or user into the policy of the bucket {{bucket}}, as outlay policy bucket-sharing writes it. "
        f"{_SOON}",
        rf"{_ACTION}.* no resource-based policy allows",
    ),
    Refusal(
        _DENIED,
        Denied,
        "missing-permission",
        "Access to {place} is denied: the credentials may not do {action}.",
        f"Allow {{action}} in the policy of the role or user, as outlay policy writes it. {_SOON}",
        _ACTION,
    ),
    Refusal(
        _DENIED,
        Denied,
        "missing-permission",
        "Access to {place} is denied ({code}), and S3 does not say why.",
        "Let the credentials in use list and read it (s3:ListBucket and s3:GetObject). A bucket of another account "
        f"has to allow it in its own policy, too; so has the key, where it is encrypted with one of KMS. {_SOON}",
    ),
    Refusal(
        frozenset(("AllAccessDisabled", "AccountProblem", "UserSuspended")),
        Denied,
        "disabled",
        "Access to {place} is denied ({code}): AWS has closed the bucket or its account.",
        "Ask AWS Support; the account may owe a payment.",
    ),
    Refusal(
        frozenset(("NoSuchBucket",)),
        NotFound,
        "no-bucket",
        "{place} does not exist: there is no bucket {bucket}.",
        "Correct the bucket's name. If it was removed, let the export deliver into another, and move the connection "
        "there; the charges that were brought in stay.",
    ),
    Refusal(
        frozenset(("NoSuchKey",)),
        NotFound,
        "no-object",
        "{place} does not exist.",
        "Correct the location, or create it.",
    ),
    Refusal(
        frozenset(("InvalidAccessKeyId",)),
        Denied,
        "wrong-key",
        "{place} is not read: AWS does not know the access key.",
        "Check its id; the key may have been deleted or made inactive. Then give a new one.",
    ),
    Refusal(
        frozenset(("SignatureDoesNotMatch",)),
        Denied,
        "wrong-secret",
        "{place} is not read: the secret access key does not belong to the access key.",
        "Give both again, without spaces or a line's end; check too that this machine's clock is right.",
    ),
    Refusal(
        frozenset(("RequestTimeTooSkewed", "RequestExpired")),
        Denied,
        "clock",
        "{place} is not read: this machine's clock differs from AWS's.",
        "Set the clock, best by NTP.",
    ),
    Refusal(
        frozenset(("ExpiredToken", "TokenRefreshRequired")),
        Denied,
        "session-ended",
        "{place} is not read: the session of the credentials has ended.",
        "Sign in again, or use a role or an access key, which Outlay renews by itself.",
    ),
    Refusal(
        frozenset(("InvalidToken",)),
        Denied,
        "wrong-token",
        "{place} is not read: AWS does not take the session of the credentials in the bucket's region.",
        "Sign in again. In a region that an account has to enable first, let STS be active there, and take the session "
        "from a regional endpoint (AWS_STS_REGIONAL_ENDPOINTS=regional).",
    ),
    Refusal(
        _ELSEWHERE,
        Denied,
        "other-region",
        "{place} lies in another region than the one that was asked, and S3 did not tell in which.",
        "Set AWS_REGION to the bucket's region, which the S3 console shows, and start Outlay again.",
    ),
    Refusal(
        frozenset(("KMS.DisabledException", "KMS.NotFoundException", "KMS.KMSInvalidStateException")),
        Denied,
        "kms-gone",
        "{place} is encrypted with a key of KMS that is disabled or gone ({code}).",
        "Enable the key, or cancel its deletion, in the KMS console. Without it nobody can read what was encrypted.",
    ),
    Refusal(
        frozenset(("InvalidObjectState",)),
        Denied,
        "archived",
        "{place} is archived (Glacier), and cannot be read before it is restored.",
        "Restore it, and take the bucket's lifecycle rule away that archives bills.",
    ),
)


def refused(answer: Answer, place: object) -> AccessError | None:
    """None for a code that the table does not know."""
    return next(filter(None, (each.made(answer, place) for each in REFUSALS)), None)


def requester_pays(place: object) -> Denied:
    """A bucket that lets in who pays for reading it: S3 tells that in no words, so it was tried."""
    bucket = getattr(place, "bucket", place)
    return Denied(
        f"Access to {place} is denied: the bucket {bucket} is a Requester Pays one, which whoever reads it pays for.",
        next="Turn Requester Pays off in the bucket's properties, or let the bills be delivered into a bucket of the "
        "account that reads them.",
        reason="requester-pays",
    )
