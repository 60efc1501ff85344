from __future__ import annotations

from django.db import models

from outlay.web.accounts.models import User


class SavedView(models.Model):
    """A question that a person keeps under a name, as the address has it. The others see it when it is shared."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="views")
    name = models.CharField(max_length=80)
    query = models.TextField()
    is_shared = models.BooleanField(default=False)
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("user", "name"), name="one_view_a_name"),)

    def __str__(self) -> str:
        return self.name
