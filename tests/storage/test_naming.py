from __future__ import annotations

from collections.abc import Callable

import pytest
from obstore.exceptions import GenericError

from outlay.errors import SetupError, Unavailable, UsageError
from outlay.storage import Location, open_place
from outlay.storage.faults import translated
from outlay.storage.naming import check_container, check_google_bucket, host

AZURE, GOOGLE = check_container, check_google_bucket


@pytest.mark.parametrize(
    ("check", "name"),
    [
        (AZURE, "abc"),
        (AZURE, "acme-bills-2026"),
        (AZURE, "a" * 63),
        (GOOGLE, "acme_bills"),
        (GOOGLE, "bills.example.com"),
        (GOOGLE, ".".join(["a" * 63, "b" * 63])),
    ],
)
def test_a_good_name_is_taken_as_it_is(check: Callable[[str], str], name: str) -> None:
    assert check(name) == name


@pytest.mark.parametrize(
    ("check", "name", "rule"),
    [
        (AZURE, "", "no name"),
        (AZURE, "az://acme", "is an address"),
        (AZURE, "ab", "3 to 63"),
        (AZURE, "a" * 64, "3 to 63"),
        (AZURE, "Acme", "lower-case"),
        (AZURE, "a.b.c", "lower-case"),
        (AZURE, "-acme", "begins and ends"),
        (AZURE, "acme-", "begins and ends"),
        (AZURE, "acme--bills", "two hyphens"),
        (GOOGLE, "", "no name"),
        (GOOGLE, "gs://acme", "is an address"),
        (GOOGLE, "ab", "3 to 63"),
        (GOOGLE, "a" * 64, "3 to 63"),
        (GOOGLE, ".".join(["a" * 60] * 4), "up to 222"),
        (GOOGLE, "Acme", "lower-case"),
        (GOOGLE, "_acme", "begins and ends"),
        (GOOGLE, "192.168.5.4", "IP address"),
        (GOOGLE, "goog-bills", "Google keeps"),
        (GOOGLE, "my-google-bills", "Google keeps"),
    ],
)
def test_a_bad_name_is_refused_with_its_rule(check: Callable[[str], str], name: str, rule: str) -> None:
    with pytest.raises(UsageError, match=rule) as refused:
        check(name)
    assert refused.value.field == "bucket"


@pytest.mark.parametrize(
    ("location", "environ", "reached"),
    [
        ("s3://acme/a", {}, "acme.s3.amazonaws.com"),
        ("az://acme/a", {"AZURE_STORAGE_ACCOUNT_NAME": "bills"}, "bills.blob.core.windows.net"),
        ("az://acme/a", {"AZURE_STORAGE_ENDPOINT": "https://blobs.example.com/bills"}, "blobs.example.com"),
        ("az://acme/a", {"AZURE_STORAGE_USE_EMULATOR": "true"}, None),
        ("gs://acme/a", {}, "storage.googleapis.com"),
        ("gs://acme/a", {"GOOGLE_BASE_URL": "https://storage.example.com"}, "storage.example.com"),
        ("file:///acme/a", {}, None),
    ],
)
def test_the_host_of_a_place_is_known_before_it_is_asked(
    location: str, environ: dict[str, str], reached: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert host(Location.parse(location)) == reached


def test_azure_without_an_account_is_reached_nowhere() -> None:
    with pytest.raises(SetupError, match="No storage account"):
        host(Location.parse("az://acme/a"))


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Generic MicrosoftAzure error: Account must be specified", "AZURE_STORAGE_ACCOUNT_NAME"),
        (
            "Generic MicrosoftAzure error: Error performing token request: Error performing GET http://169.254.169.254",
            "AZURE_STORAGE_ACCOUNT_KEY",
        ),
        (
            "Generic GCS error: Error performing token request: Error performing GET http://169.254.169.254",
            "GOOGLE_APPLICATION_CREDENTIALS",
        ),
    ],
)
def test_a_server_without_credentials_is_told_how_it_gets_them(said: str, remedy: str) -> None:
    with pytest.raises(Unavailable) as failed, translated("gs://acme/a"):
        raise GenericError(said)
    assert remedy in failed.value.next


def test_azure_itself_says_that_no_account_is_named() -> None:
    with pytest.raises(Unavailable) as failed:
        open_place("az://acme/a").list()
    assert "AZURE_STORAGE_ACCOUNT_NAME" in failed.value.next
