"""Secrets at rest: sealed with Fernet, under keys that can be changed.

The first key seals, every key opens. Keys are those of OUTLAY_SECRET_KEYS, or else the lines of `secret.key` in the
home, which is made when it is first needed. A Fernet key is 32 bytes in URL-safe base64.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from outlay.errors import SetupError
from outlay.settings import Settings

FILE = "secret.key"
_SHOWN = 4
_LEAST_TO_SHOW = 12


class Secret:
    """A text that no log, message or repr shows. `reveal` is the one way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __str__(self) -> str:
        return shown(self._text)

    def __repr__(self) -> str:
        return f"Secret({shown(self._text)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("A Secret is not written anywhere.")


def shown(text: str) -> str:
    """The last four characters, or nothing of a text so short that they would tell much of it."""
    return f"…{text[-_SHOWN:]}" if len(text) >= _LEAST_TO_SHOW else "…"


@dataclass(frozen=True)
class Keyring:
    """The installation's keys, the one that seals first."""

    keys: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Keyring:
        """Raises SetupError when a key is none, or when the file cannot be read or made."""
        if settings.secret_keys:
            return cls(_checked(settings.secret_keys.split(","), "OUTLAY_SECRET_KEYS"))
        path = settings.home / FILE
        try:
            return cls(_checked(_lines(path), str(path)))
        except OSError as error:
            raise _unusable(path, error) from error

    def seal(self, secret: Secret) -> str:
        return self._fernet.encrypt(secret.reveal().encode()).decode()

    def open(self, sealed: str, whose: str) -> Secret:
        """`whose` is said in the SetupError that is raised when no key fits."""
        try:
            return Secret(self._fernet.decrypt(sealed.encode()).decode())
        except InvalidToken as error:
            raise SetupError(
                f"The secret of {whose} was sealed with a key that this installation does not have.",
                next=f"Bring back {FILE} or the old key in OUTLAY_SECRET_KEYS, or give the access key anew.",
            ) from error

    def reseal(self, sealed: str, whose: str) -> str:
        """The same secret under the first key."""
        return self.seal(self.open(sealed, whose))

    def derive(self, purpose: str) -> tuple[str, ...]:
        """A key of its own for each purpose, such as signing sessions: the one to use first, then the older ones."""
        digests = (hmac.new(key, purpose.encode(), hashlib.sha256).digest() for key in self.keys)
        return tuple(base64.urlsafe_b64encode(digest).decode() for digest in digests)

    @property
    def _fernet(self) -> MultiFernet:
        return MultiFernet([Fernet(key) for key in self.keys])


def add_key(settings: Settings) -> Keyring:
    """Put a new key before those of the file. Raises SetupError when the keys are given by the environment."""
    if settings.secret_keys:
        raise SetupError(
            "The keys are those of OUTLAY_SECRET_KEYS.",
            next="Put a new key first there, before the old ones and a comma.",
        )
    old = Keyring.of(settings).keys
    ring = Keyring((Fernet.generate_key(), *old))
    _write(settings.home / FILE, ring.keys)
    return ring


def drop_old_keys(settings: Settings, ring: Keyring) -> None:
    """Keep the first key only: for when everything is sealed under it."""
    _write(settings.home / FILE, ring.keys[:1])


def _lines(path: Path) -> list[str]:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(path)
    return path.read_text().splitlines()


def _make(path: Path) -> None:
    """A new file with one key, whole at once. When two processes make it, both go on with the first one's."""
    draft = _draft(path, (Fernet.generate_key(),))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _write(path: Path, keys: Sequence[bytes]) -> None:
    try:
        _draft(path, keys).replace(path)
    except OSError as error:
        raise _unusable(path, error) from error


def _draft(path: Path, keys: Sequence[bytes]) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(b"".join(key + b"\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    return draft


def _checked(lines: Sequence[str], where: str) -> tuple[bytes, ...]:
    keys = tuple(line.strip().encode() for line in lines if line.strip())
    if not keys or not all(_is_key(key) for key in keys):
        # The text itself is never told: it may be a key but for one letter.
        raise SetupError(
            f"{where} holds no key, or one that is none.", next="A key is 32 bytes in URL-safe base64, 44 characters."
        )
    return keys


def _is_key(key: bytes) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def _unusable(path: Path, error: OSError) -> SetupError:
    return SetupError(
        f"{path} cannot be used: {error.strerror}.", next="It has to be readable and writable for Outlay alone."
    )
