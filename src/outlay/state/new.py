"""What is said of a connection when it is added. Knows nothing of Django, so that anyone may make one."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class NewConnection:
    """What a user says of a connection, as it was typed."""

    name: str
    kind: str
    location: str
    cloud_provider: str = ""
    export: str = ""
    currency: str = "USD"
    expect_every: str | int | None = None
    profile: str = ""
    role_arn: str = ""
    external_id: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    access_of: str = ""
    check_every: str | int = 60
    bring_from: str = ""
    # The export that Outlay made for it: its ARN, or the name of a legacy report, which has none.
    made_export: str = ""
