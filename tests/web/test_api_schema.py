"""The API as it is served, against its own description: schemathesis sends what fits and what does not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.web.conftest import Visit
from tests.web.sites import Site
from tests.web.tokens import token

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
# Of each operation, besides those that go to the bounds of each parameter.
EXAMPLES = "4"


def schemathesis(site: Site, text: str, folder: Path, parameters: dict[str, str], *words: str) -> str:
    """What it prints. Fails when it finds anything."""
    config = folder / "schemathesis.toml"
    lines = [f"{json.dumps(f'path.{name}')} = {json.dumps(value)}" for name, value in parameters.items()]
    config.write_text("\n".join(["[parameters]", *lines, ""]))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
            f"{site.url}/api/v1/openapi.json",
            *("--header", f"Authorization: Bearer {text}", "--checks", ",".join(CHECKS)),
            *("--phases", "coverage,fuzzing", "--max-examples", EXAMPLES, "--seed", "1"),
            *("--generation-database", "none", "--no-color", "--warnings", "off", "--continue-on-failure", *words),
        ],
        cwd=folder,
        env={name: value for name, value in site.environ.items() if name != "OUTLAY_HOME"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def tried(said: str) -> int:
    found = re.search(r"([\d,]+) generated, ([\d,]+) passed", said)
    assert found, said[-2000:]
    assert found[1] == found[2]
    return int(found[1].replace(",", ""))


def test_what_is_read_is_as_described_whatever_is_asked(site: Site, tmp_path: Path) -> None:
    """Of a connection that there is; one that is made up is tried where things are changed."""
    name = site.outlay("connections", "list")[0]["name"]
    there = {"name": name, "column": "ServiceName", "period": site.outlay("periods", name)[0]["period"], "number": "1"}
    said = schemathesis(site, token(site, "administrator", "read"), tmp_path, there, "--include-method", "GET")
    assert tried(said) > 500


def test_what_is_changed_is_as_described_whatever_is_sent(empty_site: Site, tmp_path: Path) -> None:
    # An access that AWS refuses is answered by 502: that one is tried on the stand-in.
    words = ("--exclude-method", "GET", "--exclude-path", "/api/v1/exports")
    said = schemathesis(empty_site, token(empty_site), tmp_path, {}, *words)
    assert tried(said) > 300


def test_every_operation_stands_in_the_docs(empty_site: Site) -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    paths = empty_site.ask("/api/v1/openapi.json").json()["paths"]
    wanted = {f"{method.upper()} {path.removeprefix('/api/v1')}" for path, its in paths.items() for method in its}
    assert set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", page, re.MULTILINE)) == wanted


def test_the_description_names_every_error_and_bounds_every_number(empty_site: Site) -> None:
    described = empty_site.ask("/api/v1/openapi.json").json()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            wanted = {"400", "401", "403", "404", "422", "500", "503"}
            assert wanted <= set(operation["responses"]), (method, path)
            assert operation["security"] == [{"Token": []}]
    numbers = list(integers(described))
    assert numbers
    assert [each for each in numbers if not {"minimum", "maximum"} <= each.keys()] == []


def integers(described: object) -> list[dict[str, object]]:
    """Of what is sent, not of what is answered."""
    given = described["paths"] if isinstance(described, dict) else {}
    schemas = [
        parameter["schema"]
        for methods in given.values()
        for operation in methods.values()
        for parameter in operation.get("parameters", [])
    ]
    assert isinstance(described, dict)
    bodies = [
        described["components"]["schemas"][name] for name in ("NewConnectionIn", "ConnectionChange", "NewChannelIn")
    ]
    schemas += [field for body in bodies for field in body["properties"].values()]
    either = [kind for schema in schemas for kind in (schema, *schema.get("anyOf", []))]
    return [kind for kind in either if kind.get("type") == "integer"]


def test_the_documentation_is_shown_under_the_policy_from_this_site_alone(empty_site: Site, visit: Visit) -> None:
    page = visit(empty_site)
    page.goto("/api/v1/docs")
    page.get_by_role("heading", name=re.compile("Outlay")).wait_for()
    page.locator("#operations-costs-outlay_web_api_costs_costs").wait_for()
    assert page.locator(".opblock").count() > 20
