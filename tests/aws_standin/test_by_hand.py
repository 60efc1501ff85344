"""The stand-in as somebody starts it: a process of its own that says how to connect, and does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from outlay.aws.exports import exports_found
from outlay.aws.sessions import Credentials, Session, who_am_i
from tests.services.process import stop, wait_until_ready

ROOT = Path(__file__).parents[2]
# The last thing it says of the second payer.
LAST = "linked loftline-"


def test_what_it_prints_is_enough_to_find_the_exports_of_both_payers(tmp_path: Path) -> None:
    log = tmp_path / "said.txt"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "tests.aws_standin", "--port", "0", "--months", "1"]
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT)
    try:
        said = wait_until_ready(process, lambda: text if LAST in (text := log.read_text()) else None, log)
        own = dict(re.findall(r"(\w+)=(\S+)", said))
        roles = re.findall(r"^  role +(\S+)", said, re.MULTILINE)
        external_ids = re.findall(r"^  external id +(\S+)", said, re.MULTILINE)
        linked = re.findall(r"add linked \S+ --role-arn (\S+)", said)
        assert (len(roles), len(linked)) == (2, 2)

        def session_of(role: str, external_id: str) -> Session:
            key = (own["AWS_ACCESS_KEY_ID"], own["AWS_SECRET_ACCESS_KEY"])
            endpoint = own["AWS_ENDPOINT_URL"]
            return Session(Credentials(role_arn=role, external_id=external_id, access_key=key, endpoint=endpoint))

        for role, external_id in zip(linked, external_ids, strict=True):
            assert who_am_i(session_of(role, external_id)).standing == "linked"
        for role, external_id in zip(roles, external_ids, strict=True):
            session = session_of(role, external_id)
            found = exports_found(session, who_am_i(session))
            assert [each.name for each in found.exports] == ["legacy", "cur2", "focus"]
            assert all(each.usable and each.last_delivery for each in found.exports)
    finally:
        stop(process, 2)
    assert process.returncode == 0
