"""Carillon's settings: one file, read from the environment (docs/operations.md has the table)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONCE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import environment, postgres

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(environment.text("DATA_DIR", str(BASE_DIR / ".data")))

DEBUG = environment.flag("DEBUG")
PORT = environment.whole("PORT", 8000)
# Where the world (browsers and the carrier's webhooks) reaches this installation.
PUBLIC_URL = environment.text("PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
_public = urlsplit(PUBLIC_URL)
if _public.scheme not in {"http", "https"} or not _public.hostname:
    raise ImproperlyConfigured(f"PUBLIC_URL should look like https://calls.example.com, not {PUBLIC_URL!r}.")
IS_LOCAL = _public.hostname in {"127.0.0.1", "localhost", "::1"}

SECRET_KEY = environment.text("SECRET_KEY")
if not SECRET_KEY:
    if not IS_LOCAL:
        raise ImproperlyConfigured("SECRET_KEY is required when PUBLIC_URL is not on this machine.")
    SECRET_KEY = environment.kept_secret(DATA_DIR / "secret_key")

ALLOWED_HOSTS = [_public.hostname, *environment.words("ALLOWED_HOSTS")]
if IS_LOCAL:
    ALLOWED_HOSTS += ["127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# --- The carrier -----------------------------------------------------------------------------------
# Without an account, the simulated carrier on this machine is dialed: same API, no bill.
SIMULATOR_PORT = environment.whole("SIMULATOR_PORT", PORT + 1)
SIMULATOR_AUTH_ID = "MASIMULATEDCARRIER00"
PLIVO_AUTH_ID = environment.text("PLIVO_AUTH_ID")
PLIVO_AUTH_TOKEN = environment.text("PLIVO_AUTH_TOKEN")
CARRIER_IS_SIMULATED = not PLIVO_AUTH_ID
if CARRIER_IS_SIMULATED:
    PLIVO_AUTH_ID = SIMULATOR_AUTH_ID
    PLIVO_AUTH_TOKEN = environment.kept_secret(DATA_DIR / "simulator_token")
elif not PLIVO_AUTH_TOKEN:
    raise ImproperlyConfigured("PLIVO_AUTH_TOKEN is required with PLIVO_AUTH_ID.")
PLIVO_API_URL = environment.text(
    "PLIVO_API_URL",
    f"http://127.0.0.1:{SIMULATOR_PORT}" if CARRIER_IS_SIMULATED else "https://api.plivo.com",
).rstrip("/")
# The account's own limit: Plivo silently queues what goes beyond it, so we stay below.
ACCOUNT_CALLS_PER_SECOND = environment.number(
    "ACCOUNT_CALLS_PER_SECOND", 10 if CARRIER_IS_SIMULATED else 2, least=0.1
)
# Seconds to connect, and to wait for the answer, of one request to the carrier.
CARRIER_TIMEOUTS = (
    environment.number("CARRIER_CONNECT_TIMEOUT", 5),
    environment.number("CARRIER_TIMEOUT", 15),
)
# Whether an assistant may be at an address of this machine or of a private network: nothing that a
# carrier could reach, and all that the simulated one needs.
ALLOW_PRIVATE_ADDRESSES = environment.flag("ALLOW_PRIVATE_ADDRESSES", CARRIER_IS_SIMULATED)
# Highest values that a channel's form accepts.
MAX_CONCURRENT_CALLS = environment.whole("MAX_CONCURRENT_CALLS", 50, least=1)
MAX_CALLS_PER_SECOND = environment.whole("MAX_CALLS_PER_SECOND", 5, least=1)

# --- The dialer ------------------------------------------------------------------------------------
DRIVERS = environment.whole("DRIVERS", 2, least=1)  # on each host
DRIVER_SLICE_SECONDS = environment.number("DRIVER_SLICE_SECONDS", 20, least=1)
DRIVER_LEASE_SECONDS = environment.number("DRIVER_LEASE_SECONDS", 3, least=1)
PLACING_THREADS = environment.whole("PLACING_THREADS", 16, least=1)
DEFAULT_COUNTRY = environment.text("DEFAULT_COUNTRY", "US")
# Nobody is called before or after these hours of their own day, whatever a schedule says. The simulated
# carrier wakes nobody: with it, a first visitor can dial at any hour.
QUIET_HOURS_END = environment.whole("QUIET_HOURS_END", 0 if CARRIER_IS_SIMULATED else 8)
QUIET_HOURS_START = environment.whole("QUIET_HOURS_START", 24 if CARRIER_IS_SIMULATED else 21)
if not 0 <= QUIET_HOURS_END < QUIET_HOURS_START <= 24:
    raise ImproperlyConfigured("QUIET_HOURS_END should be before QUIET_HOURS_START, both between 0 and 24.")

# --- Django ----------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "django_q",
    "template_partials",
    "heroicons",
    "interface",
    "accounts",
    "contacts",
    "campaigns",
    "dialer",
    "analytics",
]

MIDDLEWARE = [
    "dialer.plivo.middleware.WebhookMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "interface.compression.CompressionMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "interface.toasts.ToastMiddleware",
    "interface.clock.BrowserZoneMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "interface.fragments.FragmentMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "interface.frame.frame",
            ],
            "builtins": ["interface.templatetags.interface", "template_partials.templatetags.partials"],
        },
    }
]

DATABASES = {
    "default": dj_database_url.parse(
        environment.text("DATABASE_URL") or postgres.url(),
        conn_max_age=600,
        conn_health_checks=True,
    )
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.RoleBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "campaigns:manager"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = environment.text("TIME_ZONE", "UTC")

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
CONTACTS_UPLOAD_MAX_BYTES = environment.whole("CONTACTS_UPLOAD_MAX_BYTES", 200 * 1024 * 1024)
# Uploads that nobody came back to, and files of imports that failed.
CONTACTS_UPLOAD_KEPT_DAYS = environment.number("CONTACTS_UPLOAD_KEPT_DAYS", 30)

# --- django-q2: work between processes -------------------------------------------------------------
# A task may be delivered more than once: everything here is safe to repeat. `retry` is longer than a task
# may take, so that a second delivery means that the first one's worker is gone. Imports may take longer;
# while one is at work, its second delivery does nothing.
_broker = {"redis": url} if (url := environment.text("REDIS_URL")) else {"orm": "default"}
WORKERS = environment.whole("WORKERS", 2, least=1)
TASK_TIMEOUT_SECONDS = 600
Q_CLUSTER = {
    "name": "default",
    **_broker,
    "workers": WORKERS,
    "timeout": TASK_TIMEOUT_SECONDS,
    "retry": 660,
    "max_attempts": 5,
    "ack_failures": True,
    "poll": 0.5,
    "guard_cycle": 1,
    "save_limit": -1,
    "catch_up": False,
    "label": "Tasks",
    "log_level": "WARNING",
    "ALT_CLUSTERS": {
        "dialer": {
            # One more than drivers: a successor starts before its predecessor lets go.
            "workers": DRIVERS + 1,
            "timeout": int(DRIVER_SLICE_SECONDS) + 60,
            "retry": int(DRIVER_SLICE_SECONDS) + 90,
            "poll": 0.5,
            "guard_cycle": 0.5,
            "recycle": 100,
        }
    },
}

# --- Security --------------------------------------------------------------------------------------
_https = _public.scheme == "https"
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if environment.flag("BEHIND_PROXY", _https) else None
)
SECURE_SSL_REDIRECT = _https
# The load balancer's check comes from inside, over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"carillon_session_{PORT}", f"carillon_csrf_{PORT}"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "media-src": [SELF, "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": [SELF],
        "frame-ancestors": ["'none'"],
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {"numbers": {"()": "config.logs.MaskNumbers"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["numbers"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "django-q": {"level": "WARNING"},
        "plivo": {"level": "WARNING"},
        "urllib3": {"level": "WARNING"},
    },
}

SILENCED_SYSTEM_CHECKS: list[str] = []
if IS_LOCAL:
    # On this machine only, over plain HTTP: what deployment asks for does not apply.
    SILENCED_SYSTEM_CHECKS += [
        "security.W004",
        "security.W008",
        "security.W012",
        "security.W016",
        "security.W021",
    ]
