from __future__ import annotations

import logging
import pickle
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from outlay.errors import SetupError, UsageError
from outlay.settings import Settings
from outlay.state.new import NewConnection
from outlay.state.secrets import FILE, Keyring, Secret, add_key, drop_old_keys

HUSH = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"


def settings_of(home: Path, *keys: str) -> Settings:
    return Settings.read({"OUTLAY_SECRET_KEYS": ",".join(keys)} if keys else {}, home=home)


def test_a_secret_comes_back_and_its_seal_shows_nothing_of_it(tmp_path: Path) -> None:
    ring = Keyring.of(settings_of(tmp_path))
    sealed = ring.seal(Secret(HUSH))
    assert HUSH not in sealed
    assert Keyring.of(settings_of(tmp_path)).open(sealed, "acme").reveal() == HUSH


def test_a_secret_shows_its_last_four_characters_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(HUSH)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("x").warning("%s %r %s", secret, secret, [secret])
    for text in (str(secret), repr(secret), f"{secret}", f"{secret!r:>40}", caplog.text):
        assert HUSH not in text
        assert "…EKEY" in text
    assert str(Secret("short")) == "…"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_no_repr_of_what_carries_a_secret_shows_it(tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    settings = settings_of(tmp_path, key)
    new = NewConnection("acme", "aws", "s3://b/p", access_key_id=KEY_ID, secret_access_key=HUSH)
    for each in (settings, Keyring.of(settings), new):
        assert key not in repr(each)
        assert HUSH not in repr(each)


def test_the_file_of_keys_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    Keyring.of(settings_of(tmp_path / "home"))
    assert stat.S_IMODE((tmp_path / "home" / FILE).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "home").iterdir()] == [FILE]


MAKER = "import sys; from pathlib import Path; from outlay.settings import Settings; from outlay.state.secrets import Keyring; print(Keyring.of(Settings.read({}, home=Path(sys.argv[1]))).derive('x')[0])"  # noqa: E501


def test_processes_that_make_the_file_at_once_have_the_same_key(tmp_path: Path) -> None:
    words = [sys.executable, "-c", MAKER, str(tmp_path / "home")]
    makers = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert len({maker.communicate(timeout=60)[0] for maker in makers}) == 1


def test_the_first_key_seals_and_every_key_opens(tmp_path: Path) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    sealed = Keyring.of(settings_of(tmp_path, old)).seal(Secret(HUSH))
    both = Keyring.of(settings_of(tmp_path, new, old))
    assert both.open(sealed, "acme") == Secret(HUSH)
    again = both.reseal(sealed, "acme")
    assert Keyring.of(settings_of(tmp_path, new)).open(again, "acme") == Secret(HUSH)
    with pytest.raises(SetupError) as told:
        Keyring.of(settings_of(tmp_path, new)).open(sealed, "acme")
    assert "acme" in told.value.message
    assert told.value.next


def test_a_key_is_added_to_the_file_and_the_old_ones_dropped(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    sealed = Keyring.of(settings).seal(Secret(HUSH))
    ring = add_key(settings)
    again = ring.reseal(sealed, "acme")
    assert Keyring.of(settings) == ring
    drop_old_keys(settings, ring)
    assert Keyring.of(settings).open(again, "acme") == Secret(HUSH)
    with pytest.raises(SetupError):
        Keyring.of(settings).open(sealed, "acme")


@pytest.mark.parametrize("keys", ["nonsense", f"{'A' * 43}=,short", ","])
def test_a_text_that_is_no_key_is_refused_and_not_told(tmp_path: Path, keys: str) -> None:
    with pytest.raises(SetupError) as told:
        Keyring.of(settings_of(tmp_path, keys))
    assert all(part not in str(told.value) for part in keys.split(",") if part)


def test_keys_derived_for_different_purposes_differ_and_stay(tmp_path: Path) -> None:
    ring = Keyring.of(settings_of(tmp_path))
    assert ring.derive("sessions") == Keyring.of(settings_of(tmp_path)).derive("sessions")
    assert ring.derive("sessions") != ring.derive("webhooks")


# An access key of a connection


@pytest.fixture
def register(state: Settings) -> Any:
    from outlay.state import connections

    return connections


def test_the_secret_of_a_connection_is_kept_sealed(register: Any, settings: Settings) -> None:
    ring = Keyring.of(settings)
    new = NewConnection("acme", "aws", "s3://bucket/cur", access_key_id=KEY_ID, secret_access_key=HUSH)
    row = register.add(new, ring.seal)
    assert HUSH not in str(vars(register.named("acme")))
    assert ring.open(row.secret, "acme").reveal() == HUSH


@pytest.mark.parametrize(
    "given",
    [
        {"access_key_id": KEY_ID},
        {"secret_access_key": HUSH},
        {"access_key_id": HUSH, "secret_access_key": KEY_ID},
        {"access_key_id": KEY_ID, "secret_access_key": HUSH, "profile": "main"},
    ],
)
def test_a_wrong_access_key_is_refused_without_telling_it(register: Any, given: dict[str, str]) -> None:
    with pytest.raises(UsageError) as told:
        register.add(NewConnection("acme", "aws", "s3://bucket/cur", **given))
    assert HUSH not in str(told.value)
    assert register.every() == []


def test_a_connection_that_lends_its_access_is_not_removed(register: Any) -> None:
    register.add(NewConnection("main", "aws", "s3://bucket/cur", profile="main"))
    register.add(NewConnection("acme", "anycost", "s3://bucket/drops", "Acme Cloud", access_of="main"))
    assert register.named("acme").access_of.profile == "main"
    with pytest.raises(UsageError, match="lends its access to acme"):
        register.remove("main")
    with pytest.raises(UsageError, match="no AWS access of its own"):
        register.add(NewConnection("other", "anycost", "s3://bucket/x", "Other", access_of="acme"))
    register.remove("acme")
    register.remove("main")
    assert register.every() == []


# How often, and which months


@pytest.mark.parametrize("minutes", ["4", "1441", "0", "-5", "5.5", "", "hourly", "１２"])
def test_a_frequency_out_of_bounds_is_refused(register: Any, minutes: str) -> None:
    register.add(NewConnection("acme", "focus", "/bills/acme"))
    with pytest.raises(UsageError, match="cannot be checked every"):
        register.set_check_every("acme", minutes)
    assert register.named("acme").check_every_minutes == 60


def test_months_are_months_and_in_order(register: Any) -> None:
    register.add(NewConnection("acme", "focus", "/bills/acme"))
    assert register.set_counted("acme", "2026-5", "").count_from == "2026-05"
    assert register.counted_months() == {"acme": ("2026-05", "")}
    for first, last in (("2026-13", ""), ("", "May"), ("2026-06", "2026-05")):
        with pytest.raises(UsageError):
            register.set_counted("acme", first, last)
    assert register.set_bring_from("acme", "20260501-20260601").bring_from == "2026-05"
