"""The billing exports of an AWS account by an access that is sent: found, planned and made."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Router, Schema
from pydantic import ConfigDict

from outlay import connecting, exporting
from outlay.aws.making import GRANULARITIES, MADE, VERSIONINGS, Wish
from outlay.errors import Changed
from outlay.exporting import Access
from outlay.web.api.access import WRITE, who
from outlay.web.api.answers import WRITE_ERRORS as ERRORS
from outlay.web.api.shapes import NAME_OR_NONE, AccountExports, ExternalId, KeyId, Line, Long, Provider, Secret, Told
from outlay.web.core import outlay

router = Router(tags=["AWS"])

_ACCESS = ("access_of", "profile", "role_arn", "external_id", "access_key_id", "secret_access_key")


class AccessIn(Schema):
    """Whose access is used: a connection's, the one that is sent, or, without any field, that of Outlay itself."""

    model_config = ConfigDict(extra="forbid")

    access_of: str = Field("", pattern=NAME_OR_NONE)
    profile: Provider = ""
    role_arn: Long = ""
    external_id: ExternalId = ""
    access_key_id: KeyId = ""
    secret_access_key: Secret = ""

    @property
    def access(self) -> Access:
        return Access(**{name: getattr(self, name) for name in _ACCESS})


class WishIn(AccessIn):
    """An export to be made, and with `new_bucket` its bucket."""

    export: Line = Field(description="What it is to be called.")
    bucket: Line
    prefix: Line = Field(description="The folder in the bucket.")
    new_bucket: bool = False
    region: Line = Field("", description="Of a new bucket; us-east-1 without it.")
    kind: str = Field(MADE[0], json_schema_extra={"enum": list(MADE)})
    file_format: Literal["parquet", "csv"] = "parquet"
    granularity: str = Field(GRANULARITIES[0], json_schema_extra={"enum": list(GRANULARITIES)})
    split_cost: bool = Field(False, description="With split cost allocation data of containers. Not in FOCUS.")
    versioning: str = Field("overwrite", json_schema_extra={"enum": list(VERSIONINGS)})

    @property
    def wish(self) -> Wish:
        return Wish(
            *(self.export, self.bucket, self.prefix, self.kind, self.new_bucket, self.region),
            *(self.file_format, self.granularity, self.split_cost, self.versioning),
        )


class MakeIn(WishIn):
    mark: str = Field(min_length=1, max_length=64, description="Of the plan that was shown: what it says is made.")
    connection: str = Field("", pattern=NAME_OR_NONE, description="Add a connection of this name, which waits for it.")


class PlanStep(Told):
    step: str
    title: str
    there: bool = Field(description="It is there already: nothing is left to do.")
    request: dict[str, Any] = Field(description="What AWS is asked, word for word.")


class PlanTold(Told):
    account: str
    export: str
    kind: str
    location: str
    region: str
    steps: list[PlanStep]
    notes: list[str]
    mark: str


class MadeTold(PlanTold):
    connection: str | None


@router.post(
    "exports", response={200: AccountExports, **ERRORS}, auth=WRITE, summary="The reports and exports of an AWS account"
)
def exports(request: HttpRequest, given: AccessIn) -> Any:
    """AWS is asked now. Nothing is kept: neither what it says, nor the access."""
    return exporting.exports(outlay(), given.access).as_dict()


@router.post("exports/plan", response={200: PlanTold, **ERRORS}, auth=WRITE, summary="What making an export would do")
def plan(request: HttpRequest, given: WishIn) -> Any:
    """AWS is asked what is there, and nothing is made. The `mark` is what `exports/make` asks for."""
    made = exporting.making(outlay(), given.access, given.wish)
    return {**made.plan.as_dict(), "mark": made.plan.mark}


@router.post("exports/make", response={201: MadeTold, **ERRORS}, auth=WRITE, summary="Make an export")
def make(request: HttpRequest, given: MakeIn) -> Any:
    """Each step of the plan, as long as it is still the one that was shown. What is there is left alone."""
    o = outlay()
    made = exporting.making(o, given.access, given.wish)
    if made.plan.mark != given.mark:
        raise Changed("What would be made is not what was shown.", next="Ask for the plan again, and send its mark.")
    if given.connection:
        for error in connecting.faults(o, made.connection(given.connection)).values():
            raise error
    arn = [step.arn for step in made.carry_out()][-1]
    if given.connection:
        connecting.add(o, made.connection(given.connection, arn=arn), by=who(request))
    return 201, {**made.plan.as_dict(), "mark": made.plan.mark, "connection": given.connection or None}
