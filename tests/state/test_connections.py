from __future__ import annotations

from typing import Any

import pytest

from outlay.errors import UnknownName, UsageError
from outlay.settings import Settings
from outlay.state.new import NewConnection


@pytest.fixture
def register(state: Settings) -> Any:
    from outlay.state import connections

    return connections


def test_a_name_is_taken_once(register: Any) -> None:
    register.add(NewConnection("acme", "focus", "/bills/acme"))
    with pytest.raises(UsageError, match="a connection named acme already"):
        register.add(NewConnection("acme", "focus", "/bills/other"))
    assert register.named("acme").location == "file:///bills/acme"


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a/b", "..", "é", "a" * 101, "a\n"])
def test_a_name_that_would_not_do_as_a_folder_is_refused(register: Any, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a connection"):
        register.add(NewConnection(name, "focus", "/bills/acme"))


@pytest.mark.parametrize("name", ["Main", "a_b", "a b"])
def test_aws_names_are_lower_case(register: Any, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of an AWS connection"):
        register.add(NewConnection(name, "aws", "s3://bucket/cur"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "gcp"),
        ("location", "ftp://bucket/x"),
        ("currency", "usd"),
        ("expect_every", "1.5"),
        ("expect_every", "0"),
        ("role_arn", "role/outlay"),
        ("external_id", "x"),
    ],
)
def test_each_field_has_its_rule(register: Any, field: str, value: str) -> None:
    good = {"name": "acme", "kind": "focus", "location": "/bills/acme"}
    with pytest.raises(UsageError) as told:
        register.add(NewConnection(**good | {field: value}))
    assert told.value.next
    assert register.every() == []


def test_an_unknown_name_is_told_with_its_neighbours(register: Any) -> None:
    register.add(NewConnection("simple-cloud", "focus", "/bills/acme"))
    with pytest.raises(UnknownName) as told:
        register.named("simple-clod")
    assert told.value.next == "Did you mean simple-cloud?"


def test_a_pause_keeps_its_beginning_and_ends(register: Any) -> None:
    register.add(NewConnection("acme", "focus", "/bills/acme"))
    since = register.pause("acme").paused_at
    assert since is not None
    assert register.pause("acme").paused_at == since
    assert register.resume("acme").paused_at is None
