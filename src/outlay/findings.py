"""What is told about a delivery: one table of codes, and the finding itself.

`docs/errors.md` is generated from `CODES`. An `error` rejects the delivery and keeps the live data; a `warning` stays
with the run. Templates name their fields: `{file}`, `{row}`, `{column}` and `{value}` come from the finding's place,
others are given where the finding is made.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]

# The first so many of each kind are kept with their places; all are counted.
KEPT_PER_CODE = 100
_SHOWN_VALUE = 200


@dataclass(frozen=True)
class Code:
    code: str
    severity: Severity
    when: str
    message: str
    next: str

    @property
    def fields(self) -> set[str]:
        parts = [*string.Formatter().parse(self.message), *string.Formatter().parse(self.next)]
        return {name for _, name, _, _ in parts if name}


@dataclass(frozen=True)
class Finding:
    """One thing to tell about a delivery. `row` counts the rows of data in `file` from 1; the header is not counted."""

    code: str
    severity: Severity
    message: str
    next: str
    file: str | None = None
    row: int | None = None
    column: str | None = None
    value: str | None = None

    @property
    def is_error(self) -> bool:
        return self.severity == "error"

    def as_dict(self) -> dict[str, str | int | None]:
        return asdict(self)


def finding(
    code: str,
    *,
    file: str | None = None,
    row: int | None = None,
    column: str | None = None,
    value: str | None = None,
    **fields: Any,
) -> Finding:
    """Make a finding of `code`; its message and next action come from the table.

    Raises KeyError for a code or a field that the table does not have: such a call is a bug.
    """
    entry = CODES[code]
    if value is not None and len(value) > _SHOWN_VALUE:
        value = value[:_SHOWN_VALUE] + "…"
    place = {"file": file, "row": row, "column": column, "value": "" if value is None else value}
    said = {**place, **fields}
    return Finding(
        entry.code,
        entry.severity,
        entry.message.format_map(said),
        entry.next.format_map(said),
        file,
        row,
        column,
        value,
    )


def has_error(findings: tuple[Finding, ...] | list[Finding]) -> bool:
    return any(each.is_error for each in findings)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By file, row and column, whichever engine found them in which order; those about no file come last."""
    return tuple(sorted(findings, key=_place))


def _place(told: Finding) -> tuple[bool, str, int, str, str, str]:
    return told.file is None, told.file or "", told.row or 0, told.column or "", told.code, told.value or ""


_RESEND = "Mend the adaptor or the export and deliver the period again; the live data stays until then."

_TABLE: tuple[Code, ...] = (
    # The place of the bill
    Code(
        "nothing-found",
        "warning",
        "No bill of the connection's kind lies at its location yet",
        "No {kind} was found at {location}.",
        "Check the location, or wait for the first delivery.",
    ),
    Code(
        "export-not-named",
        "error",
        "Several exports lie at the location and the connection does not say which one it wants",
        "Several exports lie at {location}: {exports}.",
        "Name one of them: by Change on the connection's page, or with outlay connections set --export.",
    ),
    Code(
        "export-not-found",
        "error",
        "The export that the connection names is not at its location",
        "There is no export named {export} at {location}; found: {exports}.",
        "Name one of those: by Change on the connection's page, or with outlay connections set --export.",
    ),
    Code(
        "access-denied",
        "error",
        "The credentials do not reach the place of the bills",
        "Access to {location} is denied.",
        "Let the credentials in use list and read it (on S3: s3:ListBucket and s3:GetObject), then ingest again.",
    ),
    Code(
        "permission-missing",
        "error",
        "AWS denies what the credentials ask for, as it also does for about 5 minutes after the permission was given",
        "Access to {location} is denied.",
        "Allow it in the policy of the role or user, as outlay policy writes it; then ingest again.",
    ),
    Code(
        "source-not-found",
        "error",
        "The bucket, folder or object does not exist",
        "{location} does not exist.",
        "Correct the connection's location, or create it.",
    ),
    Code(
        "source-unavailable",
        "error",
        "The network or the storage service failed, after retries",
        "{location} could not be read: {reason}.",
        "Nothing has changed in the lake; the next ingest tries again.",
    ),
    Code(
        "source-changing",
        "error",
        "Files kept changing while they were read, several times in a row",
        "The files of this delivery changed {times} times while they were read.",
        "The next ingest tries again; if it goes on, let the adaptor write the manifest last.",
    ),
    Code(
        "disk-full",
        "error",
        "No space was left while files were fetched, unpacked or written",
        "No space is left at {location}.",
        "Free some space there, or point OUTLAY_HOME or OUTLAY_SPOOL to a larger disk; then run the ingest again.",
    ),
    # Manifests and folders
    Code(
        "manifest-invalid",
        "error",
        "A manifest is not a JSON object in UTF-8",
        "The manifest {file} is not a JSON object: {reason}.",
        "Write the manifest again; the live data stays until then.",
    ),
    Code(
        "manifest-key-missing",
        "error",
        "A manifest lacks a key, or the key has a value of the wrong type",
        "The manifest {file} has no usable {column}.",
        "Write the manifest again with that key; the live data stays until then.",
    ),
    Code(
        "manifest-unsafe-path",
        "error",
        "A path or drop id in a manifest leaves its folder, or has control characters",
        "The manifest {file} names {value!r} in {column}, which is not a plain name below its folder.",
        "Use names without '/', '..' and control characters; the live data stays until then.",
    ),
    Code(
        "manifest-version-unknown",
        "warning",
        "An AnyCost manifest has a version that Outlay does not know",
        "The manifest {file} has version {value!r}; 1.0.0 to 1.3.0 are known.",
        "It was read as 1.3.0. Check that the adaptor means the same.",
    ),
    Code(
        "manifest-missing",
        "warning",
        "An AWS export has data files but no manifest, as in a replica",
        "{file} has data files but no manifest; the folder's newest files were taken.",
        "Replicate the manifest too: only the manifest tells which files belong together.",
    ),
    Code(
        "period-invalid",
        "error",
        "A folder is named like a billing period but is not one month",
        "The folder {value!r} is not one month such as 20260501-20260601.",
        "Deliver one folder a month, from its first day to the first day of the next.",
    ),
    Code(
        "drop-not-found",
        "error",
        "An AnyCost manifest names a drop of which nothing exists, not even the folder",
        "The manifest {file} names the drop {value!r}, of which nothing exists.",
        "Upload the drop, then write the manifest again, as only a change of it is a signal. To empty the period, "
        "create the empty folder {value}/ before that, or run outlay ingest --accept-empty.",
    ),
    Code(
        "drop-file-unknown",
        "error",
        "An AnyCost drop holds a file that is not a gzipped CSV (.csv.gz)",
        "{file} lies in the drop but is not a gzipped CSV (.csv.gz).",
        "Deliver a drop of .csv.gz files alone; names that begin with '.' or '_' are passed over.",
    ),
    Code(
        "manifest-empty",
        "error",
        "The manifest of an AWS export names no data files",
        "The manifest {file} names no data files.",
        "Nothing was removed, as AWS never empties a month. Wait for the export's next delivery.",
    ),
    Code(
        "manifest-awaited",
        "warning",
        "The newest period of an AWS export has data files but no manifest yet, while its other periods have one",
        "{file} has data files but no manifest yet; it is not read before its manifest is there.",
        "Wait until AWS has delivered the month: it writes the manifest last.",
    ),
    Code(
        "export-format-unknown",
        "error",
        "Neither the manifest nor the columns tell whether a data export is CUR 2.0 or FOCUS",
        "{file} tells neither CUR 2.0 nor FOCUS by its columns or its query.",
        "Connect an export of the table COST_AND_USAGE_REPORT or FOCUS, with its cost columns selected.",
    ),
    Code(
        "export-not-focus",
        "error",
        "A connection of the kind focus found a data export that is not FOCUS",
        "{file} is of a CUR 2.0 export, not of a FOCUS one.",
        "Connect it with outlay connections add aws, or name the FOCUS export with --export.",
    ),
    Code(
        "file-unsupported",
        "warning",
        "A file in a FOCUS folder is not of a kind that is read there",
        "{file} is neither .csv, .csv.gz nor .parquet: it was left out.",
        "Deliver it as CSV, gzipped CSV or Parquet, or take it out of the folder.",
    ),
    Code(
        "file-missing",
        "error",
        "A manifest names a data file that does not exist",
        "The manifest names {file}, which does not exist.",
        "Wait until the export has delivered it, or correct the manifest; the live data stays until then.",
    ),
    Code(
        "period-emptied",
        "warning",
        "A delivery without rows emptied its period, as an empty drop means",
        "The delivery has no rows: the period is now empty.",
        "If that was not meant, deliver the rows again or make an earlier delivery live with outlay revert.",
    ),
    # Files
    Code(
        "file-empty",
        "error",
        "A data file has no bytes",
        "{file} is empty: not even a header.",
        "Deliver the file again; to say that there are no rows, send a header alone.",
    ),
    Code(
        "compression-wrong",
        "error",
        "A file's content is not compressed as its name or manifest says",
        "{file} should be {expected}, but its first bytes are {value}.",
        "Compress the file as its name says, or name it as it is.",
    ),
    Code(
        "file-truncated",
        "error",
        "A compressed or Parquet file ends too early or does not match its checksum",
        "{file} is cut off or damaged: {reason}.",
        "Upload the file again, whole.",
    ),
    Code(
        "format-unknown",
        "error",
        "A file is of a kind that Outlay does not read",
        "{file} is neither CSV nor Parquet that Outlay can read: {reason}.",
        "Deliver CSV (plain, gzip or zip) or Parquet.",
    ),
    Code("not-utf8", "error", "A CSV file has bytes that are not UTF-8", "{file}, row {row}: not UTF-8.", _RESEND),
    Code("nul-byte", "error", "A CSV file has a NUL byte", "{file}, row {row}: a NUL byte.", _RESEND),
    Code(
        "header-missing",
        "error",
        "A CSV file does not begin with a header row",
        "{file} begins with {value!r}, which is not a header.",
        "Write the column names into the first row.",
    ),
    Code(
        "delimiter-wrong",
        "error",
        "A CSV file is separated by something other than commas",
        "{file} is separated by {value!r}, not by commas.",
        "Write comma-separated values.",
    ),
    Code(
        "column-duplicate",
        "error",
        "A CSV header names a column twice",
        "{file} has the column {column} more than once.",
        "Name each column once.",
    ),
    Code(
        "row-ragged",
        "error",
        "A row has more or fewer fields than the header",
        "{file}, row {row}: {reason}.",
        "Quote fields that hold commas or line breaks, and write as many fields as the header has.",
    ),
    Code(
        "quote-unclosed",
        "error",
        "A quoted field is not closed, or text stands outside its quotes",
        "{file}, row {row}: {reason}.",
        "Close each quote, and double quotes that stand inside a quoted field.",
    ),
    Code(
        "field-too-long",
        "error",
        "A row is longer than OUTLAY_MAX_FIELD allows",
        "{file}, row {row}: a row longer than {limit} bytes.",
        "Shorten the field, or raise OUTLAY_MAX_FIELD.",
    ),
    Code(
        "columns-too-many",
        "error",
        "A file has more columns than OUTLAY_MAX_COLUMNS allows",
        "{file} has {value} columns; the limit is {limit}.",
        "Drop columns from the export, or raise OUTLAY_MAX_COLUMNS.",
    ),
    Code(
        "delivery-too-large",
        "error",
        "A delivery unpacks to more than OUTLAY_MAX_UNPACKED",
        "{file}: the delivery unpacks to more than {limit} bytes.",
        "Check the file; if the bill really is that large, raise OUTLAY_MAX_UNPACKED.",
    ),
    Code(
        "ratio-too-high",
        "error",
        "A file unpacks to more times its size than OUTLAY_MAX_RATIO",
        "{file} unpacks to more than {limit} times its size.",
        "Check the file; if the bill really is that repetitive, raise OUTLAY_MAX_RATIO.",
    ),
    Code(
        "rows-too-many",
        "error",
        "A CBF file has more rows than the 1,000,000 its documents allow",
        "{file} has {value} rows; a CBF file may have {limit}.",
        "Split the drop into several files.",
    ),
    Code(
        "rows-many",
        "warning",
        "A CBF file is near the 1,000,000 rows that its documents allow; told by outlay check",
        "{file} has {value} rows; a CBF file may have {limit}.",
        "Begin a new file of the drop earlier, before the next month has a few rows more.",
    ),
    Code(
        "csv-not-packed",
        "error",
        "A plain CSV was given to outlay check, and a drop holds gzipped ones",
        "{file} is a plain CSV; a drop holds gzipped ones, and their names end in .csv.gz.",
        "Pack it with gzip before it is sent. Its rows were checked all the same.",
    ),
    Code(
        "drops-unpublished",
        "warning",
        "A month's folder has drops but no manifest.json, so none of them is read; told by outlay check",
        "{file} has no manifest.json: none of its drops is read.",
        "Write the manifest when the drop is whole. To check a drop before that, name it with --drop.",
    ),
    Code(
        "drop-empty",
        "warning",
        "A drop without rows was given to outlay check: an ingest of it empties the period",
        "There are no rows: once it is delivered, its period is empty.",
        "If that is not meant, deliver the rows.",
    ),
    # Columns
    Code(
        "column-missing",
        "error",
        "A column that the format needs is absent",
        "{file} lacks the column {column}, which {format} needs.",
        "Select that column in the export, or write it in the adaptor.",
    ),
    Code(
        "column-unknown",
        "warning",
        "A column is not part of the format; its values are not kept",
        "{file} has the column {column}, which {format} does not know; its values were not kept.",
        "Send it as a tag if it matters, or leave it out.",
    ),
    Code(
        "column-refused",
        "error",
        "Rows to publish have a column that is not part of CBF",
        "{file} has the column {column}, which CBF does not know{hint}.",
        "Rename it, send it as resource/tag:{tag}, or have such columns dropped or kept: unknown='drop' or 'keep' "
        "(--unknown drop).",
    ),
    Code(
        "tag-key-invalid",
        "error",
        "A CBF tag key has characters that are not allowed",
        "{file} has the column {column}, whose tag key may hold letters, digits and _ . : / = + - @ only.",
        "Rename the tag key.",
    ),
    # Rows
    Code(
        "value-missing",
        "error",
        "A required value is blank",
        "{file}, row {row}: {column} is blank.",
        "Write a value in each row.",
    ),
    Code(
        "number-invalid",
        "error",
        "A value is not a number that the format allows",
        "{file}, row {row}: {column} is {value!r}, not {expected}.",
        _RESEND,
    ),
    Code(
        "number-too-large",
        "error",
        "A number has more than 20 digits before the point",
        "{file}, row {row}: {column} is {value!r}, which has more than 20 digits before the point.",
        _RESEND,
    ),
    Code(
        "number-rounded",
        "warning",
        "Numbers have more than 18 places; the rest was rounded half to even",
        "{count} values of {column} have more than 18 places and were rounded half to even.",
        "Nothing to do: 18 places are kept and summed exactly.",
    ),
    Code(
        "time-invalid",
        "error",
        "A value is not a time that the format allows",
        "{file}, row {row}: {column} is {value!r}, not a time such as 2026-05-01T13:00:00Z.",
        _RESEND,
    ),
    Code(
        "date-of-spreadsheet",
        "warning",
        "Times of a CBF file look as a spreadsheet writes dates; told by outlay check beside the error",
        "{file}, row {row}: {column} is {value!r}, as a spreadsheet writes dates.",
        "Send the file as the adaptor wrote it: a spreadsheet changes times, and long ids and numbers too.",
    ),
    Code(
        "time-zone-local",
        "warning",
        "Times of a CBF file are in another zone than UTC; told by outlay check",
        "{file}, row {row}: {column} is {value!r}, in another zone than UTC; Outlay takes it to UTC.",
        "Write times in UTC, such as 2026-05-01T13:00:00Z: other readers may drop the offset.",
    ),
    Code(
        "time-zone-missing",
        "warning",
        "Times of a CBF file name no zone; told by outlay check",
        "{file}, row {row}: {column} is {value!r}, without a zone; it is read as UTC.",
        "Make sure that it is in UTC, and write a Z, such as 2026-05-01T13:00:00Z.",
    ),
    Code(
        "time-not-on-hour",
        "warning",
        "Rows of a CBF file begin within an hour; told by outlay check",
        "{file}, row {row}: {column} is {value!r}, which is not on the hour.",
        "Write the hour that a charge belongs to, such as 2026-05-01T13:00:00Z.",
    ),
    Code(
        "float-refused",
        "error",
        "Rows to publish have an amount or an id as a binary float, which is not exact",
        "{file}, row {row}: {column} is a float.",
        "Give decimals, whole numbers or text. Where only floats are to be had, allow them for numbers, which are then "
        "taken by their shortest decimal text: floats=True (--floats).",
    ),
    Code(
        "type-refused",
        "error",
        "Rows to publish have a value of a type that has no text",
        "{file}, row {row}: {column} has the type {type}, which is no text, number or time.",
        "Write it as text.",
    ),
    Code(
        "key-missing",
        "error",
        "Rows to append have no value in a column by which a repeated row is known",
        "{file}, row {row}: {column} is blank, so a repeated row could not be told from a new one.",
        "Fill it, or name other columns as the key: key=('day',) replaces whole days (--key day).",
    ),
    # What an adaptor's mapping cannot make of an invoice
    Code(
        "invoice-column-missing",
        "error",
        "An invoice lacks a column that the mapping reads",
        "{file} lacks the column {column}, which {where} reads{hint}.",
        "Correct the name in the mapping, or have the vendor's export hold the column.",
    ),
    Code(
        "expression-failed",
        "error",
        "An expression of a mapping cannot be computed for a row",
        "{file}, row {row}: {column} of {where} cannot be computed: {reason}.",
        "Correct the expression, or leave such rows out with where:.",
    ),
    Code(
        "invoice-time-unread",
        "error",
        "A value of an invoice is no time of the formats that the mapping names",
        "{file}, row {row}: {column} is made of {value!r} by {where}, but {reason}.",
        "Name the vendor's format and zone in the mapping.",
    ),
    Code(
        "invoice-number-unread",
        "error",
        "A value of an invoice is no number with the signs that the mapping names",
        "{file}, row {row}: {column} is made of {value!r} by {where}, but {reason}.",
        "Name the vendor's signs by decimal: and thousands:, or leave such rows out with where:.",
    ),
    Code(
        "invoice-word-unknown",
        "error",
        "An invoice has a word that the mapping's table of words does not list",
        "{file}, row {row}: {column} is made of {value!r} by {where}, but {reason}.",
        "Add the word to words:, or say with else: what all others mean.",
    ),
    Code(
        "invoice-json-invalid",
        "error",
        "A value of an invoice that the mapping reads as JSON is no JSON object",
        "{file}, row {row}: {column} is made of {value!r} by {where}, but {reason}.",
        "Name a column that holds JSON objects, or leave such rows out with where:.",
    ),
    Code(
        "tag-key-changed",
        "warning",
        "A key that an invoice names has characters that CBF does not allow; they became _",
        "{file} names the tag {value!r}, which {where} takes; CBF does not allow all of its letters: it is {column}.",
        "Nothing to do, or name the tag yourself below tags:.",
    ),
    Code(
        "tag-keys-merged",
        "error",
        "Several keys that an invoice names would become one tag",
        "{file} names the tags {value!r} and {other!r}, which {where} takes; both become {column}.",
        "Leave one out with except:, or name it yourself below tags:.",
    ),
    Code(
        "currency-invalid",
        "error",
        "A row has no currency, or one that is not three capital letters",
        "{file}, row {row}: {column} is {value!r}, not a currency such as USD.",
        _RESEND,
    ),
    Code(
        "category-unknown",
        "error",
        "A value is outside its enumeration",
        "{file}, row {row}: {column} is {value!r}; allowed are {allowed}.",
        "Write one of the allowed values.",
    ),
    Code(
        "category-kept",
        "warning",
        "FOCUS rows have a value outside an enumeration that no amount depends on",
        "{count} rows have a {column} that FOCUS does not list; it was kept as written.",
        "Nothing is lost; tell the provider that its export is not FOCUS there.",
    ),
    Code(
        "cost-filled",
        "warning",
        "FOCUS rows have no ContractedCost, which may not be null",
        "{count} rows have no {column}; {instead} stands in for it, as FOCUS has it where nothing was negotiated.",
        "Nothing to do; negotiated savings of those rows are not known.",
    ),
    Code(
        "line-item-type-unknown",
        "warning",
        "A CUR row has a line item type that Outlay does not know; it became an Adjustment",
        "{count} rows have the line item type {value!r}, which became ChargeCategory Adjustment.",
        "Nothing is lost; tell Outlay's developers about the type.",
    ),
    Code(
        "outside-period",
        "error",
        "A row's charge period begins outside the billing period of its delivery",
        "{file}, row {row}: {column} is {value!r}, outside {period}.",
        "Deliver each row under its own month.",
    ),
    Code(
        "outside-period-allowed",
        "warning",
        "Rows of an AWS or FOCUS bill begin outside their billing period, as fees and corrections do",
        "{count} rows begin outside {period}; they count in it, as on the bill.",
        "Nothing to do.",
    ),
    Code(
        "resource-missing",
        "error",
        "A CBF row has a tag but no resource/id",
        "{file}, row {row}: a tag without a resource/id.",
        "Write the resource/id of each row that has tags.",
    ),
    Code(
        "ids-merge",
        "warning",
        "Ids of a CBF file become one where a reader keeps only their first two segments; told by outlay check",
        "{first!r} and {last!r} are both {value!r} where only two segments are kept: {count} rows.",
        "Outlay keeps ids whole. For readers that do not, write a type and one more segment, such as vm/web-1.",
    ),
    Code(
        "labels-invalid",
        "warning",
        "A CBF row's k8s/labels is not a JSON object",
        "{file}, row {row}: k8s/labels is {value!r}, not a JSON object; it was kept as one tag.",
        'Write a JSON object such as {{"app": "web"}}.',
    ),
    Code(
        "json-invalid",
        "error",
        "A value of a key-value column is not a JSON object",
        "{file}, row {row}: {column} is {value!r}, not a JSON object.",
        _RESEND,
    ),
    # The whole bill
    Code(
        "totals-differ",
        "warning",
        "Cost types that only redistribute have different totals over the bill",
        "{column} adds up to {value} {currency}, but cost/cost to {expected} {currency}.",
        "Check the adaptor: over a whole bill these totals should be equal.",
    ),
    Code(
        "discount-twice",
        "warning",
        "A CBF file has Discount rows, and their discounts in a discounted cost as well; told by outlay check",
        "{discounts} Discount rows count in {column}, which is less than the full cost in {count} other rows already.",
        "Write 0 as {column} of the Discount rows, or the full cost as that of the others.",
    ),
    Code(
        "negation-remainder",
        "warning",
        "Savings Plan negations do not cancel the usage that they cover; the remainder became an Adjustment",
        "The negations of {value} in account {account} leave {remainder} {currency}; an Adjustment row holds it.",
        "Nothing is lost; ask AWS about the bill if the amount matters.",
    ),
    Code(
        "public-price-unreadable",
        "warning",
        "A public on-demand price of a CUR is not a number; the row is read as if it had none",
        "{count} rows have a {column} that is not a number; their list cost is what they cost otherwise.",
        "Nothing to do: no other cost depends on it.",
    ),
    Code(
        "amortisation-missing",
        "warning",
        "A CUR has rows of reservations or Savings Plans, but not a column that spreads what was paid over its use",
        "{count} rows need {column}, which the export does not have: it counts as 0 in their effective cost.",
        "Select that column in the export and let AWS deliver the month again; billed costs are not concerned.",
    ),
    Code(
        "tags-merged",
        "warning",
        "A legacy Parquet report has lower-cased tag keys, so keys that differ by case are merged by AWS",
        "This report's tag keys are lower-cased by AWS and other characters became '_'.",
        "Use CSV or CUR 2.0 to see tag keys as they are.",
    ),
    Code(
        "resource-ids-off",
        "warning",
        "An AWS export has no resource ids",
        "The export has no resource ids: there is no cost by resource.",
        "Switch resource ids on in the export's settings.",
    ),
    Code(
        "not-reconciled",
        "error",
        "The charges do not equal the bill; nothing was committed",
        "{column} of account {account} is {expected} {currency} in the bill but {value} in the charges.",
        "The live data stays. Report this with the finding: it is a fault in Outlay.",
    ),
    Code(
        "rows-not-reconciled",
        "error",
        "Rows in, dropped, split and out do not add up; nothing was committed",
        "{rows_in} rows in, {dropped} dropped, {added} added by splits, but {rows_out} rows out.",
        "The live data stays. Report this with the finding: it is a fault in Outlay.",
    ),
)

CODES: dict[str, Code] = {entry.code: entry for entry in _TABLE}
