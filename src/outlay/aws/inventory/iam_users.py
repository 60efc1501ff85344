"""IAM users: whether they may use the console, and when they and their keys were used last.

AWS lists users without their tags, and each one's would be a call that the policy does not have.
Source: IAM API reference, `ListUsers`, `GetLoginProfile`, `ListAccessKeys`, `GetAccessKeyLastUsed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from outlay.aws.inventory.base import Kind, Look, Resource, day
from outlay.errors import Denied, NotFound

_NAME = "iam-user"
_ACTIONS = ("iam:ListUsers", "iam:GetLoginProfile", "iam:ListAccessKeys", "iam:GetAccessKeyLastUsed")


def _find(look: Look) -> Iterator[Resource]:
    for each in look.all("iam", "ListUsers", "Users"):
        name = each["UserName"]
        keys = look.part(partial(_keys, look, name))
        has_console = _has_console(look, name)
        yield look.made(
            _NAME,
            name,
            each["Arn"],
            name=name,
            state="active" if has_console or any(key["status"] == "Active" for key in keys or ()) else "",
            created=each.get("CreateDate"),
            region="",
            user_id=each.get("UserId"),
            has_console=has_console,
            console_last_used=day(each.get("PasswordLastUsed")),
            key_count=None if keys is None else len(keys),
            keys=keys,
        )


def _has_console(look: Look, name: str) -> bool | None:
    """None when it may not be seen."""
    try:
        look.ask("iam", "GetLoginProfile", what=f"the user {name}", UserName=name)
    except NotFound:
        return False
    except Denied as error:
        look.refused(error)
        return None
    return True


def _keys(look: Look, name: str) -> list[Any]:
    return [_key(look, each) for each in look.all("iam", "ListAccessKeys", "AccessKeyMetadata", UserName=name)]


def _key(look: Look, key: Any) -> dict[str, Any]:
    id = key["AccessKeyId"]
    used = look.part(lambda: look.ask("iam", "GetAccessKeyLastUsed", what=f"the key {id}", AccessKeyId=id))
    last = (used or {}).get("AccessKeyLastUsed", {})
    return {
        "id": id,
        "status": key.get("Status"),
        "created": key.get("CreateDate"),
        "last_used": day(last.get("LastUsedDate")),
        "last_used_is_known": used is not None,
        "last_used_for": last.get("ServiceName") if last.get("LastUsedDate") else None,
    }


IAM_USERS = Kind(_NAME, "IAM user", _ACTIONS, _find, is_regional=False, is_unique=False, size=1000)
