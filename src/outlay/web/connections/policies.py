"""The policies that a form of AWS offers: those that fit its way to connect, filled in with what is typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from outlay import exporting
from outlay.aws.policies import WAYS, Policy, Purpose, Target, policy, purpose, written
from outlay.errors import UsageError
from outlay.web.connections.forms import ConnectionForm
from outlay.web.core import outlay

_ROLE = ("trust", "assume-role")
_MORE = ("organizations", "cost-read", "discover-resources", "inventory", "metrics", "metadata")
# By the tile of a form; the usual one first.
OFFERED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "anycost": ("bucket-reader", "bucket-only", "bucket-sharing", *_ROLE),
        "aws": (
            *("payer-export", "payer-report", "bucket-only", "payer-automatic"),
            *("billing-delivery", "bucket-sharing", *_MORE, *_ROLE),
        ),
        "aws-export": ("payer-automatic", "billing-delivery", *_MORE, *_ROLE),
        "linked": ("discover-resources", "inventory", "metrics", "metadata", "organizations", *_ROLE),
        "focus": ("bucket-only", "bucket-reader", "bucket-sharing", *_ROLE),
    }
)
# Fields beside the form's own, of which each is shown while the chosen policy needs it.
_ASKED = ("account", "principal")


def offered(form: ConnectionForm) -> list[dict[str, Any]]:
    """None where there is nothing of AWS to read."""
    return [
        {"purpose": each, "needs": " ".join(name for name in _ASKED if name in each.needs or _asks(each, name))}
        for each in map(purpose, OFFERED.get(form.tile.name, ()))
        if form.tile.access
    ]


def _asks(each: Purpose, name: str) -> bool:
    """A policy of who assumes the role is attached to that one."""
    return name == "principal" and each.is_callers


@dataclass(frozen=True)
class Wanted:
    """`lender` is the connection whose access the form uses; blank for one of its own."""

    purpose: str
    target: Target
    lender: str = ""


def part(request: HttpRequest, form: ConnectionForm) -> HttpResponse:
    """The policy that was chosen, in each way, with why each action is in it."""
    name = request.POST.get("purpose") or OFFERED.get(form.tile.name, ("bucket-reader",))[0]
    try:
        wanted = _wanted(form, name, _typed(request, "account"), _typed(request, "principal"))
        made = policy(wanted.purpose, wanted.target)
    except UsageError as error:
        return render(request, "connections/policy.html", {"error": error})
    ways = [{"name": name, "way": way, "text": written(made, name)} for name, way in WAYS.items()]
    context = {
        "policy": made,
        "ways": ways,
        "reasons": made.reasons(),
        "query": _query(wanted),
        "attach": _attach(made, wanted.lender),
        "needs_role": made.kind == "identity" and not made.target.role and form.said("access") == "role",
    }
    return render(request, "connections/policy.html", context)


def _typed(request: HttpRequest, name: str) -> str:
    return request.POST.get(f"policy_{name}", "").strip()


def _wanted(form: ConnectionForm, name: str, account: str, principal: str) -> Wanted:
    """Raises UsageError for a role that is none, where one is typed."""
    needs = purpose(name)
    lender, role, external_id = form.said("access_of"), form.said("role_arn"), form.said("external_id")
    rows = {row.name: row for row in outlay().rows()} if lender else {}
    if lender in rows:
        role, external_id = rows[lender].role_arn, rows[lender].external_id
    if "role_arn" in form.errors and "role_arn" not in needs.needs:
        role = ""
    if "principal" in needs.needs and not principal:
        principal = exporting.own_principal()
    is_user = form.said("access") == "key" and not needs.is_callers
    own = exporting.account_of(role)
    given_account = account or (own if "account" in needs.needs else "")
    target = Target(
        form.said("bucket") if "bucket" in needs.needs else "",
        role,
        is_user,
        account=given_account,
        external_id=external_id if "external_id" in needs.needs else "",
        principal=principal if "principal" in needs.needs or needs.is_callers else "",
    )
    return Wanted(name, target, lender)


def _query(wanted: Wanted) -> dict[str, str]:
    """What a download is asked with: nothing of it is a secret."""
    target = wanted.target
    said = {
        "purpose": wanted.purpose,
        "bucket": target.bucket,
        "role": target.role_arn,
        "account": target.account,
        "external_id": target.external_id,
        "principal": target.principal,
        "user": "1" if target.is_user else "",
    }
    return {name: value for name, value in said.items() if value}


def download(request: HttpRequest, way: str) -> HttpResponse:
    """The policy as a file."""
    if way not in WAYS:
        raise Http404
    said = request.GET.get
    target = Target(
        said("bucket", ""),
        said("role", ""),
        said("user") == "1",
        account=said("account", ""),
        external_id=said("external_id", ""),
        principal=said("principal", ""),
    )
    made = policy(said("purpose") or "bucket-reader", target)
    response = HttpResponse(written(made, way), content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{WAYS[way].file_name}"'
    return response


def _attach(made: Policy, lender: str) -> dict[str, str]:
    """Where it goes: before, by name, and after that."""
    target = made.target
    if made.kind == "bucket":
        return {"to": f"the bucket {target.bucket}", "how": "It is that bucket's own policy."}
    if made.kind == "trust":
        to = f"the role {target.role}" if target.role else "the role that Outlay is to assume"
        return {"to": to, "how": "It is that role's trust policy: it lets Outlay in, and allows nothing else."}
    return {"to": target.attached_to, "how": f"{lender} has that access." if lender else ""}
