"""What the type checker needs to know of Django, and nothing that reads the environment."""

SECRET_KEY = "types only"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "outlay.state"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
