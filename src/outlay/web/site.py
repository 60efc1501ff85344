"""Opens the site: Django with all its parts, over the same database as the state."""

from __future__ import annotations

from django.apps import apps
from django.conf import settings as django_settings

from outlay.settings import Settings
from outlay.state.opening import open_state
from outlay.web.configuration import configuration


def open_site(settings: Settings) -> None:
    """Set Django up for the site and bring the database up to date. Raises SetupError.

    It may be called again, and after `open_state`, whose Django knows less.
    """
    if not django_settings.configured:
        django_settings.configure(**configuration(settings))
    elif not apps.is_installed("outlay.web"):
        for name, value in configuration(settings).items():
            setattr(django_settings, name, value)
        apps.set_installed_apps(django_settings.INSTALLED_APPS)
    open_state(settings)
