"""Forms of the channels. What a form gives is settings that may be shown and secrets that may not."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, validate_email

from outlay.errors import UsageError
from outlay.notices.event import KINDS
from outlay.notices.sending import PLAIN, STARTTLS, TLS
from outlay.state.noticing import NewChannel
from outlay.web.styling import styled

_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}")
_SHOWN = re.compile(r"[!-~]+")
_SECURITY = ((STARTTLS, "STARTTLS"), (TLS, "TLS"), (PLAIN, "none: only within one machine or network"))
_MOST_RECIPIENTS = 50


class ChannelForm(forms.Form):
    """What every channel has. `kind` is that of `notices.sending.KINDS`."""

    kind = ""
    marks_required = True

    name = forms.CharField(
        max_length=100,
        validators=[RegexValidator(r"\A[^\x00-\x1f\x7f]*\Z", "Write it in one line.")],
        help_text="What you tell it by, such as FinOps team.",
    )
    events = forms.MultipleChoiceField(
        label="Tell when",
        choices=list(KINDS.items()),
        initial=list(KINDS),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(["name", *(name for name in self.fields if name not in ("name", "events")), "events"])
        styled(self)
        self.fields["events"].widget.attrs["class"] = "form-check-input"

    def plain_fields(self) -> list[forms.BoundField]:
        """All but the events, which stand in a group of their own."""
        return [field for field in self if field.name != "events"]

    def new(self) -> NewChannel:
        told = self.cleaned_data
        return NewChannel(self.kind, told["name"], self.settings(), self.sealed(), told["events"])

    def settings(self) -> dict[str, Any]:
        return {}

    def sealed(self) -> dict[str, str]:
        raise NotImplementedError


class EmailForm(ChannelForm):
    kind = "email"

    host = forms.CharField(label="SMTP server", max_length=253, help_text="Such as smtp.example.com.")
    port = forms.IntegerField(min_value=1, max_value=65_535, initial=587)
    security = forms.ChoiceField(choices=_SECURITY, help_text="STARTTLS goes with port 587, TLS with 465.")
    username = forms.CharField(label="User name", max_length=200, required=False)
    password = forms.CharField(
        max_length=200,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="It is encrypted, and never shown again.",
    )
    sender = forms.EmailField(label="From", max_length=200)
    recipients = forms.CharField(label="To", max_length=4_000, help_text="Addresses, with commas between them.")

    def clean_host(self) -> str:
        host: str = self.cleaned_data["host"]
        if not _HOST.fullmatch(host):
            raise ValidationError("That is no name of a server. Write one such as smtp.example.com.")
        return host

    def clean_recipients(self) -> list[str]:
        found = [each.strip() for each in self.cleaned_data["recipients"].split(",") if each.strip()]
        for each in found:
            validate_email(each)
        if not 1 <= len(found) <= _MOST_RECIPIENTS:
            raise ValidationError(f"Write 1 to {_MOST_RECIPIENTS} addresses.")
        return found

    def settings(self) -> dict[str, Any]:
        shown = ("host", "port", "security", "sender", "recipients", "username")
        return {name: self.cleaned_data[name] for name in shown}

    def sealed(self) -> dict[str, str]:
        return {"password": self.cleaned_data["password"]}


class _UrlForm(ChannelForm):
    url = forms.CharField(
        label="Address",
        max_length=2_000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "url"}),
        help_text="It is encrypted, and never shown whole again.",
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if not _is_address(url):
            raise ValidationError("That is no address. Write one such as https://example.com/hook.")
        if "@" in urlsplit(url).netloc:
            raise ValidationError("A name and password in the address are not sent. Leave them out.")
        return url

    def settings(self) -> dict[str, Any]:
        return {}

    def sealed(self) -> dict[str, str]:
        return {"url": self.cleaned_data["url"]}


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and bool(_SHOWN.fullmatch(url))
        )
    except ValueError:
        return False


class WebhookForm(_UrlForm):
    kind = "webhook"

    def sealed(self) -> dict[str, str]:
        return {**super().sealed(), "secret": secrets.token_urlsafe(32)}


class SlackForm(_UrlForm):
    kind = "slack"


FORMS: dict[str, type[ChannelForm]] = {form.kind: form for form in (EmailForm, WebhookForm, SlackForm)}

_PORTS = {STARTTLS: 587, TLS: 465, PLAIN: 25}


def channel_of(kind: str, given: Mapping[str, Any]) -> NewChannel:
    """A channel by the rules of its form, for the API and commands. Raises UsageError naming the field.

    Without `events` it is told of all; `recipients` is a list; the usual port is that of the security.
    """
    form_of = FORMS[kind]
    for name in given.keys() - form_of.base_fields.keys():
        raise UsageError(f"A channel of the kind {kind} has no {name}.", next="Leave it out.", field=name)
    usual: dict[str, Any] = {"events": list(KINDS)}
    if "security" in form_of.base_fields:
        security = given.get("security", STARTTLS)
        usual |= {"security": security, "port": _PORTS.get(security, "")}
    told = {**usual, **given}
    if "recipients" in told:
        told["recipients"] = ", ".join(told["recipients"])
    form = form_of(told)
    if not form.is_valid():
        field, said = next(iter(form.errors.items()))
        raise UsageError(f"{field}: {said[0]}", next="Correct it.", field=field)
    return form.new()
