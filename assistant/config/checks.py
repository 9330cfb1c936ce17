"""Start-up checks: what would go wrong later, said at once and in words.

`manage.py check` runs those that need no database; `require_readiness` runs all of
them and is called by the web server, the worker, the scheduler and `manage.py up`.
Every message says what is wrong, where, and what to do.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register, run_checks  # noqa: A004 - Django's name
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from assistant.accounts import local_sign_in
from assistant.common.errors import MundapError
from assistant.config import exposure
from assistant.config.exposure import is_loopback
from assistant.demo.accounts import usable_sign_ins
from assistant.factors import emergency
from assistant.identity.providers import open_providers
from assistant.providers.registry import CHAT_MODELS, EMBEDDERS, ON_SERVERS, RERANKERS

BROKER_SCHEMES = ("filesystem", "redis", "rediss", "amqp", "amqps")
OLDEST_SQLITE = (3, 35, 0)
_NETWORK_FILESYSTEMS = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "fuse.sshfs",
    "afs",
    "glusterfs",
    "fuse.glusterfs",
}
CHECKS = "mundap"  # the tag of all checks here

Apps = Sequence[AppConfig] | None


def require_readiness() -> None:
    """Print warnings to stderr.

    Raises:
        MundapError: the program must not start like this; one line for each reason.
    """
    messages = run_checks(tags=[CHECKS])
    if not any(message.is_serious() for message in messages):
        messages += database_problems() or [*open_demo_accounts(), *ways_in(), *_outside_in_console()]
    errors = [one_line(message) for message in messages if message.is_serious()]
    for message in messages:
        if not message.is_serious():
            print(f"WARNING {one_line(message)}", file=sys.stderr)  # noqa: T201 - before logging is trusted
    if errors:
        raise MundapError("\n".join(errors))


def one_line(message: CheckMessage) -> str:
    """A check's text and advice as one line."""
    return f"{message.msg} {message.hint}" if message.hint else message.msg


def database_problems() -> list[CheckMessage]:
    """Whether the database answers and is migrated. Not a registered check: `migrate` must run without it."""
    where = f"{connection.vendor} ({connection.settings_dict['HOST'] or connection.settings_dict['NAME']})"
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        reason = str(error).strip().splitlines()[0]
        hint = "Check DATABASE_URL and that the server runs."
        return [Error(f"The database {where} does not answer: {reason}.", hint=hint, id="mundap.E010")]
    if waiting:
        hint = "Run `python manage.py prepare`."
        return [Error(f"The database {where} lacks {len(waiting)} migrations.", hint=hint, id="mundap.E011")]
    return []


def open_demo_accounts() -> list[CheckMessage]:
    """Where others reach the server: whoever saw the demo's passphrase gets in. Needs a migrated database."""
    place = exposure.reached_at()
    sign_ins = usable_sign_ins(settings.MUNDAP_HOME) if place else ()
    if not sign_ins:
        return []
    names = ", ".join(each.email for each in sign_ins)
    text = f"Everybody who saw the demo's passphrase can sign in at {place} as {names}."
    hint = "Close them (`python manage.py user close ADDRESS`), or start anew with MUNDAP_DEMO=0."
    kind = Error if settings.SECURE_SSL_REDIRECT else Warning
    return [kind(text, hint=hint, id="mundap.E013" if kind is Error else "mundap.W004")]


def ways_in() -> list[CheckMessage]:
    """Whether somebody could sign in on a bad day, and has tried. Needs a migrated database.

    Only where nobody at all could sign in does nothing start: used-up codes must not stop a company whose own
    sign-in works.
    """
    accounts = emergency.kept().values()
    found: list[CheckMessage] = []
    if local_sign_in.is_for_emergencies():
        has_provider = bool(open_providers())
        if not any(one.works for one in accounts):
            hint = "Run `python manage.py emergency create` (or rotate), or set it to everyone."
            if has_provider:
                text = (
                    "MUNDAP_LOCAL_SIGN_IN=emergency, and no emergency account works: nobody gets in on the "
                    "day on which the company's sign-in does not work."
                )
                found.append(Warning(text, hint=hint, id="mundap.W007"))
            else:
                text = (
                    "MUNDAP_LOCAL_SIGN_IN=emergency, no emergency account works and no identity provider is "
                    "open: nobody can sign in."
                )
                found.append(Error(text, hint=hint, id="mundap.E014"))
        elif not has_provider:
            hint = "Sign in with the emergency account and open one in the console, or set it to everyone."
            text = (
                "MUNDAP_LOCAL_SIGN_IN=emergency, and no identity provider is open: only the emergency "
                "account gets in."
            )
            found.append(Warning(text, hint=hint, id="mundap.W005"))
    untried = [one.user.email for one in accounts if one.is_untried]
    if untried:
        hint = "Sign in with it once, so that it works on the day on which it must."
        text = f"Nobody has tried the emergency account {', '.join(untried)} for 90 days."
        found.append(Warning(text, hint=hint, id="mundap.W006"))
    return found


@register(CHECKS)
def home_is_writable(app_configs: Apps, **_options: object) -> list[CheckMessage]:  # noqa: ARG001 - Django's shape
    """All that the program writes lies in MUNDAP_HOME."""
    home: Path = settings.MUNDAP_HOME
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        hint = "Set MUNDAP_HOME to a folder that this user may write."
        return [
            Error(f"The folder {home} cannot be written ({error.strerror}).", hint=hint, id="mundap.E001")
        ]
    return []


@register(CHECKS)
def sqlite_is_able(app_configs: Apps, **_options: object) -> list[CheckMessage]:  # noqa: ARG001 - Django's shape
    """SQLite needs a recent version, and a disk of this machine for its write-ahead log."""
    database = settings.DATABASES["default"]
    if database["ENGINE"] != "django.db.backends.sqlite3":
        return []
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        hint = f"Use a Python with SQLite {needed} or newer, or PostgreSQL (DATABASE_URL)."
        return [Error(f"SQLite {sqlite3.sqlite_version} is too old.", hint=hint, id="mundap.E002")]
    kind = filesystem_kind(Path(database["NAME"]).parent)
    if kind in _NETWORK_FILESYSTEMS:
        hint = "Put MUNDAP_HOME on a local disk, or use PostgreSQL (DATABASE_URL)."
        text = f"The SQLite file {database['NAME']} lies on a network filesystem ({kind}): a risk."
        return [Error(text, hint=hint, id="mundap.E003")]
    return []


@register(CHECKS)
def parts_are_known(app_configs: Apps, **_options: object) -> list[CheckMessage]:  # noqa: ARG001 - Django's shape
    """Broker, chat model and index engine name something that exists here."""
    from assistant.ingest.indexing import known_engines  # noqa: PLC0415 - needs loaded apps

    found: list[CheckMessage] = []
    scheme = urlsplit(settings.CELERY_BROKER_URL).scheme
    if scheme not in BROKER_SCHEMES:
        hint = f"Known: {', '.join(f'{known}://' for known in BROKER_SCHEMES)}."
        found.append(Error(f"MUNDAP_BROKER_URL: unknown kind '{scheme}'.", hint=hint, id="mundap.E004"))
    for name, kind, known in (
        ("MUNDAP_EMBEDDER", settings.MUNDAP_EMBEDDER[0], EMBEDDERS),
        ("MUNDAP_RERANKER", settings.MUNDAP_RERANKER, RERANKERS),
        ("MUNDAP_CHAT_MODEL", settings.MUNDAP_CHAT_MODEL, CHAT_MODELS),
        ("MUNDAP_INDEX_ENGINE", settings.MUNDAP_INDEX_ENGINE, known_engines()),
    ):
        if kind not in known:
            hint = f"Known: {', '.join(sorted(known))}."
            found.append(Error(f"{name}: unknown kind '{kind}'.", hint=hint, id="mundap.E005"))
    complete = _is_web(settings.MUNDAP_CHAT_URL) and bool(settings.MUNDAP_CHAT_MODEL_NAME)
    if settings.MUNDAP_CHAT_MODEL == "openai-compatible" and not complete:
        hint = "Set MUNDAP_CHAT_URL (http:// or https://, up to and with /v1) and MUNDAP_CHAT_MODEL_NAME."
        text = "MUNDAP_CHAT_MODEL=openai-compatible does not say which model on which server."
        found.append(Error(text, hint=hint, id="mundap.E006"))
    complete = bool(settings.MUNDAP_CHAT_MODEL_NAME and settings.MUNDAP_CHAT_API_KEY)
    found_by = settings.MUNDAP_CHAT_REGION and not settings.MUNDAP_CHAT_URL  # Amazon's own address there
    somewhere = bool(found_by) or _is_web(settings.MUNDAP_CHAT_URL)
    if settings.MUNDAP_CHAT_MODEL == "bedrock" and not (complete and somewhere):
        hint = (
            "Set MUNDAP_CHAT_REGION, or MUNDAP_CHAT_URL (https://bedrock-runtime.REGION.amazonaws.com), and "
            "_MODEL_NAME and _API_KEY."
        )
        text = "MUNDAP_CHAT_MODEL=bedrock does not say which model in which region, or has no key."
        found.append(Error(text, hint=hint, id="mundap.E006"))
    folder = settings.MUNDAP_CHAT_MODEL_NAME
    if settings.MUNDAP_CHAT_MODEL == "transformers" and not (folder and Path(folder).expanduser().is_dir()):
        hint = "Name the folder of a causal language model; nothing is fetched at run time."
        found.append(Error(f"MUNDAP_CHAT_MODEL_NAME: no folder '{folder}'.", hint=hint, id="mundap.E006"))
    return found


@register(CHECKS)
def search_models_are_there(app_configs: Apps, **_options: object) -> list[CheckMessage]:  # noqa: ARG001 - Django's shape
    """Embedder, reranker and entailment model are a folder of this machine, or say which server has them."""
    kind, model = settings.MUNDAP_EMBEDDER
    found: list[CheckMessage] = []
    for name, on_server, wanted, url, what in (
        (
            "EMBEDDER",
            kind in ON_SERVERS,
            model,
            settings.MUNDAP_EMBEDDER_URL,
            "a sentence-transformers model",
        ),
        (
            "RERANKER",
            settings.MUNDAP_RERANKER in ON_SERVERS,
            settings.MUNDAP_RERANKER_MODEL,
            settings.MUNDAP_RERANKER_URL,
            "a cross-encoder",
        ),
        ("ENTAILMENT", False, settings.MUNDAP_ENTAILMENT_MODEL, "", "an entailment model"),
    ):
        if on_server and not (wanted and _is_web(url)):
            hint = f"Set MUNDAP_{name}_URL (http:// or https://, up to and with /v1) and MUNDAP_{name}_MODEL."
            text = f"MUNDAP_{name} does not say which model on which server."
            found.append(Error(text, hint=hint, id="mundap.E006"))
        elif not on_server and wanted and not Path(wanted).expanduser().is_dir():
            hint = f"Name the folder of {what}, or leave it empty; nothing is fetched at run time."
            found.append(Error(f"MUNDAP_{name}_MODEL: no folder {wanted}.", hint=hint, id="mundap.E006"))
    for name in ("EMBEDDER", "RERANKER", "CHAT"):
        file = getattr(settings, f"MUNDAP_{name}_CA_BUNDLE")
        if file and not Path(file).is_file():
            hint = "Name a file of certificates in PEM form, or leave it empty for the system's authorities."
            found.append(Error(f"MUNDAP_{name}_CA_BUNDLE: no file {file}.", hint=hint, id="mundap.E012"))
    return found


@register(CHECKS)
def leaked_passwords_are_there(app_configs: Apps, **_options: object) -> list[CheckMessage]:  # noqa: ARG001 - Django's shape
    """The file of leaked passwords, if one is named: without it nobody could choose a password."""
    file = settings.MUNDAP_BREACHED_PASSWORDS
    if not file or Path(file).is_file():
        return []
    hint = "Name the file of Have I Been Pwned's hashes, ordered by hash, or leave it empty."
    return [Error(f"MUNDAP_BREACHED_PASSWORDS: no file {file}.", hint=hint, id="mundap.E015")]


def _is_web(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


@register(CHECKS)
def exposure_is_safe(app_configs: Apps, **_options: object) -> list[CheckMessage]:  # noqa: ARG001 - Django's shape
    """What is reachable from other machines is neither in debug mode nor in the clear."""
    found: list[CheckMessage] = []
    if weakness := exposure.weakness_of_key(settings.SECRET_KEY):
        hint = "Remove it to have one made in MUNDAP_HOME, or set a longer random one."
        found.append(Error(f"MUNDAP_SECRET_KEY {weakness}.", hint=hint, id="mundap.E007"))
    place = exposure.reached_at()
    if not place:
        return found
    if settings.DEBUG:
        hint = "Remove MUNDAP_DEBUG, or let only this machine in (MUNDAP_HOST=127.0.0.1, no other names)."
        text = f"MUNDAP_DEBUG shows internals to everybody who reaches {place}."
        found.append(Error(text, hint=hint, id="mundap.E008"))
    if not settings.SECURE_SSL_REDIRECT:
        hint = "Put a proxy with TLS in front and set MUNDAP_HTTPS=1."
        text = f"Passwords travel in the clear: other machines reach {place} without HTTPS."
        found.append(Warning(text, hint=hint, id="mundap.W001"))
    if all(is_loopback(host.strip("[]")) for host in settings.ALLOWED_HOSTS):
        hint = "Set MUNDAP_ALLOWED_HOSTS to the names by which people reach this server."
        text = "Only this machine's own names are allowed: everybody else gets an error page."
        found.append(Warning(text, hint=hint, id="mundap.W002"))
    if "*" in settings.ALLOWED_HOSTS:
        hint = "Set MUNDAP_ALLOWED_HOSTS to the names by which people reach this server."
        found.append(
            Warning("MUNDAP_ALLOWED_HOSTS=* accepts forged host names.", hint=hint, id="mundap.W003")
        )
    return found


@register(CHECKS)
def nothing_is_outside(app_configs: Apps, **_options: object) -> list[CheckMessage]:  # noqa: ARG001 - Django's shape
    """In local-only mode the models of the environment are inside."""
    from assistant.config.outside import outside_in_environment  # noqa: PLC0415 - needs loaded apps

    return outside_in_environment()


def _outside_in_console() -> Iterator[CheckMessage]:
    from assistant.config.outside import outside_in_console  # noqa: PLC0415 - needs loaded apps

    return outside_in_console()


def filesystem_kind(folder: Path, *, mounts: Path = Path("/proc/self/mounts")) -> str:
    """The kind of the filesystem that holds `folder` ("ext4", "nfs4"); empty where that is not known."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place = os.path.realpath(folder)
    best, kind = "", ""
    for line in lines:
        _device, point, this_kind, *_rest = line.split(" ")
        point = point.replace("\\040", " ")  # how the kernel writes a blank
        inside = place == point or place.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, this_kind
    return kind
