"""moto's server on loopback, with a record of what was asked of it and faults on demand.

It runs in a thread of the test process, so that a test reads the record and sets the faults without a protocol; child
processes reach it through `endpoint` all the same.
"""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import boto3
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

REGION = "us-east-1"
# Any pair is accepted.
ACCESS_KEY = "testing"
SECRET_KEY = "testing"

# (method, has a key, query parameter that tells) → the operation's name in the S3 API; the first that fits.
OPERATIONS: list[tuple[str, bool, str | None, str]] = [
    ("GET", False, "list-type", "ListObjectsV2"),
    ("GET", False, "uploads", "ListMultipartUploads"),
    ("GET", False, "location", "GetBucketLocation"),
    ("GET", False, "versions", "ListObjectVersions"),
    ("GET", False, None, "ListObjects"),
    ("HEAD", False, None, "HeadBucket"),
    ("PUT", False, None, "CreateBucket"),
    ("DELETE", False, None, "DeleteBucket"),
    ("POST", False, "delete", "DeleteObjects"),
    ("GET", True, None, "GetObject"),
    ("HEAD", True, None, "HeadObject"),
    ("PUT", True, "partNumber", "UploadPart"),
    ("PUT", True, None, "PutObject"),
    ("POST", True, "uploads", "CreateMultipartUpload"),
    ("POST", True, "uploadId", "CompleteMultipartUpload"),
    ("DELETE", True, "uploadId", "AbortMultipartUpload"),
    ("DELETE", True, None, "DeleteObject"),
]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str] = field(repr=False)
    action: str | None = None

    @property
    def bucket(self) -> str:
        return self.path.lstrip("/").partition("/")[0]

    @property
    def key(self) -> str:
        return self.path.lstrip("/").partition("/")[2]

    @property
    def kind(self) -> str:
        """The operation: `ListObjectsV2`, `GetObject`, …; for STS and IAM the action, such as `AssumeRole`."""
        if self.action:
            return self.action
        for method, has_key, parameter, name in OPERATIONS:
            if method == self.method and has_key == bool(self.key) and (parameter is None or parameter in self.query):
                return name
        return f"{self.method} {self.path}"


Respond = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]
Which = Callable[[Request], bool] | str | None


@dataclass
class Fault:
    which: Callable[[Request], bool]
    times: int
    respond: Respond


def chosen(which: Which) -> Callable[[Request], bool]:
    if which is None:
        return lambda request: True
    if isinstance(which, str):
        return lambda request: request.kind == which
    return which


class Observed:
    """A WSGI application that notes each request and answers some of them itself."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        # The server answers several requests at once.
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = read_request(environ)
        with self._lock:
            self.requests.append(request)
            fault = next((fault for fault in self.faults if fault.times > 0 and fault.which(request)), None)
            if fault:
                fault.times -= 1
        return (fault.respond if fault else self.application)(environ, start_response)


def read_request(environ: WSGIEnvironment) -> Request:
    return Request(
        method=environ["REQUEST_METHOD"],
        # WSGI hands over the bytes of the path as if they were Latin-1.
        path=environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
        query=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
        headers={name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"},
        action=form_action(environ),
    )


def form_action(environ: WSGIEnvironment) -> str | None:
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return None
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return dict(parse_qsl(body.decode())).get("Action")


class QuietHandler(MotoRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """A line for each request would bury a failing test's own output."""


def moto_application() -> WSGIApplication:
    application: WSGIApplication = DomainDispatcherApplication(create_backend_app)
    return application


class S3Server:
    """`port` is for a server by hand; tests take any. `application` is asked in place of moto's."""

    def __init__(self, application: WSGIApplication | None = None, *, port: int = 0) -> None:
        self.observed = Observed(application or moto_application())
        # The socket listens from here on, so that nobody has to wait for the thread.
        self._server = make_server("127.0.0.1", port, self.observed, threaded=True, request_handler=QuietHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="s3-server", daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class S3:
    """A bucket of the test's own on the worker's server."""

    endpoint: str
    bucket: str

    def __init__(self, server: S3Server) -> None:
        self._server = server
        self.endpoint = server.endpoint
        self.bucket = f"test-{uuid.uuid4().hex[:12]}"
        self.region, self.access_key, self.secret_key = REGION, ACCESS_KEY, SECRET_KEY
        self.client.create_bucket(Bucket=self.bucket)

    @cached_property
    def client(self) -> S3Client:
        client: S3Client = self._server.client("s3")
        return client

    @cached_property
    def sts(self) -> STSClient:
        client: STSClient = self._server.client("sts")
        return client

    @cached_property
    def iam(self) -> IAMClient:
        client: IAMClient = self._server.client("iam")
        return client

    @property
    def environ(self) -> dict[str, str]:
        """What a child process needs to reach the bucket."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_ALLOW_HTTP": "true",
        }

    def url(self, key: str = "") -> str:
        return f"s3://{self.bucket}/{key}".rstrip("/")

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body)

    def put_many(self, objects: Mapping[str, bytes]) -> None:
        """Thousands of objects at once, past HTTP; the record does not tell of them."""
        backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        for key, body in objects.items():
            backend.put_object(self.bucket, key, body)

    @contextmanager
    def recorded(self) -> Iterator[list[Request]]:
        """The requests made inside the block, to any service; the list is filled when the block ends."""
        requests: list[Request] = []
        start = len(self._server.observed.requests)
        try:
            yield requests
        finally:
            requests += self._server.observed.requests[start:]

    def fail(self, which: Which = None, *, status: int = 503, times: int = 1) -> None:
        """Answer the next `times` requests of a kind, or those a function picks, with an error."""
        code = {403: "AccessDenied", 404: "NoSuchKey", 503: "SlowDown"}.get(status, "InternalError")
        body = f"<Error><Code>{code}</Code><Message>asked for by the test</Message></Error>".encode()

        def respond(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            start_response(
                f"{status} {code}", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
            )
            return [body]

        self._add(which, times, respond)

    def cut(self, which: Which = "GetObject", *, after: int, times: int = 1) -> None:
        """Announce the whole body and end the connection after so many bytes of it."""
        application = self._server.observed.application

        def respond(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            body = b"".join(application(environ, start_response))
            return [body[:after]]

        self._add(which, times, respond)

    def meanwhile(self, which: Which, happens: Callable[[], object], *, times: int = 1) -> None:
        """Do something between the arrival of a request and its answer, such as changing the object it asks for."""
        application = self._server.observed.application

        def respond(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            happens()
            return application(environ, start_response)

        self._add(which, times, respond)

    def _add(self, which: Which, times: int, respond: Respond) -> None:
        self._server.observed.faults.append(Fault(chosen(which), times, respond))


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    server = S3Server()
    yield server
    server.close()


@pytest.fixture
def s3(s3_server: S3Server, outlay_home: object) -> Iterator[S3]:
    yield S3(s3_server)
    s3_server.observed.faults.clear()
    s3_server.observed.requests.clear()
