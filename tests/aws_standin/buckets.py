"""The buckets of moto's S3, as AWS's billing services see them."""

from __future__ import annotations

from pathlib import Path

from moto.s3.models import s3_backends

from tests.aws_standin.permission import allows

LEGACY, DATA_EXPORTS = "billingreports.amazonaws.com", "bcm-data-exports.amazonaws.com"


def owner_of(bucket: str) -> str | None:
    """The account, or None when there is no such bucket."""
    _, account = s3_backends.bucket_accounts.get(bucket, ("", None))
    return account


def region_of(bucket: str) -> str:
    """Blank when there is no such bucket."""
    owner = owner_of(bucket)
    return str(s3_backends[owner]["aws"].buckets[bucket].region_name) if owner else ""


def lets_in(bucket: str, service: str, account: str, arn: str) -> bool:
    """Whether the bucket's policy lets the billing service of that account write, and read the policy."""
    owner = owner_of(bucket)
    policy = s3_backends[owner]["aws"].get_bucket_policy(bucket) if owner else None
    context = {"aws:sourceaccount": account, "aws:sourcearn": arn}
    wanted = (("s3:PutObject", f"arn:aws:s3:::{bucket}/any/key"), ("s3:GetBucketPolicy", f"arn:aws:s3:::{bucket}"))
    return all(
        allows(policy, principal=service, action=action, resource=resource, context=context)
        for action, resource in wanted
    )


def upload(bucket: str, folder: Path) -> list[str]:
    """Everything below the folder, manifests last, as AWS writes them. The keys."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    files.sort(key=lambda path: path.name.endswith("-Manifest.json"))
    backend = s3_backends[owner_of(bucket) or ""]["aws"]
    keys = [path.relative_to(folder).as_posix() for path in files]
    for key, path in zip(keys, files, strict=True):
        backend.put_object(bucket, key, path.read_bytes())
    return keys
