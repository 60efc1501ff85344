"""Adding users, changing what they may do, removing them. The command line and the pages call the same functions."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction

from outlay.errors import UnknownName, UsageError
from outlay.state import acts
from outlay.web.accounts import links
from outlay.web.accounts.models import User
from outlay.web.roles import Role


def named(name: str) -> User:
    """Raises UnknownName."""
    user = User.objects.filter(username__iexact=name).first()
    if user is None:
        raise UnknownName(f"There is no user {name}.", next="See who there is with outlay users list.")
    return user


def add(name: str, role: str, email: str = "", *, by: str = "") -> tuple[User, str]:
    """A user without a password, and the path of the link by which they choose one. Raises UsageError."""
    user = User(username=name, email=email, role=_role(role))
    user.set_unusable_password()
    with transaction.atomic():
        _check(user)
        user.save()
        acts.note("", by, "user-added", said=f"{user.username}, {user.role}.")
        return user, links.make(user)


def new_link(user: User, *, by: str = "") -> str:
    """The path of a link by which they choose a password, once. Those made before are over."""
    with transaction.atomic():
        acts.note("", by, "user-link", said=f"{user.username}.")
        return links.make(user)


def set_role(user: User, role: str, *, by: str = "") -> None:
    """Raises UsageError for the last administrator."""
    with transaction.atomic():
        _keep_one(user, is_one=_role(role) == Role.ADMINISTRATOR)
        user.role = _role(role)
        user.save(update_fields=["role"])
        acts.note("", by, "user-role", said=f"{user.username} is {user.role}.")


def remove(user: User, *, by: str = "") -> None:
    """With their tokens, links and sessions. Raises UsageError for the last administrator."""
    with transaction.atomic():
        _keep_one(user, is_one=False)
        acts.note("", by, "user-removed", said=f"{user.username}.")
        user.delete()


def _check(user: User) -> None:
    if User.objects.filter(username__iexact=user.username).exists():
        raise UsageError(f"There is a user {user.username} already.", next="Choose another name.", field="username")
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        field, said = next(iter(error.message_dict.items()))
        raise UsageError(f"{field}: {said[0]}", next="Correct it.", field=field) from error


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise UsageError(f"{text} is no role.", next=f"Choose one of {', '.join(Role)}.", field="role") from None


def _keep_one(user: User, *, is_one: bool) -> None:
    others = User.objects.select_for_update().filter(role=Role.ADMINISTRATOR, is_active=True).exclude(pk=user.pk)
    if not is_one and user.role == Role.ADMINISTRATOR and not list(others):
        raise UsageError(f"{user.username} is the only administrator.", next="Make somebody else one first.")
