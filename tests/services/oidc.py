"""An OpenID Connect provider on loopback that vouches for whoever it is told to, with PKCE checked."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt

CLIENT, SECRET = "outlay-tests", "client-secret-for-tests-that-is-long-enough"


@dataclass
class Provider:
    """`claims` is who signs in next; None: they refuse."""

    url: str
    claims: dict[str, Any] | None = None
    challenges: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "OUTLAY_OIDC_URL": self.url,
            "OUTLAY_OIDC_CLIENT_ID": CLIENT,
            "OUTLAY_OIDC_CLIENT_SECRET": SECRET,
            "OUTLAY_OIDC_NAME": "Example ID",
            "OUTLAY_OIDC_ADMINISTRATORS": "groups=finops",
        }

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        if self.claims is None:
            return f"{query['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': query['state']})}"
        code = secrets.token_urlsafe(16)
        self.challenges[code] = (query["code_challenge"], query.get("nonce", ""))
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str]) -> dict[str, Any] | None:
        """None when anything does not fit."""
        challenge, nonce = self.challenges.pop(form.get("code", ""), ("", ""))
        verifier = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if form.get("client_secret") != SECRET or verifier.decode().rstrip("=") != challenge:
            return None
        now = int(time.time())
        told = {**(self.claims or {}), "iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        return {
            "access_token": "access",
            "token_type": "Bearer",
            "id_token": jwt.encode(told, SECRET, algorithm="HS256"),
        }


@contextmanager
def provider() -> Iterator[Provider]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    made = Provider(f"http://127.0.0.1:{server.server_address[1]}")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("Location", made.authorize(query))
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif parts.path == "/userinfo":
                self._answer(made.claims)
            else:
                self._answer(made.configuration())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(made.token({name: values[0] for name, values in parse_qs(body).items()}))

        def _answer(self, document: Any) -> None:
            content = json.dumps(document or {"error": "invalid_grant"}).encode()
            self.send_response(200 if document else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None: ...

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
