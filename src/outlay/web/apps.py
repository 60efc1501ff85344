from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "outlay.web"
    label = "web"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from outlay.web.accounts import signals

        signals.connect()
