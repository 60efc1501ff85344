from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models

from outlay.web.roles import Role

ROLES = [(role.value, role.value) for role in Role]


class User(AbstractUser):
    """A person. What they may do is their role alone; Django's own permissions are not used."""

    role = models.CharField(max_length=20, choices=ROLES, default=Role.VIEWER.value)

    class Meta(AbstractUser.Meta):
        ordering = ("username",)


class SignInLink(models.Model):
    """A link by which somebody chooses a password, once. Only the digest of its token is kept.

    Without a user it makes the first administrator.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="links")
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"link of {self.user or 'the first administrator'}"


class Guessing(models.Model):
    """How often a sign-in failed of late, for an account or from an address. An account need not exist."""

    subject = models.CharField(max_length=200, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.subject}: {self.failures}"


class ApiToken(models.Model):
    """What a program signs in with. Only the digest of its text is kept, and the last characters to tell it by."""

    SCOPES = (("read", "read"), ("write", "read and write"), ("send", "send CBF, and nothing else"))

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=20, choices=ROLES)
    scope = models.CharField(max_length=10, choices=SCOPES)
    digest = models.CharField(max_length=64, unique=True)
    last_characters = models.CharField(max_length=4)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-made_at",)

    def __str__(self) -> str:
        return f"{self.name} …{self.last_characters}"
