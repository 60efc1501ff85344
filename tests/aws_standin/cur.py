"""The Cost and Usage Report API: legacy report definitions.

Source: the AWS Billing API reference, and botocore's model of the service.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from tests.aws_standin.buckets import LEGACY, lets_in, owner_of
from tests.aws_standin.json_api import Answer, JsonApi, Refused, page

LIMIT = 10
PAGE = 5
FORMATS = {("textORcsv", "GZIP"), ("textORcsv", "ZIP"), ("Parquet", "Parquet")}


def report_arn(account: str, name: str) -> str:
    return f"arn:aws:cur:us-east-1:{account}:definition/{name}"


class CurApi(JsonApi):
    service = "cur"

    def __init__(self) -> None:
        super().__init__()
        # account: name: definition
        self.reports: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)

    def describe_report_definitions(self, account: str, parameters: Answer) -> Answer:
        shown, more = page(list(self.reports[account].values()), parameters, PAGE)
        return {"ReportDefinitions": shown, **more}

    def put_report_definition(self, account: str, parameters: Answer) -> Answer:
        definition = parameters["ReportDefinition"]
        if definition["ReportName"] in self.reports[account]:
            raise Refused("DuplicateReportNameException", "A report with this name already exists")
        if len(self.reports[account]) == LIMIT:
            raise Refused("ReportLimitReachedException", f"This account already has {LIMIT} reports")
        self._save(account, definition)
        return {}

    def modify_report_definition(self, account: str, parameters: Answer) -> Answer:
        name, definition = parameters["ReportName"], parameters["ReportDefinition"]
        if name != definition["ReportName"]:
            raise Refused("ValidationException", "The name of a report cannot be changed")
        if name not in self.reports[account]:
            raise Refused("ValidationException", f"The report {name} does not exist")
        self._save(account, definition)
        return {}

    def delete_report_definition(self, account: str, parameters: Answer) -> Answer:
        self.reports[account].pop(parameters["ReportName"], None)
        return {"ResponseMessage": "Deleted"}

    def set_status(self, account: str, name: str, status: str, at: datetime) -> None:
        said = {"lastDelivery": f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}", "lastStatus": status}
        self.reports[account][name]["ReportStatus"] = said

    def _save(self, account: str, definition: dict[str, Any]) -> None:
        if (definition["Format"], definition["Compression"]) not in FORMATS:
            raise Refused("ValidationException", "The format and the compression do not go together")
        bucket, name = definition["S3Bucket"], definition["ReportName"]
        if not owner_of(bucket) or not lets_in(bucket, LEGACY, account, report_arn(account, name)):
            raise Refused(
                "ValidationException",
                f"Failed to verify customer bucket permission. accountId: {account}, bucket name: {bucket}, "
                f"bucket region: {definition['S3Region']}",
            )
        # As AWS has them when nothing is said.
        given = {"AdditionalArtifacts": [], "RefreshClosedReports": False, "ReportVersioning": "CREATE_NEW_REPORT"}
        self.reports[account][name] = given | definition
