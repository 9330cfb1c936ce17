"""Django settings, made from the environment (see `env.py`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from django.utils.translation import gettext_lazy as _

from assistant.common import products
from assistant.common.known_secrets import remember_for_good
from assistant.config import house
from assistant.config.env import REPOSITORY, database_settings, read_environment, secrets_of

products.use_one_thread()
ENVIRONMENT = read_environment()
remember_for_good(*secrets_of(ENVIRONMENT))
house.hold_to_it(ENVIRONMENT)  # before anything connects

MUNDAP_HOME: Path = ENVIRONMENT.home
MUNDAP_HOST, MUNDAP_PORT = ENVIRONMENT.host, ENVIRONMENT.port
MUNDAP_INDEX_DIR: Path = MUNDAP_HOME / "index"
MUNDAP_FILES_DIR: Path = MUNDAP_HOME / "files"  # of conversations, until they are read; no copy of anything
MUNDAP_SYNC_DIR: Path = MUNDAP_HOME / "sync"  # what makes syncs faster; may be emptied at any time
MUNDAP_AUDIT_DIR: Path = MUNDAP_HOME / "audit"  # remembers the newest entry of the audit log
MUNDAP_EMBEDDER: tuple[str, str] = (ENVIRONMENT.embedder, ENVIRONMENT.embedder_model)
MUNDAP_EMBEDDER_URL: str = ENVIRONMENT.embedder_url
MUNDAP_EMBEDDER_API_KEY: str = ENVIRONMENT.embedder_api_key
MUNDAP_EMBEDDER_DIMENSIONS: int = ENVIRONMENT.embedder_dimensions
MUNDAP_EMBEDDER_QUESTION_PROMPT: str = ENVIRONMENT.embedder_question_prompt
MUNDAP_EMBEDDER_PASSAGE_PROMPT: str = ENVIRONMENT.embedder_passage_prompt
MUNDAP_EMBEDDER_VERSION: str = ENVIRONMENT.embedder_version
MUNDAP_EMBEDDER_CA_BUNDLE: str = ENVIRONMENT.embedder_ca_file
MUNDAP_RERANKER: str = ENVIRONMENT.reranker
MUNDAP_RERANKER_MODEL: str = ENVIRONMENT.reranker_model
MUNDAP_RERANKER_URL: str = ENVIRONMENT.reranker_url
MUNDAP_RERANKER_API_KEY: str = ENVIRONMENT.reranker_api_key
MUNDAP_RERANKER_CA_BUNDLE: str = ENVIRONMENT.reranker_ca_file
MUNDAP_ENTAILMENT_MODEL: str = ENVIRONMENT.entailment_model
MUNDAP_INDEX_ENGINE: str = ENVIRONMENT.index_engine
MUNDAP_CHAT_MODEL: str = ENVIRONMENT.chat_model
MUNDAP_CHAT_URL: str = ENVIRONMENT.chat_url
MUNDAP_CHAT_MODEL_NAME: str = ENVIRONMENT.chat_model_name
MUNDAP_CHAT_API_KEY: str = ENVIRONMENT.chat_api_key
MUNDAP_CHAT_TOKENS: int = ENVIRONMENT.chat_tokens
MUNDAP_CHAT_SILENCE_S: int = ENVIRONMENT.chat_silence_s
MUNDAP_CHAT_CA_BUNDLE: str = ENVIRONMENT.chat_ca_file
MUNDAP_CHAT_REGION: str = ENVIRONMENT.chat_region
MUNDAP_SLACK_API_URL: str = ENVIRONMENT.slack_api_url
MUNDAP_MAX_FILE_BYTES: int = ENVIRONMENT.max_file_bytes
MUNDAP_PARSE_SECONDS: int = ENVIRONMENT.parse_seconds
MUNDAP_QUESTIONS_PER_MINUTE: int = ENVIRONMENT.questions_per_minute  # here and below, 0: unlimited
MUNDAP_REQUESTS_PER_MINUTE: int = ENVIRONMENT.requests_per_minute
MUNDAP_KEY_REQUESTS_PER_MINUTE: int = ENVIRONMENT.key_requests_per_minute
MUNDAP_PUSHES_PER_MINUTE: int = ENVIRONMENT.pushes_per_minute
MUNDAP_UPLOAD_FILES_PER_DAY: int = ENVIRONMENT.upload_files_per_day
MUNDAP_UPLOAD_BYTES_PER_DAY: int = ENVIRONMENT.upload_bytes_per_day
MUNDAP_PERSON_FILES_BYTES: int = ENVIRONMENT.person_files_bytes
MUNDAP_PUSH_BYTES_PER_DAY: int = ENVIRONMENT.push_bytes_per_day
MUNDAP_LEAST_FREE: tuple[int, int] = (ENVIRONMENT.least_free_bytes, ENVIRONMENT.least_free_percent)
MUNDAP_KEEP_DAYS: tuple[int, int, int] = ENVIRONMENT.keep_days
MUNDAP_DEMO: bool = ENVIRONMENT.demo
MUNDAP_PERMISSION_MAX_AGE_S: int = ENVIRONMENT.permission_max_age_s
MUNDAP_ALLOWED_NETWORKS = ENVIRONMENT.allowed_networks
MUNDAP_LOCAL_ONLY: bool = ENVIRONMENT.local_only
MUNDAP_LOCAL_NETWORKS, MUNDAP_LOCAL_NAMES = ENVIRONMENT.local_networks, ENVIRONMENT.local_names
MUNDAP_TRUSTED_PROXIES: tuple[str, ...] = ENVIRONMENT.trusted_proxies

SECRET_KEY = ENVIRONMENT.secret_key
SECRET_KEY_FALLBACKS = list(ENVIRONMENT.secret_key_fallbacks)  # open what was sealed before; seal nothing
DEBUG = ENVIRONMENT.debug
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(ENVIRONMENT.trusted_origins)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_celery_beat",
    "assistant.audit",
    "assistant.accounts",
    "assistant.identity",
    "assistant.factors",
    "assistant.documents",
    "assistant.access",
    "assistant.catalogue",
    "assistant.guardrails",
    "assistant.ingest",
    "assistant.retrieval",
    "assistant.evaluation",
    "assistant.privacy",
    "assistant.sync",
    "assistant.chat",
    "assistant.slackbot",
    "assistant.demo",
    "assistant.console",
    "assistant.api",
    "assistant.web",
    "assistant.config",
]

MIDDLEWARE = [
    "assistant.web.as_it_comes.AsItComesMiddleware",
    "assistant.web.middleware.LengthMiddleware",
    # Outermost, so that every response has their headers, also files and what others refuse.
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "assistant.web.content_policy.ContentPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "assistant.web.plain_http.PlainHttpMiddleware",
    "assistant.web.middleware.FormTypeMiddleware",
    "assistant.web.middleware.OriginMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "assistant.web.factor_gate.FactorGateMiddleware",
    "assistant.web.refusal_log.RefusalLogMiddleware",
    "assistant.web.middleware.PersonLanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "assistant.web.held_back.HeldBackMiddleware",
]

ROOT_URLCONF = "assistant.config.urls"
ASGI_APPLICATION = "assistant.config.asgi.application"
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "web:sign-in"
LOGIN_REDIRECT_URL = "web:home"
LOGOUT_REDIRECT_URL = "web:sign-in"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": ENVIRONMENT.password_length},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "assistant.factors.common_passwords.CommonKoreanPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "assistant.factors.breached.BreachedPasswordValidator"},
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [REPOSITORY / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "assistant.web.content_policy.csp_nonce",
            ],
        },
    },
]

_SQLITE_OPTIONS = {
    # IMMEDIATE takes the write lock at BEGIN, so that a transaction never fails half-way for it.
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
        "PRAGMA mmap_size=268435456; PRAGMA cache_size=-32000; "
        "PRAGMA secure_delete=ON;"  # what was removed is overwritten
    ),
}
_database = database_settings(ENVIRONMENT.database_url)
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["OPTIONS"] = _SQLITE_OPTIONS
    # A file, because threads share no in-memory database as they share a real one.
    _database["TEST"] = {"NAME": str(MUNDAP_HOME / "test.sqlite3")}
else:
    _database["CONN_HEALTH_CHECKS"] = True
    house.keep_database_inside(cast("dict[str, Any]", _database))
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("ko", _("Korean")), ("en", _("English"))]
LOCALE_PATHS = [REPOSITORY / "assistant" / "locale"]
USE_TZ = True
TIME_ZONE = "Asia/Seoul"

# How many parts of a form are read. How large a body may be is decided before (`assistant.config.bodies`).
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440  # bytes of a form beside its files
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
DATA_UPLOAD_MAX_NUMBER_FILES = 20

STATIC_URL = "static/"
STATICFILES_DIRS = [REPOSITORY / "static"]
STATIC_ROOT = MUNDAP_HOME / "static"
# Serve straight from the source folders: nothing to collect on a laptop. A container collects at build time.
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False  # our own pages alone use them

DEFAULT_EXCEPTION_REPORTER = "assistant.config.error_reports.Reporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "assistant.config.error_reports.WithoutSecrets"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
MUNDAP_EMBED_ORIGINS = ENVIRONMENT.embed_origins
# Pages on which a person asks and reads; nothing is decided or signed in to inside a frame.
MUNDAP_EMBEDDED_VIEWS = frozenset({"web:home", "web:conversation", "web:shared", "web:document"})
SESSION_ENGINE = "assistant.accounts.session_store"
SESSION_COOKIE_AGE = ENVIRONMENT.session_longest_s
MUNDAP_SESSION_IDLE_S: int = ENVIRONMENT.session_idle_s
MUNDAP_PASSWORD_LENGTH: int = ENVIRONMENT.password_length
MUNDAP_REQUIRE_SECOND_FACTOR: str = ENVIRONMENT.require_second_factor
MUNDAP_BREACHED_PASSWORDS: str = ENVIRONMENT.breached_passwords
MUNDAP_LOCAL_SIGN_IN: str = ENVIRONMENT.local_sign_in
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True  # pages carry the token; no script of ours reads the cookie
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # needs no cookie of its own
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENVIRONMENT.https
if ENVIRONMENT.https:
    # No other host, and no page without TLS, can plant a cookie of such a name.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    LANGUAGE_COOKIE_NAME = "__Host-django_language"
SECURE_SSL_REDIRECT = ENVIRONMENT.https
SECURE_REDIRECT_EXEMPT = [
    r"^api/",  # refused instead, see `assistant.web.plain_http`
    r"^scim/",
    r"^healthz$",  # asked by the machine itself, and says nothing of anybody
]
SECURE_HSTS_SECONDS = 31_536_000 if ENVIRONMENT.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = ENVIRONMENT.https  # those of this very host
# That a request came over TLS is said by the server, which believes MUNDAP_TRUSTED_PROXIES alone.

MUNDAP_BROKER_DIR: Path = MUNDAP_HOME / "broker"
CELERY_BROKER_URL = ENVIRONMENT.broker_url
if CELERY_BROKER_URL.startswith("filesystem:"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(MUNDAP_BROKER_DIR / "queue"),
    }
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
# Runs over documents; the index; what is short and must never wait for either (see sync.wake).
CELERY_TASK_DEFAULT_QUEUE = "maintenance"
CELERY_TASK_ROUTES = {
    "assistant.sync.tasks.run_sync": {"queue": "fetch"},
    "assistant.ingest.tasks.*": {"queue": "ingest"},
}
CELERY_TASK_TIME_LIMIT = 6 * 3600  # whatever takes longer hangs; its process is replaced
CELERY_TASK_ACKS_LATE = False  # a message only wakes a worker up; the database holds the job
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "assistant.sync.tasks.sweep", "schedule": 5.0},
    "maintain-index": {"task": "assistant.ingest.tasks.maintain_index", "schedule": 300.0},
    "delete-old": {"task": "assistant.privacy.tasks.delete_old", "schedule": 3600.0},
    "recheck-slack": {"task": "assistant.slackbot.tasks.recheck_posts", "schedule": 60.0},
    "sweep-door": {"task": "assistant.accounts.tasks.sweep_door", "schedule": 3600.0},
    "sweep-proofs": {"task": "assistant.factors.tasks.sweep_proofs", "schedule": 300.0},
    "sweep-sign-ins": {"task": "assistant.identity.tasks.sweep_sign_ins", "schedule": 3600.0},
    "refresh-providers": {"task": "assistant.identity.tasks.refresh_providers", "schedule": 24 * 3600.0},
}

_TALKATIVE = (
    *("httpx2", "httpcore2", "paramiko", "smbprotocol", "spnego", "fido2"),
    *("botocore", "boto3", "imapclient", "oauthlib"),
)
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "assistant.config.logs.PlainFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": ENVIRONMENT.log_level},
    # At finer levels they write down every address that is asked for, ids of keys, or what proves who asks.
    "loggers": {name: {"level": "WARNING"} for name in _TALKATIVE},
}
