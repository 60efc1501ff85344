"""Each test has a home of its own and sees none of the developer's cloud settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOREIGN = ("AWS_", "AZURE_", "GOOGLE_", "OUTLAY_", "DATABASE_URL", "PG", "DJANGO_", "SPARK_")


@pytest.fixture(autouse=True)
def outlay_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's `OUTLAY_HOME`, not made yet."""
    for name in os.environ:
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    home = tmp_path / "outlay-home"
    monkeypatch.setenv("OUTLAY_HOME", str(home))
    # Files that do not exist: no profile of the developer's, and no wait for a metadata service.
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # A proxy of the developer's must not be asked for loopback.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return home
