"""Forms of the accounts' pages."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from django import forms
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError

from outlay.web.accounts.models import ApiToken, User
from outlay.web.accounts.tokens import LONGEST_DAYS
from outlay.web.roles import Role
from outlay.web.styling import styled


class SignInForm(LoginForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "Name"
        self.fields["login"].widget.attrs.update(autocomplete="username", autocapitalize="none", spellcheck="false")
        self.fields["password"].widget.attrs["autocomplete"] = "current-password"
        self.fields["password"].help_text = ""
        styled(self)


class ChoosePasswordForm(forms.Form):
    """By a link. `user` is the one it was made for, or None for the first administrator, who chooses a name, too."""

    username = forms.CharField(label="Name", max_length=150, help_text="What you sign in with.")
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="Password, again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, user: User | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user
        if user is None:
            self.fields["username"].widget.attrs.update(autocomplete="username", autocapitalize="none")
        else:
            del self.fields["username"]
        self.fields["password"].help_text = " ".join(password_validators_help_texts())
        styled(self)

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        User.username_validator(name)
        if User.objects.filter(username__iexact=name).exists():
            raise ValidationError("There is a user of that name already. Choose another.")
        return name

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        password = told.get("password")
        if password is not None and password != told.get("again"):
            self.add_error("again", "The two passwords are not the same.")
        elif password is not None:
            try:
                validate_password(password, self._user or User(username=told.get("username", "")))
            except ValidationError as error:
                self.add_error("password", error)
        styled(self)
        return told


class ChangePasswordForm(PasswordChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].label = "Password now"
        self.fields["old_password"].widget.attrs.pop("autofocus", None)
        self.fields["new_password1"].label = "New password"
        self.fields["new_password1"].help_text = " ".join(password_validators_help_texts())
        self.fields["new_password2"].label = "New password, again"
        self.fields["new_password2"].help_text = ""
        styled(self)


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="What it is for, such as nightly-report.")
    role = forms.ChoiceField(choices=[(Role.VIEWER, "viewer")], initial=Role.VIEWER)
    scope = forms.ChoiceField(choices=ApiToken.SCOPES, initial="read")
    days = forms.IntegerField(label="Good for (days)", min_value=1, max_value=LONGEST_DAYS, initial=90)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if user.role != Role.ADMINISTRATOR:
            self.fields["scope"].choices = [each for each in ApiToken.SCOPES if each[0] != "send"]  # type: ignore[attr-defined]
        else:
            self.fields["role"].choices = [(role, role) for role in Role]  # type: ignore[attr-defined]
        styled(self)


class UserForm(forms.Form):
    username = forms.CharField(label="Name", max_length=150, help_text="Letters, digits and @ . + - _")
    email = forms.EmailField(label="E-mail", required=False)
    role = forms.ChoiceField(choices=[(role, role) for role in Role], initial=Role.VIEWER)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs.update(autocapitalize="none", autocomplete="off")
        styled(self)
