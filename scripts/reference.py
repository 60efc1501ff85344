"""The pages of docs/ that are made from the tables of the code. `scripts/docs` runs it; a test runs it with --check."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from outlay import errors, health
from outlay.aws.policies import PURPOSES, WAYS, Purpose, Target, policy
from outlay.cli.app import load, make_app
from outlay.engine.sandbox import Bounds
from outlay.findings import CODES
from outlay.focus.columns import BY_NAME, COLUMNS, SUBCATEGORIES, VERSIONS
from outlay.formats import cbf, cur_kinds, cur_names, cur_rules, focus
from outlay.formats.base import COMMON, Rule
from outlay.settings import SETTINGS

DOCS = Path(__file__).parents[1] / "docs"


def note(*sources: str) -> str:
    return f"<!-- Generated from {', '.join(sources)} by scripts/docs. Change those, then run it again. -->"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(map(cell, row))} |"


def cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")


def code(value: object) -> str:
    return f"`{value}`" if value not in (None, "") else ""


# Commands


def cli() -> Iterator[str]:
    app = make_app()
    load(app)
    text = app.generate_docs(output_format="markdown", heading_level=1)
    title, _, rest = text.partition("\n")
    yield title.replace("# outlay", "# The command line")
    yield ""
    yield note("the commands' own help in src/outlay/cli")
    yield ""
    yield (
        "Exit codes: 0 done, 1 something failed (said on stderr), 2 wrong usage, 130 stopped by Ctrl-C. "
        "`--json` prints one JSON document and nothing else on stdout; amounts in it are decimal texts. "
        "Each error says what to do next."
    )
    yield re.sub(r"(?<=\n\n)((?:outlay .*\n)+)(?=\n)", r"```console\n\1```\n", fenced(rest)).rstrip()


def fenced(text: str) -> str:
    """Paragraphs that are examples become blocks of code; usage lines are in blocks already."""
    return text.replace("\\[default: table]", "*[default: table]*")


# Errors and findings


def errors_page() -> Iterator[str]:
    tree, _, rest = (errors.__doc__ or "").partition("\n\n")[2].strip().partition("\n\n")
    yield "# Errors and findings"
    yield ""
    yield note("src/outlay/errors.py", "src/outlay/findings.py")
    yield ""
    yield "## Errors"
    yield ""
    yield "Grouped by what to do next. A command ends with exit code 2 after wrong usage, with 1 after the others."
    yield ""
    yield "```"
    yield tree
    yield "```"
    yield ""
    yield rest
    yield ""
    yield "## Findings"
    yield ""
    yield "What a run tells about a delivery. An `error` rejects the delivery and keeps the live data; a `warning`"
    yield "stays with"
    yield "the run. The first 100 of each code are kept with their places, all are counted. `{…}` is filled in."
    yield ""
    rows = ((code(each.code), each.severity, each.when, each.message, each.next) for each in CODES.values())
    yield from table(("code", "severity", "when", "message", "next"), rows)


# Settings


def settings() -> Iterator[str]:
    yield "# Settings"
    yield ""
    yield note("src/outlay/settings.py")
    yield ""
    yield "Read from the environment once, when a command starts. Sizes are written as `512MiB` or `200GiB`."
    yield ""
    defaults = {"threads": "all of the machine's"}
    rows = (
        (", else ".join(map(code, each.names)), defaults.get(each.field, code(each.default)), each.about)
        for each in SETTINGS
    )
    yield from table(("variable", "default", "what it is"), rows)
    yield ""
    yield "Credentials for `s3://`, `az://` and `gs://` are found as the tools of those clouds find them: in the"
    yield "environment,"
    yield "in profiles, from the machine. `NO_COLOR` and `COLUMNS` are honoured."
    yield ""
    yield f"A query of `outlay sql` may put {Bounds().disk // 1024**3} GiB on disk and answer with"
    yield f"{Bounds().answer // 1024**2} MiB."


# Columns


def columns() -> Iterator[str]:
    yield "# Columns of the lake"
    yield ""
    yield note("src/outlay/focus/columns.py")
    yield ""
    yield "One row is one charge. The columns are those of FOCUS 1.2 and 1.4 Cost and Usage, and `x_` columns for what"
    yield "FOCUS has"
    yield "no name for. Levels: M mandatory, C conditional, R recommended, - not in that version."
    yield ""
    header = ("column", "type", "null", *(f"FOCUS {version}" for version in VERSIONS), "values or meaning")
    yield from table(
        header,
        (
            (
                code(each.name),
                each.type,
                "yes" if each.nullable else "no",
                *(each.level(version) for version in VERSIONS),
                each.about or ", ".join(each.values),
            )
            for each in COLUMNS
        ),
    )
    yield ""
    yield "## Service categories and their subcategories"
    yield ""
    yield from table(
        ("ServiceCategory", "ServiceSubcategory"), ((name, ", ".join(each)) for name, each in SUBCATEGORIES.items())
    )


# Mappings


def mapping(title: str, rules: Sequence[Rule], *sources: str) -> Iterator[str]:
    yield f"# From {title} to FOCUS"
    yield ""
    yield note(*(f"src/outlay/formats/{source}.py" for source in (*sources, "base")))
    yield ""
    yield "One line for each column of the lake; a column that is not listed is null. Amounts are exact decimals with"
    yield "18 places,"
    yield "times are in UTC. What the sources leave open, and how it was decided: [docs/formats](../formats)."
    yield ""
    by_column = {rule.column: rule for rule in (*rules, *COMMON)}
    rows = ((code(name), by_column[name].source, by_column[name].rule) for name in BY_NAME if name in by_column)
    yield from table(("column", "from", "rule"), rows)


def cbf_page() -> Iterator[str]:
    yield from mapping("CBF (AnyCost)", cbf.RULES, "cbf")
    yield ""
    yield "## `lineitem/type`"
    yield ""
    rows = (
        (code(name), each.category, each.frequency, each.pricing, "yes" if each.is_commitment else "", each.status)
        for name, each in cbf.LINE_ITEM_TYPES.items()
    )
    header = ("type", "ChargeCategory", "ChargeFrequency", "PricingCategory", "commitment", "CommitmentDiscountStatus")
    yield from table(header, rows)
    yield ""
    yield f"Needed columns: {', '.join(map(code, cbf.REQUIRED))}. Blank `lineitem/type` is `Usage`."


def cur_page() -> Iterator[str]:
    yield from mapping(
        "AWS's Cost and Usage Reports (legacy CSV, legacy Parquet, CUR 2.0)", cur_rules.RULES, "cur_rules", "cur_kinds"
    )
    yield ""
    yield "## Kinds of line items"
    yield ""
    yield "A kind is a line item type, or a part of one. The costs name amounts of the row: `charged` is the net"
    yield "unblended cost,"
    yield "else the unblended cost; `public` the public on-demand cost."
    yield ""
    header = (
        "kind",
        "ChargeCategory",
        "ChargeFrequency",
        "PricingCategory",
        "BilledCost",
        "EffectiveCost",
        "ContractedCost",
        "ListCost",
        "commitment",
        "quantity",
    )
    rows = (
        (
            code(name),
            k.category,
            k.frequency,
            k.pricing,
            k.billed,
            k.effective,
            k.contracted,
            k.list,
            k.commitment,
            k.quantity,
        )
        for name, k in (*cur_kinds.KINDS.items(), ("remainder of negations", cur_kinds.REMAINDER))
    )
    yield from table(header, rows)
    yield ""
    yield "## Rows that become two charges"
    yield ""
    yield from table(
        ("rule", "line item type", "kind of the second charge"),
        ((code(rule), code(first), code(second)) for rule, (first, second) in cur_kinds.SPLITS.items()),
    )
    yield ""
    yield "## Names"
    yield ""
    yield "Names are compared after `lineItem/UnblendedCost` has become `line_item_unblended_cost`. Needed columns, as"
    yield "a legacy"
    yield f"report calls them: {', '.join(code(name) for name in cur_names.REQUIRED.values())}."
    yield ""
    yield from table(
        ("column", "also called"),
        ((code(name), ", ".join(map(code, others))) for name, others in cur_names.VARIANTS.items()),
    )


def focus_page() -> Iterator[str]:
    yield from mapping("FOCUS 1.0 to 1.4", focus.RULES, "focus")
    yield ""
    yield f"Needed columns: {', '.join(map(code, focus.REQUIRED))}. The texts {' and '.join(map(code, focus.NULLS))}"
    yield "are null."


# Policies

_EXAMPLE = Target(
    "acme-billing",
    "arn:aws:iam::012345678901:role/outlay",
    account="012345678901",
    external_id="outlay-0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    principal="arn:aws:iam::111122223333:user/outlay",
)
_ATTACHED = {
    "identity": "the role that Outlay assumes, or the user whose key it holds",
    "bucket": "the bucket",
    "trust": "the role that Outlay assumes, as its trust policy",
}


def policies_page() -> Iterator[str]:
    yield "# Policies for AWS"
    yield ""
    yield note("src/outlay/aws/policies/purposes.py")
    yield ""
    yield "What Outlay may be allowed to do in AWS, by purpose. `outlay policy PURPOSE` writes each, filled in, as"
    yield f"{', '.join(way.label for way in WAYS.values())}, each action with its reason. Nothing is sent to AWS."
    yield "Several purposes become one document. By `payer-automatic` alone Outlay makes anything; by none it deletes."
    yield ""
    yield from table(
        ("purpose", "what for", "attached to", "needs"),
        (
            (f"[`{each.name}`](#{each.name})", each.title, _attached(each), ", ".join(map(_option, each.needs)))
            for each in PURPOSES
        ),
    )
    yield ""
    yield "- A role in another account than Outlay's needs both sides: `trust` on the role, `assume-role` on what"
    yield "  Outlay runs as. The external id is the connection's; `outlay policy trust` makes one when none is given."
    yield "- A bucket in another account than the role's has to allow the role itself: `bucket-sharing`."
    yield "- A bucket's policy that is there is kept: `--extend FILE` takes it in, and the commands of the AWS CLI put"
    yield "  a policy only where AWS says that there is none."
    yield "- Objects that are encrypted with a key of your own in KMS need `kms:Decrypt` on that key besides."
    yield "- Permissions take about five minutes to work after they are made."
    for each in PURPOSES:
        yield ""
        yield from _policy(each)


def _attached(purpose: Purpose) -> str:
    return "the role or user that Outlay runs as" if purpose.is_callers else _ATTACHED[purpose.kind]


def _option(field: str) -> str:
    return code(f"--{field.replace('_', '-')}")


def _policy(purpose: Purpose) -> Iterator[str]:
    made = policy(purpose.name, _EXAMPLE)
    yield f"## {purpose.name}"
    yield ""
    yield f"{purpose.title}. {purpose.about} Attached to {_attached(purpose)}."
    yield ""
    yield from table(
        ("statement", "action", "why"), ((code(sid), code(action), why) for sid, action, why in made.reasons())
    )
    yield ""
    yield "```json"
    yield json.dumps(made.document(), indent=2)
    yield "```"


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "cli.md": cli,
    "errors.md": errors_page,
    "settings.md": settings,
    "columns.md": columns,
    "policies.md": policies_page,
    "mappings/cbf.md": cbf_page,
    "mappings/cur.md": cur_page,
    "mappings/focus.md": focus_page,
    "health.md": lambda: iter([health.truth_table_markdown().rstrip("\n")]),
}


def main(words: Sequence[str]) -> int:
    outdated = []
    for name, page in PAGES.items():
        path, text = DOCS / name, "\n".join(page()) + "\n"
        if path.is_file() and path.read_text() == text:
            continue
        outdated.append(name)
        if "--check" not in words:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    print(f"{'out of date' if '--check' in words else 'written'}: {', '.join(outdated) or 'none'}")
    return int("--check" in words and bool(outdated))


sys.exit(main(sys.argv[1:]))
