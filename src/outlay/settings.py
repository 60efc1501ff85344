"""The environment, read once into one frozen object.

`docs/settings.md` is generated from `SETTINGS`, the table that `Settings.read` walks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from outlay.errors import UsageError

GIB = 1024**3


@dataclass(frozen=True)
class Settings:
    home: Path
    lake: str
    catalog: str | None
    database_url: str
    secret_keys: str | None = field(repr=False)
    streams: str
    stream_body: int
    stream_rows: int
    stream_wait: int
    spool: Path
    engine: str
    spark_master: str
    memory_limit: int
    threads: int
    max_unpacked: int
    max_ratio: int
    max_columns: int
    max_field: int
    folders: tuple[Path, ...] | None
    s3_endpoint: str | None
    s3_region: str | None
    inventory_hours: int
    question_slots: int
    question_wait: int
    question_seconds: int
    url: str | None
    hosts: tuple[str, ...] | None
    proxies: int
    oidc_url: str | None
    oidc_client_id: str | None
    oidc_client_secret: str | None = field(repr=False)
    oidc_name: str
    oidc_administrators: tuple[str, str] | None
    metrics_token: str | None = field(repr=False)

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None, **override: Any) -> Settings:
        """Read the environment; `override` wins over it. Raises UsageError naming the variable and its value."""
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {each.field: each.read(environ) for each in SETTINGS} | override
        home: Path = values["home"]
        values["lake"] = values["lake"] or str(home / "lake")
        values["spool"] = values["spool"] or home / "spool"
        values["streams"] = values["streams"] or f"{home / 'streams'}"
        values["database_url"] = values["database_url"] or f"sqlite:///{home / 'state.db'}"
        return cls(**values)


@dataclass(frozen=True)
class Setting:
    field: str
    names: tuple[str, ...]
    default: str
    parse: Callable[[str], Any]
    about: str

    def read(self, environ: Mapping[str, str]) -> Any:
        name, text = next(((name, environ[name]) for name in self.names if environ.get(name)), (self.names[0], ""))
        text = text or self.default
        if not text:
            return None
        try:
            return self.parse(text)
        except ValueError as error:
            raise UsageError(f"{name} is {text!r}: {error}.", next=f"Set it as described: {self.about}") from error


def without_password(address: str) -> str:
    """The address of a database or catalog as it may be shown: its user and everything else but the password."""
    shown = re.sub(r"(?<=://)([^:@/]*):.*@", r"\1@", address)
    return re.sub(r"(?<=[?&])password=[^&]*&?", "", shown).rstrip("?&")


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _folders(text: str) -> tuple[Path, ...]:
    return tuple(_path(each.strip()) for each in text.split(os.pathsep) if each.strip())


def _location(text: str) -> str:
    return text.rstrip("/") if "://" in text else str(_path(text))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("not a whole number above 0")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("not a whole number from 0 on")
    return number


def _site_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("not an address such as https://outlay.example.com")
    return f"{parts.scheme}://{parts.netloc}"


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def _claim(text: str) -> tuple[str, str]:
    name, _, value = (part.strip() for part in text.partition("="))
    if not name or not value:
        raise ValueError("not a claim and its value, such as groups=finops")
    return name, value


def _size(text: str) -> int:
    units = {"": 1, "K": 1024, "M": 1024**2, "G": GIB, "T": 1024 * GIB}
    digits = text.rstrip("BiKMGTkmgt ")
    unit = text[len(digits) :].strip().upper().rstrip("B").rstrip("I")
    if unit not in units:
        raise ValueError("not a size such as 200GiB")
    return _positive(digits) * units[unit]


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"not one of {', '.join(allowed)}")
        return text

    return parse


SETTINGS: tuple[Setting, ...] = (
    Setting("home", ("OUTLAY_HOME",), "~/.outlay", _path, "the folder that holds the embedded default"),
    Setting(
        "lake", ("OUTLAY_LAKE",), "", _location, "a folder or s3:// address for the lake; else `lake/` in the home"
    ),
    Setting(
        "catalog",
        ("OUTLAY_CATALOG",),
        "",
        str,
        "the lake's catalog: sqlite:///…, postgresql://…, http(s)://… (REST) or glue; else SQLite in the lake",
    ),
    Setting("database_url", ("DATABASE_URL",), "", str, "sqlite:///… or postgresql://…; else `state.db` in the home"),
    Setting(
        "secret_keys",
        ("OUTLAY_SECRET_KEYS",),
        "",
        str,
        "keys that seal access keys, joined by commas, the newest first; else the lines of `secret.key` in the home",
    ),
    Setting(
        "streams",
        ("OUTLAY_STREAMS",),
        "",
        _location,
        "a folder or s3:// address for the bodies of CBF that are sent over HTTP; else `streams/` in the home",
    ),
    Setting("stream_body", ("OUTLAY_STREAM_BODY",), "20MB", _size, "size of a body of CBF that is sent, at most"),
    Setting(
        "stream_rows", ("OUTLAY_STREAM_ROWS",), "0", _count, "rows of a body of CBF that is sent, at most; 0: no limit"
    ),
    Setting(
        "stream_wait",
        ("OUTLAY_STREAM_WAIT",),
        "20",
        _count,
        "seconds from a body of CBF that is sent to the check that brings it in, with what else comes meanwhile",
    ),
    Setting("spool", ("OUTLAY_SPOOL",), "", _path, "the folder for files being read; else `spool/` in the home"),
    Setting("engine", ("OUTLAY_ENGINE",), "duckdb", _one_of("duckdb", "spark"), "what maps bills: duckdb or spark"),
    Setting("spark_master", ("OUTLAY_SPARK_MASTER",), "local[*]", str, "the Spark master, such as spark://host:7077"),
    Setting("memory_limit", ("OUTLAY_MEMORY",), "512MiB", _size, "memory the engine may use before it goes to disk"),
    Setting("threads", ("OUTLAY_THREADS",), str(os.cpu_count() or 1), _positive, "threads of the engine"),
    Setting("max_unpacked", ("OUTLAY_MAX_UNPACKED",), "200GiB", _size, "unpacked size of one delivery at most"),
    Setting("max_ratio", ("OUTLAY_MAX_RATIO",), "200", _positive, "unpacked size of a file by its packed size at most"),
    Setting("max_columns", ("OUTLAY_MAX_COLUMNS",), "2000", _positive, "columns of a file at most"),
    Setting("max_field", ("OUTLAY_MAX_FIELD",), "1MiB", _size, "length of a field at most"),
    Setting(
        "folders",
        ("OUTLAY_FOLDERS",),
        "",
        _folders,
        "folders of this server, joined by colons, in which connections may lie; without it the site and the API "
        "connect no folder, and commands any",
    ),
    Setting("s3_endpoint", ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"), "", str, "an S3 service other than AWS's"),
    Setting("s3_region", ("AWS_REGION", "AWS_DEFAULT_REGION"), "", str, "region of buckets that do not say theirs"),
    Setting(
        "inventory_hours",
        ("OUTLAY_INVENTORY_HOURS",),
        "6",
        _count,
        "hours from one look for what runs in a connected AWS account to the next; 0: none",
    ),
    Setting(
        "question_slots", ("OUTLAY_QUESTION_SLOTS",), "1", _positive, "questions answered at once, by 2 threads each"
    ),
    Setting("question_wait", ("OUTLAY_QUESTION_WAIT",), "10", _positive, "seconds that a question waits for its turn"),
    Setting("question_seconds", ("OUTLAY_QUESTION_SECONDS",), "60", _positive, "seconds that a question may take"),
    Setting(
        "url",
        ("OUTLAY_URL",),
        "",
        _site_address,
        "the site's address as people see it, such as https://outlay.example.com; https makes its cookies secure",
    ),
    Setting(
        "hosts", ("OUTLAY_HOSTS",), "", _names, "host names the site answers to, joined by commas, beside loopback"
    ),
    Setting(
        "proxies", ("OUTLAY_PROXIES",), "0", _count, "proxies before the site, whose forwarded headers are believed"
    ),
    Setting(
        "oidc_url", ("OUTLAY_OIDC_URL",), "", str, "the OpenID Connect provider's address; else local accounts only"
    ),
    Setting("oidc_client_id", ("OUTLAY_OIDC_CLIENT_ID",), "", str, "the id that the provider gave to this site"),
    Setting("oidc_client_secret", ("OUTLAY_OIDC_CLIENT_SECRET",), "", str, "the secret that goes with it"),
    Setting("oidc_name", ("OUTLAY_OIDC_NAME",), "single sign-on", str, "what the button says after “Sign in with”"),
    Setting(
        "oidc_administrators",
        ("OUTLAY_OIDC_ADMINISTRATORS",),
        "",
        _claim,
        "a claim and its value that make administrators, such as groups=finops; all others are viewers",
    ),
    Setting(
        "metrics_token",
        ("OUTLAY_METRICS_TOKEN",),
        "",
        str,
        "what a scraper of /metrics has to send as its bearer token; else only this machine may",
    ),
)
