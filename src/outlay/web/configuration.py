"""What Django is told, made from Outlay's settings."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from outlay.settings import Settings
from outlay.state.opening import database
from outlay.state.secrets import Keyring

HERE = Path(__file__).parent
STATIC = HERE / "static"
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
OIDC = "oidc"

APPS: tuple[str, ...] = (
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
    "django_htmx",
    # Its own files for the API's documentation; without it they come from another host.
    "ninja",
    "outlay.state",
    "outlay.web",
)

MIDDLEWARE: tuple[str, ...] = (
    "outlay.web.middleware.Headers",
    "outlay.web.middleware.Visits",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "outlay.web.middleware.Errors",
)

VALIDATORS = (
    "UserAttributeSimilarityValidator",
    "MinimumLengthValidator",
    "CommonPasswordValidator",
    "NumericPasswordValidator",
)

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}


def configuration(settings: Settings) -> dict[str, Any]:
    """Django's settings, by name. Raises SetupError when the secret key cannot be had."""
    return {
        "DEBUG": False,
        "INSTALLED_APPS": list(APPS),
        "MIDDLEWARE": list(MIDDLEWARE),
        "ROOT_URLCONF": "outlay.web.urls",
        "TEMPLATES": [_templates()],
        "DATABASES": {"default": database(settings.database_url)},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "LANGUAGE_CODE": "en",
        "USE_I18N": False,
        "LOGGING": _logging(),
        "OUTLAY": settings,
        "CONTENT_SECURITY_POLICY": CONTENT_SECURITY_POLICY,
        "CSRF_FAILURE_VIEW": "outlay.web.errors.forgery",
        **_static(),
        **_keys(settings),
        **_addresses(settings),
        **_accounts(settings),
    }


def _templates() -> dict[str, Any]:
    return {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "outlay.web.navigation.context",
            ],
            "builtins": ["django.templatetags.static", "outlay.web.templatetags.outlay"],
        },
    }


def _logging() -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s site: %(message)s", "datefmt": "%H:%M:%S"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {
            "outlay.web": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
            # Each 404 is no news, and a request that failed is told by outlay.web.errors, without its data.
            "django.request": {"handlers": [], "level": "CRITICAL", "propagate": False},
            "django.security": {"handlers": [], "level": "CRITICAL", "propagate": False},
        },
    }


def _static() -> dict[str, Any]:
    """The address holds a digest of all files, so that browsers may keep them for good."""
    return {
        "STATIC_URL": f"/static/{_digest()}/",
        "STORAGES": {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_AUTOREFRESH": False,
        "WHITENOISE_ALLOW_ALL_ORIGINS": False,
        "WHITENOISE_IMMUTABLE_FILE_TEST": lambda path, url: True,
    }


def _digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(each for each in STATIC.rglob("*") if each.is_file()):
        digest.update(f"{path.relative_to(STATIC)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _keys(settings: Settings) -> dict[str, Any]:
    first, *older = Keyring.of(settings).derive("site")
    return {"SECRET_KEY": first, "SECRET_KEY_FALLBACKS": older}


def _addresses(settings: Settings) -> dict[str, Any]:
    own = urlsplit(settings.url or "")
    is_secure = own.scheme == "https"
    return {
        "ALLOWED_HOSTS": [*LOOPBACK, *filter(None, (own.hostname,)), *(settings.hosts or ())],
        "CSRF_TRUSTED_ORIGINS": [settings.url] if settings.url else [],
        "SESSION_COOKIE_SECURE": is_secure,
        "CSRF_COOKIE_SECURE": is_secure,
        # The prefix has browsers refuse the cookie from anybody but this host over https.
        "SESSION_COOKIE_NAME": "__Host-outlay-session" if is_secure else "outlay-session",
        "CSRF_COOKIE_NAME": "__Host-outlay-csrf" if is_secure else "outlay-csrf",
        "SESSION_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_AGE": 14 * 24 * 3600,
        "SECURE_HSTS_SECONDS": 365 * 24 * 3600 if is_secure else 0,
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if settings.proxies else None,
        "USE_X_FORWARDED_HOST": settings.proxies > 0,
        "SECURE_REFERRER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
    }


def _accounts(settings: Settings) -> dict[str, Any]:
    return {
        "AUTH_USER_MODEL": "web.User",
        "AUTHENTICATION_BACKENDS": ["allauth.account.auth_backends.AuthenticationBackend"],
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": f"django.contrib.auth.password_validation.{each}"} for each in VALIDATORS
        ],
        "LOGIN_URL": "account_login",
        "LOGIN_REDIRECT_URL": "/",
        "MESSAGE_STORAGE": "django.contrib.messages.storage.session.SessionStorage",
        "ACCOUNT_ADAPTER": "outlay.web.accounts.adapters.AccountAdapter",
        "SOCIALACCOUNT_ADAPTER": "outlay.web.accounts.adapters.SocialAccountAdapter",
        "ACCOUNT_LOGIN_METHODS": {"username"},
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "password1*"],
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_UNIQUE_EMAIL": False,
        "ACCOUNT_SESSION_REMEMBER": True,
        "ACCOUNT_LOGOUT_REDIRECT_URL": "account_login",
        # Guessers are locked out by accounts.lockout, whose counts hold over processes and restarts.
        "ACCOUNT_RATE_LIMITS": False,
        "ALLAUTH_TRUSTED_PROXY_COUNT": settings.proxies,
        "SOCIALACCOUNT_LOGIN_ON_GET": False,
        "SOCIALACCOUNT_AUTO_SIGNUP": True,
        "SOCIALACCOUNT_EMAIL_AUTHENTICATION": False,
        "SOCIALACCOUNT_STORE_TOKENS": False,
        "SOCIALACCOUNT_PROVIDERS": _providers(settings),
    }


def _providers(settings: Settings) -> dict[str, Any]:
    if not settings.oidc_url:
        return {}
    app = {
        "provider_id": OIDC,
        "name": settings.oidc_name,
        "client_id": settings.oidc_client_id or "",
        "secret": settings.oidc_client_secret or "",
        "settings": {"server_url": settings.oidc_url},
    }
    return {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}
