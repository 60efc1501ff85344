"""What the type checker needs to know of Django, and nothing that reads the environment."""

from outlay.web import configuration

SECRET_KEY = "types only"
INSTALLED_APPS = list(configuration.APPS)
MIDDLEWARE = list(configuration.MIDDLEWARE)
AUTH_USER_MODEL = "web.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
