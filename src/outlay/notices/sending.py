"""Channels, and how each tells a message. Who sets one up is an administrator: it may be any address, inner ones too.

A webhook is a POST of JSON. Its `X-Outlay-Signature` is `t=<seconds>,v1=<HMAC-SHA-256 of "<seconds>.<body>" in hex>`,
made with the channel's secret, so that its receiver knows who sent it and that it is not an old one sent again.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import json
import smtplib
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from outlay.errors import NotSent
from outlay.notices.message import Message

SECONDS = 10
STARTTLS, TLS, PLAIN = "starttls", "tls", "none"
_AGENT = "Outlay notices"


@dataclass(frozen=True)
class Smtp:
    host: str
    port: int
    security: str
    sender: str
    recipients: tuple[str, ...]
    username: str = ""
    password: str = field(default="", repr=False)

    def send(self, message: Message) -> None:
        """Raises NotSent."""
        try:
            with self._connected() as server:
                if self.security == STARTTLS:
                    server.starttls(context=ssl.create_default_context())
                if self.username:
                    server.login(self.username, self.password)
                refused = server.send_message(self._mail(message))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise NotSent(_mail_fault(self.host, self.port, error), next=_LOOK_AT_MAIL) from error
        if refused:
            raise NotSent(f"{self.host} refused {', '.join(sorted(refused))}.", next="Correct the recipients.")

    def _connected(self) -> smtplib.SMTP:
        if self.security == TLS:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=ssl.create_default_context())
        return smtplib.SMTP(self.host, self.port, timeout=SECONDS)

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = f"[Outlay] {message.subject}"
        mail["From"] = self.sender
        mail["To"] = ", ".join(self.recipients)
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = make_msgid(idstring=message.number, domain=self.sender.rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        return mail


_LOOK_AT_MAIL = "Check the server, its port, its security and the sign-in."


def _mail_fault(host: str, port: int, error: Exception) -> str:
    """The server's own words may repeat what was sent, so of them only the code is told."""
    code = getattr(error, "smtp_code", None)
    said = f"answered {code}" if code else f"failed: {type(error).__name__}"
    return f"{host}:{port} {said}."


@dataclass(frozen=True)
class Webhook:
    """`url` and `secret` are not shown: an address may be a secret itself."""

    url: str = field(repr=False)
    secret: str = field(repr=False)

    def send(self, message: Message) -> None:
        """Raises NotSent."""
        body = json.dumps({**message.facts, "text": message.text}, ensure_ascii=False).encode()
        at = int(time.time())
        headers = {
            "X-Outlay-Event": message.kind,
            "X-Outlay-Notice": message.number,
            "X-Outlay-Signature": f"t={at},v1={signature(self.secret, at, body)}",
        }
        _post(self.url, body, headers)


def signature(secret: str, at: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Slack:
    url: str = field(repr=False)

    def send(self, message: Message) -> None:
        """Raises NotSent."""
        _, _, rest = message.text.partition("\n\n")
        text = f"*{_slack(message.subject)}*\n{_slack(rest)}".strip()
        _post(self.url, json.dumps({"text": text}, ensure_ascii=False).encode(), {})


def _slack(text: str) -> str:
    return html.escape(text, quote=False)


Channel = Smtp | Webhook | Slack


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A signed notice goes where it was set up to go, and nowhere else."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    host = urlsplit(url).hostname
    all_headers = {"Content-Type": "application/json", "User-Agent": _AGENT, **headers}
    request = urllib.request.Request(url, data=body, headers=all_headers, method="POST")  # noqa: S310 - see checked_url
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=SECONDS):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        raise NotSent(
            f"{host} answered {error.code}.", next="Check the address, and what its receiver says."
        ) from error
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NotSent(f"{host} cannot be reached: {type(reason).__name__}.", next="Check the address.") from error


# Kind → how a channel is made of its settings, the secret ones among them.
KINDS: Mapping[str, Callable[[Mapping[str, Any]], Channel]] = {
    "email": lambda told: Smtp(**{**told, "recipients": tuple(told["recipients"])}),
    "webhook": lambda told: Webhook(**told),
    "slack": lambda told: Slack(**told),
}
