"""Writes the table anew, when the sample bills were changed on purpose."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.aws_standin.year.bills import TABLE, fill, raw_reports, worked_out
from tests.payers import aws

with aws() as (organisation, _), tempfile.TemporaryDirectory() as folder:
    fill(organisation)
    TABLE.write_bytes(worked_out(raw_reports(organisation, Path(folder))))
