"""S3 buckets: where each lies, and whether it is open to others.

Source: Amazon S3 API reference, `ListBuckets`, `GetBucketLocation`, `GetPublicAccessBlock`, `GetBucketPolicyStatus`,
`GetBucketAcl`, `GetBucketTagging`; "The meaning of public".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from outlay.aws.inventory.base import Kind, Look, Resource

_NAME = "s3-bucket"
_LIST, _LOCATION = "s3:ListAllMyBuckets", "s3:GetBucketLocation"
_PARTS = {
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "GetBucketPolicyStatus": "s3:GetBucketPolicyStatus",
    "GetBucketAcl": "s3:GetBucketAcl",
    "GetBucketTagging": "s3:GetBucketTagging",
}
# What AWS calls regions that are older than their names.
_OLD_NAMES = {"": "us-east-1", "EU": "eu-west-1"}
_GROUPS = "http://acs.amazonaws.com/groups/global/"
_EVERYBODY = {f"{_GROUPS}AllUsers": "everybody", f"{_GROUPS}AuthenticatedUsers": "every AWS account"}
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def _find(look: Look) -> Iterator[Resource]:
    for each in look.all("s3", "ListBuckets", "Buckets", action=_LIST):
        yield _bucket(look, each)


def _bucket(look: Look, each: Mapping[str, Any]) -> Resource:
    name = each["Name"]
    before = look.refusals
    located = look.part(
        lambda: look.ask("s3", "GetBucketLocation", action=_LOCATION, what=f"the bucket {name}", Bucket=name)
    )
    region = "" if located is None else _region(located)
    parts = {operation: look.part(partial(_ask, look, name, region, operation)) for operation in _PARTS}
    blocks = (parts["GetPublicAccessBlock"] or {}).get("PublicAccessBlockConfiguration", {})
    policy = (parts["GetBucketPolicyStatus"] or {}).get("PolicyStatus", {}).get("IsPublic", False)
    grants = _open_grants(parts["GetBucketAcl"] or {})
    is_public = (policy and not blocks.get("RestrictPublicBuckets")) or (grants and not blocks.get("IgnorePublicAcls"))
    return look.made(
        _NAME,
        name,
        f"arn:{look.partition}:s3:::{name}",
        name=name,
        state="public" if is_public else "private" if look.refusals == before else "",
        created=each.get("CreationDate"),
        tags=(parts["GetBucketTagging"] or {}).get("TagSet", ()),
        region=region,
        blocks=sorted(block for block in _BLOCKS if blocks.get(block)),
        policy_is_public=policy or None,
        open_to=grants,
    )


def _region(located: Mapping[str, Any]) -> str:
    told = located.get("LocationConstraint") or ""
    return _OLD_NAMES.get(told, told)


def _ask(look: Look, name: str, region: str, operation: str) -> Any:
    """In the bucket's own region, or wherever S3 leads to."""
    return look.ask("s3", operation, region=region, action=_PARTS[operation], what=f"the bucket {name}", Bucket=name)


def _open_grants(acl: Mapping[str, Any]) -> list[str]:
    grants = ((each.get("Grantee", {}).get("URI", ""), each.get("Permission", "")) for each in acl.get("Grants", ()))
    return sorted(f"{_EVERYBODY[group]}: {permission}" for group, permission in grants if group in _EVERYBODY)


S3_BUCKETS = Kind(_NAME, "S3 bucket", (_LIST, _LOCATION, *_PARTS.values()), _find, is_regional=False)
