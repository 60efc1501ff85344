"""Messages by e-mail, webhook and Slack, to real servers on loopback."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from outlay.errors import NotSent
from outlay.notices.event import KINDS, Event
from outlay.notices.message import Message, message
from outlay.notices.sending import PLAIN, STARTTLS, Slack, Smtp, Webhook
from tests.notices.receivers import certificate, http, smtp

SECRET = "a-secret-that-nobody-sees"
LATE = Event("late", "2026-05-03T10:00:00+00:00", "acme", reason="Nothing came for 30 hours.", next="Ask <the> sender.")


@pytest.fixture
def late() -> Message:
    return message("7", LATE, None, "https://outlay.example.com")


def mail_to(port: int, **more: Any) -> Smtp:
    told: dict[str, Any] = {"security": PLAIN, "sender": "outlay@example.com", "recipients": ("ada@example.com",)}
    return Smtp("127.0.0.1", port, **{**told, **more})


def test_a_mail_says_what_happened_and_what_to_do(late: Message) -> None:
    with smtp() as box:
        mail_to(box.port).send(late)
    (mail,) = box.mails
    assert (mail["Subject"], mail["From"], mail["To"]) == (
        "[Outlay] acme is late",
        "outlay@example.com",
        "ada@example.com",
    )
    text = mail.get_content()
    assert "Nothing came for 30 hours." in text
    assert "Next: Ask <the> sender." in text
    assert "https://outlay.example.com/connections/acme" in text


def test_a_mail_is_encrypted_and_signed_in_for(late: Message, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with smtp(context, password=SECRET) as box:
        mail_to(box.port, security=STARTTLS, username="outlay", password=SECRET).send(late)
    assert box.was_encrypted
    assert box.sign_ins == [("outlay", SECRET)]
    assert len(box.mails) == 1


def test_no_password_is_given_to_a_server_that_cannot_prove_who_it_is(late: Message, tmp_path: Path) -> None:
    context, _ = certificate(tmp_path)
    with smtp(context, password=SECRET) as box, pytest.raises(NotSent):
        mail_to(box.port, security=STARTTLS, username="outlay", password=SECRET).send(late)
    assert box.sign_ins == []


def test_a_mail_server_that_refuses_is_told_without_its_words(late: Message) -> None:
    with smtp(password="another") as box, pytest.raises(NotSent) as refused:
        mail_to(box.port, username="outlay", password=SECRET).send(late)
    assert "535" in str(refused.value)
    assert SECRET not in str(refused.value)
    with smtp() as box, pytest.raises(NotSent, match="refused nobody"):
        mail_to(box.port, recipients=("ada@example.com", "nobody@example.com")).send(late)


def test_a_webhook_is_json_that_its_receiver_can_prove(late: Message) -> None:
    with http() as receiver:
        Webhook(f"{receiver.url}/hook?key=1", SECRET).send(late)
    (posted,) = receiver.posted
    told = json.loads(posted.body)
    assert posted.path == "/hook?key=1"
    assert (told["event"], told["connection"], told["id"]) == ("late", "acme", "7")
    assert posted.headers["X-Outlay-Notice"] == "7"
    # As docs/notices.md tells receivers to do it.
    parts = dict(part.split("=") for part in posted.headers["X-Outlay-Signature"].split(","))
    signed = f"{parts['t']}.".encode() + posted.body
    assert hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest() == parts["v1"]


def test_slack_gets_text_that_cannot_be_taken_for_its_own_marks(late: Message) -> None:
    with http() as receiver:
        Slack(receiver.url).send(late)
    text = json.loads(receiver.posted[0].body)["text"]
    assert text.startswith("*acme is late*\nNothing came")
    assert "Ask &lt;the&gt; sender." in text


@pytest.mark.parametrize("status", [302, 307, 404, 500])
def test_a_receiver_that_does_not_take_it_is_told_and_no_redirect_followed(late: Message, status: int) -> None:
    with http() as elsewhere, http() as receiver:
        receiver.status, receiver.location = status, f"{elsewhere.url}/taken" if status < 400 else ""
        with pytest.raises(NotSent, match=f"answered {status}"):
            Webhook(receiver.url, SECRET).send(late)
    assert elsewhere.posted == []


def test_a_receiver_that_is_not_there_is_told_without_its_address(late: Message) -> None:
    with http() as gone:
        pass
    with pytest.raises(NotSent, match="cannot be reached") as error:
        Slack(f"{gone.url}/services/T0/B0/{SECRET}").send(late)
    assert SECRET not in str(error.value)
    with pytest.raises(NotSent):
        mail_to(int(gone.url.rpartition(":")[2])).send(late)


def test_what_changed_in_a_final_month_stands_in_the_text() -> None:
    changes = [{"name": "Compute", "currency": "USD", "before": "10", "after": "7.5", "change": "-2.5"}]
    total = {"name": None, "currency": "USD", "before": "12", "after": "9.5", "change": "-2.5"}
    difference = {"before": "d1", "after": "d2", "totals": [total], "services": changes, "unchanged_services": 1}
    event = Event("final-changed", LATE.at, "acme", "2026-05", before="d1", after="d2")
    said = message("8", event, difference, None)
    assert "in all: 12 → 9.5 USD (-2.5)" in said.text
    assert "Compute: 10 → 7.5 USD (-2.5)" in said.text
    assert said.facts["difference"] == difference
    assert "cannot be told" in message("8", event, None, None).text
    assert Event.from_dict(json.loads(json.dumps(event.as_dict()))) == event


def test_every_kind_stands_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "notices.md").read_text()
    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE) == list(KINDS)


def test_of_very_many_months_that_were_rejected_every_month_and_some_findings_are_told() -> None:
    months = [f"2025-{number:02}" for number in range(1, 13)]
    one = Event("rejected", LATE.at, "acme", finding_count=1)
    events = [replace(one, month=month, findings=[f"{month} is wrong."]) for month in months]
    last = replace(one, findings=["It is nothing."], finding_count=4)
    together = reduce(Event.together_with, [*events, last])
    said = message("9", Event.from_dict(together.as_dict()), None, None)
    assert said.subject == "13 deliveries of acme were rejected"
    assert said.facts["months"] == [*months, "no known month"]
    assert (len(said.facts["findings"]), said.facts["finding_count"]) == (12, 16)
    assert "2025-03: 2025-03 is wrong." in said.text
    assert "… and 4 more." in said.text
