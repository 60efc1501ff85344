"""Who receives notices: an SMTP server and an HTTP server, both on loopback, both keeping what they get."""

from __future__ import annotations

import base64
import email
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Mailbox:
    """`sign_ins` are user names with passwords, as they came."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    sign_ins: list[tuple[str, str]] = field(default_factory=list)
    was_encrypted: bool = False


class _Mail(StreamRequestHandler):
    """As much of SMTP as a client needs that has one mail to send."""

    server: _MailServer

    def handle(self) -> None:
        self._say("220 loopback")
        self._is_in = not self.server.password
        while line := self.rfile.readline().decode().strip():
            word, _, rest = line.partition(" ")
            if word.upper() == "QUIT":
                self._say("221 bye")
                return
            getattr(self, f"_{word.lower()}", self._unknown)(rest)

    def finish(self) -> None:
        super().finish()
        # The encrypted one, which the server does not know of.
        self.connection.close()

    def _say(self, *lines: str) -> None:
        *first, last = lines
        text = [f"{line[:3]}-{line[4:]}" for line in first] + [last]
        self.wfile.write("".join(f"{line}\r\n" for line in text).encode())
        self.wfile.flush()

    def _unknown(self, rest: str) -> None:
        self._say("502 what?")

    def _ehlo(self, rest: str) -> None:
        is_plain = self.server.tls and not isinstance(self.connection, ssl.SSLSocket)
        self._say("250 loopback", *(["250 STARTTLS"] if is_plain else []), "250 AUTH PLAIN")

    def _starttls(self, rest: str) -> None:
        assert self.server.tls
        self._say("220 go")
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.server.box.was_encrypted = True

    def _auth(self, rest: str) -> None:
        _, user, secret = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
        self.server.box.sign_ins.append((user, secret))
        self._is_in = secret == self.server.password
        self._say("235 in" if self._is_in else f"535 no, {secret} is wrong")

    def _mail(self, rest: str) -> None:
        self._say("250 ok" if self._is_in else "530 sign in")

    def _rcpt(self, rest: str) -> None:
        self._say("550 nobody" if "nobody@" in rest else "250 ok")

    def _rset(self, rest: str) -> None:
        self._say("250 ok")

    def _data(self, rest: str) -> None:
        self._say("354 go")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        self.server.box.mails.append(email.message_from_bytes(b"".join(lines), policy=default))
        self._say("250 ok")


class _MailServer(ThreadingTCPServer):
    def __init__(self, tls: ssl.SSLContext | None, password: str) -> None:
        self.tls, self.password, self.box = tls, password, Mailbox()
        super().__init__(("127.0.0.1", 0), _Mail)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is no news."""


@contextmanager
def smtp(tls: ssl.SSLContext | None = None, password: str = "") -> Iterator[Mailbox]:
    """With `tls` it offers STARTTLS, with `password` it wants one."""
    server = _MailServer(tls, password)
    with _serving(server) as port:
        server.box.port = port
        yield server.box


@dataclass(frozen=True)
class Posted:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers `status`; with `location` it sends elsewhere."""

    url: str = ""
    status: int = 200
    location: str = ""
    posted: list[Posted] = field(default_factory=list)


@contextmanager
def http() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.posted.append(Posted(self.path, dict(self.headers), body))
            self.send_response(receiver.status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        receiver.url = f"http://127.0.0.1:{port}"
        yield receiver


@contextmanager
def _serving(server: ThreadingTCPServer | ThreadingHTTPServer) -> Iterator[int]:
    server.daemon_threads = True
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.05), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS for 127.0.0.1, and the file that who trusts it has."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return context, certificate
