from __future__ import annotations

from django.apps import AppConfig


class StateConfig(AppConfig):
    name = "outlay.state"
    label = "state"
    default_auto_field = "django.db.models.BigAutoField"
