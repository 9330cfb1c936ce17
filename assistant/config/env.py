"""The environment, read once into typed values.

Infrastructure and secrets come from here; an organisation's policy lives in the
database. `NAME_FILE` names a file that holds the value of `NAME`, for secrets
that a container platform mounts. Every variable is described in `.env.example`.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from assistant.common.errors import UsageError
from assistant.common.network import Block, parse_networks

if TYPE_CHECKING:
    from dj_database_url import DBConfig

REPOSITORY = Path(__file__).resolve().parents[2]
_ORIGIN = re.compile(
    r"(?:https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|http://(?:localhost|127\.0\.0\.1))(?::\d{1,5})?"
)
_API_ADDRESS = re.compile(
    r"(?:https://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|http://(?:localhost|127\.0\.0\.1|\[::1\]))"
    r"(?::\d{1,5})?(?:/[A-Za-z0-9._~/-]*)?"
)
_MIB, _A_MILLION = 1024 * 1024, 1_000_000
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME = re.compile(rf"(?![\d.]+\Z){_LABEL}(?:\.{_LABEL})*")
_WIDEST_IPV4, _WIDEST_IPV6 = 8, 7
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


@dataclass(frozen=True, slots=True)
class Environment:
    """All that the process takes from its environment."""

    home: Path
    secret_key: str = field(repr=False)
    secret_key_fallbacks: tuple[str, ...] = field(repr=False)
    debug: bool
    allowed_hosts: tuple[str, ...]
    trusted_origins: tuple[str, ...]
    embed_origins: tuple[str, ...]
    https: bool
    trusted_proxies: tuple[str, ...]
    session_idle_s: int
    session_longest_s: int
    require_second_factor: str
    breached_passwords: str
    local_sign_in: str
    password_length: int
    host: str
    port: int
    database_url: str = field(repr=False)  # both may hold a password
    broker_url: str = field(repr=False)
    embedder: str
    embedder_model: str
    embedder_url: str
    embedder_api_key: str = field(repr=False)
    embedder_dimensions: int
    embedder_question_prompt: str
    embedder_passage_prompt: str
    embedder_version: str
    embedder_ca_file: str
    reranker: str
    reranker_model: str
    reranker_url: str
    reranker_api_key: str = field(repr=False)
    reranker_ca_file: str
    entailment_model: str
    index_engine: str
    chat_model: str
    chat_url: str
    chat_model_name: str
    chat_api_key: str = field(repr=False)
    chat_tokens: int
    chat_silence_s: int
    chat_ca_file: str
    chat_region: str
    slack_api_url: str
    max_file_bytes: int
    parse_seconds: int
    questions_per_minute: int  # of these, 0: as many as they like
    requests_per_minute: int
    key_requests_per_minute: int
    pushes_per_minute: int
    upload_files_per_day: int
    upload_bytes_per_day: int
    person_files_bytes: int
    push_bytes_per_day: int
    least_free_bytes: int
    least_free_percent: int
    permission_max_age_s: int
    allowed_networks: tuple[Block, ...]
    local_only: bool
    local_networks: tuple[Block, ...]
    local_names: tuple[str, ...]
    keep_days: tuple[int, int, int]  # conversations, files, usage figures; 0: for good
    log_level: str
    demo: bool


def read_environment(environ: Mapping[str, str] = os.environ) -> Environment:
    """Typed values with their defaults.

    Raises:
        UsageError: a value has the wrong type, or a `_FILE` cannot be read.
    """
    home = Path(_text(environ, "MUNDAP_HOME", str(REPOSITORY / "var"))).expanduser().resolve()
    secret_key = _text(environ, "MUNDAP_SECRET_KEY", "")
    own_keys = () if secret_key else _own_secret_keys(home)
    return Environment(
        home=home,
        secret_key=secret_key or own_keys[0],
        secret_key_fallbacks=(*_text(environ, "MUNDAP_SECRET_KEY_FALLBACKS", "").split(), *own_keys[1:]),
        debug=_flag(environ, "MUNDAP_DEBUG"),
        allowed_hosts=_list(environ, "MUNDAP_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"),
        trusted_origins=_list(environ, "MUNDAP_TRUSTED_ORIGINS", ""),
        embed_origins=_origins(environ, "MUNDAP_EMBED_ORIGINS"),
        https=_flag(environ, "MUNDAP_HTTPS"),
        trusted_proxies=_proxies(environ, "MUNDAP_TRUSTED_PROXIES", "127.0.0.1,::1"),
        session_idle_s=_number(environ, "MUNDAP_SESSION_IDLE_HOURS", 24, low=1, high=720) * 3600,
        session_longest_s=_number(environ, "MUNDAP_SESSION_LONGEST_HOURS", 168, low=1, high=2160) * 3600,
        require_second_factor=_one_of(
            environ, "MUNDAP_REQUIRE_SECOND_FACTOR", ("administrators", "everyone", "nobody")
        ),
        breached_passwords=_text(environ, "MUNDAP_BREACHED_PASSWORDS", ""),
        local_sign_in=_one_of(environ, "MUNDAP_LOCAL_SIGN_IN", ("everyone", "emergency")),
        password_length=_number(environ, "MUNDAP_PASSWORD_LENGTH", 10, low=8, high=64),
        host=_text(environ, "MUNDAP_HOST", "127.0.0.1"),
        port=_number(environ, "MUNDAP_PORT", 8000, low=1, high=65535),
        database_url=_text(environ, "DATABASE_URL", f"sqlite:///{home / 'mundap.sqlite3'}"),
        broker_url=_text(environ, "MUNDAP_BROKER_URL", "filesystem://"),
        embedder=_text(environ, "MUNDAP_EMBEDDER", "sentence-transformers"),
        embedder_model=_text(environ, "MUNDAP_EMBEDDER_MODEL", ""),
        embedder_url=_text(environ, "MUNDAP_EMBEDDER_URL", ""),
        embedder_api_key=_text(environ, "MUNDAP_EMBEDDER_API_KEY", ""),
        embedder_dimensions=_number(environ, "MUNDAP_EMBEDDER_DIMENSIONS", 0, low=0, high=65_536),
        embedder_question_prompt=_text(environ, "MUNDAP_EMBEDDER_QUESTION_PROMPT", ""),
        embedder_passage_prompt=_text(environ, "MUNDAP_EMBEDDER_PASSAGE_PROMPT", ""),
        embedder_version=_text(environ, "MUNDAP_EMBEDDER_VERSION", ""),
        embedder_ca_file=_text(environ, "MUNDAP_EMBEDDER_CA_BUNDLE", ""),
        reranker=_text(environ, "MUNDAP_RERANKER", "cross-encoder"),
        reranker_model=_text(environ, "MUNDAP_RERANKER_MODEL", ""),
        reranker_url=_text(environ, "MUNDAP_RERANKER_URL", ""),
        reranker_api_key=_text(environ, "MUNDAP_RERANKER_API_KEY", ""),
        reranker_ca_file=_text(environ, "MUNDAP_RERANKER_CA_BUNDLE", ""),
        entailment_model=_text(environ, "MUNDAP_ENTAILMENT_MODEL", ""),
        index_engine=_text(environ, "MUNDAP_INDEX_ENGINE", "local"),
        chat_model=_text(environ, "MUNDAP_CHAT_MODEL", "extractive"),
        chat_url=_text(environ, "MUNDAP_CHAT_URL", ""),
        chat_model_name=_text(environ, "MUNDAP_CHAT_MODEL_NAME", ""),
        chat_api_key=_text(environ, "MUNDAP_CHAT_API_KEY", ""),
        chat_tokens=_number(environ, "MUNDAP_CHAT_TOKENS", 1_024, low=64, high=100_000),
        chat_silence_s=_number(environ, "MUNDAP_CHAT_SILENCE_SECONDS", 60, low=1, high=600),
        chat_ca_file=_text(environ, "MUNDAP_CHAT_CA_BUNDLE", ""),
        chat_region=_text(environ, "MUNDAP_CHAT_REGION", ""),
        slack_api_url=_api_address(environ, "MUNDAP_SLACK_API_URL", "https://slack.com/api/"),
        max_file_bytes=_number(environ, "MUNDAP_MAX_FILE_MB", 50, low=1, high=4096) * 1024 * 1024,
        parse_seconds=_number(environ, "MUNDAP_PARSE_SECONDS", 60, low=1, high=3600),
        questions_per_minute=_number(environ, "MUNDAP_QUESTIONS_PER_MINUTE", 20, low=0, high=_A_MILLION),
        requests_per_minute=_number(environ, "MUNDAP_REQUESTS_PER_MINUTE", 600, low=0, high=_A_MILLION),
        key_requests_per_minute=_number(
            environ, "MUNDAP_KEY_REQUESTS_PER_MINUTE", 300, low=0, high=_A_MILLION
        ),
        pushes_per_minute=_number(environ, "MUNDAP_PUSHES_PER_MINUTE", 3_000, low=0, high=_A_MILLION),
        upload_files_per_day=_number(environ, "MUNDAP_UPLOAD_FILES_PER_DAY", 200, low=0, high=_A_MILLION),
        upload_bytes_per_day=_number(environ, "MUNDAP_UPLOAD_MB_PER_DAY", 1_000, low=0, high=_A_MILLION)
        * _MIB,
        person_files_bytes=_number(environ, "MUNDAP_PERSON_FILES_MB", 1_000, low=0, high=_A_MILLION) * _MIB,
        push_bytes_per_day=_number(environ, "MUNDAP_PUSH_MB_PER_DAY", 20_000, low=0, high=_A_MILLION) * _MIB,
        least_free_bytes=_number(environ, "MUNDAP_LEAST_FREE_MB", 1_000, low=0, high=_A_MILLION) * _MIB,
        least_free_percent=_number(environ, "MUNDAP_LEAST_FREE_PERCENT", 2, low=0, high=50),
        permission_max_age_s=_number(environ, "MUNDAP_PERMISSION_MAX_AGE_HOURS", 168, low=1, high=8760)
        * 3600,
        allowed_networks=_networks(environ, "MUNDAP_ALLOWED_NETWORKS"),
        local_only=_flag(environ, "MUNDAP_LOCAL_ONLY"),
        local_networks=_local_networks(environ, "MUNDAP_LOCAL_NETWORKS"),
        local_names=_names(environ, "MUNDAP_LOCAL_NAMES"),
        keep_days=(
            _number(environ, "MUNDAP_KEEP_CONVERSATIONS_DAYS", 0, low=0, high=36_500),
            _number(environ, "MUNDAP_KEEP_FILES_DAYS", 0, low=0, high=36_500),
            _number(environ, "MUNDAP_KEEP_USAGE_DAYS", 0, low=0, high=36_500),
        ),
        log_level=_text(environ, "MUNDAP_LOG_LEVEL", "INFO").upper(),
        demo=_flag(environ, "MUNDAP_DEMO", "1"),
    )


def secrets_of(environment: Environment) -> tuple[str, ...]:
    """All in it that opens something."""
    addresses = (environment.database_url, environment.broker_url)
    return (
        environment.secret_key,
        *environment.secret_key_fallbacks,
        environment.embedder_api_key,
        environment.reranker_api_key,
        environment.chat_api_key,
        *(password for address in addresses for password in _passwords(address)),
    )


def database_settings(url: str) -> DBConfig:
    """What Django is told of the database.

    Raises:
        UsageError: this is no address of a database. What it holds is not repeated: a password may be in it.
    """
    import dj_database_url  # noqa: PLC0415 - needs Django, which the question for health does without

    try:
        return dj_database_url.parse(url)
    except Exception:  # noqa: BLE001 - whatever it says repeats parts of the address
        raise UsageError(
            "DATABASE_URL is no address of a database. Write it like "
            "postgresql://USER:PASSWORD@HOST:5432/NAME; signs such as # / ? @ in it as %23, %2F, %3F, %40."
        ) from None


def _passwords(address: str) -> tuple[str, ...]:
    """As it is written and as it is sent."""
    _, _, rest = address.partition("://")
    user, at, _ = rest.rpartition("@")
    _, colon, password = user.partition(":")
    return (password, unquote(password)) if at and colon else ()


def _text(environ: Mapping[str, str], name: str, default: str) -> str:
    if name in environ:
        return environ[name]
    file = environ.get(f"{name}_FILE")
    if file is None:
        return default
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        # Whoever put the secret itself there reads that it is no path, and nobody reads the secret.
        told = file if file.startswith(("/", "./", "../")) else "what it names"
        raise UsageError(
            f"{name}_FILE: {told} cannot be read ({why}). It takes the path of a file."
        ) from None
    except ValueError:
        raise UsageError(f"{name}_FILE names no file. Give the path of a file.") from None


def _flag(environ: Mapping[str, str], name: str, default: str = "") -> bool:
    value = _text(environ, name, default).lower()
    if value in _TRUE | _FALSE:
        return value in _TRUE
    raise UsageError(f"{name} must be 1 or 0, not '{value}'.")


def _number(environ: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    value = _text(environ, name, str(default))
    if value.isascii() and value.isdigit() and low <= int(value) <= high:
        return int(value)
    raise UsageError(f"{name} must be a whole number from {low} to {high}, not '{value}'.")


def _one_of(environ: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    """One of these words; the first where nothing is said."""
    value = _text(environ, name, known[0]).strip().lower()
    if value in known:
        return value
    raise UsageError(f"{name} must be one of {', '.join(known)}, not '{value}'.")


def _origins(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Origins whose pages are ours to trust: over https, each by its own name."""
    found = _list(environ, name, "")
    for origin in found:
        if not _ORIGIN.fullmatch(origin):
            raise UsageError(
                f"{name}: '{origin}' is no origin. Name sites like https://portal.example.com, separated by"
                " commas, without a path or *."
            )
    return found


def _api_address(environ: Mapping[str, str], name: str, default: str) -> str:
    """An address that tokens are sent to: over https, or on this machine. It ends with a slash."""
    value = _text(environ, name, default).strip() or default
    if not _API_ADDRESS.fullmatch(value):
        raise UsageError(
            f"{name}: '{value[:80]}' is no address for tokens. Write https://HOST/PATH/; http only for"
            " localhost, 127.0.0.1 and [::1]."
        )
    return value if value.endswith("/") else f"{value}/"


def _list(environ: Mapping[str, str], name: str, default: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in _text(environ, name, default).split(",") if part.strip())


def _proxies(environ: Mapping[str, str], name: str, default: str) -> tuple[str, ...]:
    """Addresses and networks whose word about the address of others counts."""
    named = _list(environ, name, default)
    for one in named:
        try:
            ipaddress.ip_network(one)
        except ValueError as error:
            raise UsageError(f"{name}: '{one}' is no address and no network such as 10.0.0.0/8.") from error
    return named


def _networks(environ: Mapping[str, str], name: str) -> tuple[Block, ...]:
    try:
        return parse_networks(_text(environ, name, ""))
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from error


def _local_networks(environ: Mapping[str, str], name: str) -> tuple[Block, ...]:
    """Networks of one house: so wide a one that it holds half the internet is a slip."""
    found = _networks(environ, name)
    for block in found:
        if block.prefixlen < (_WIDEST_IPV4 if block.version == 4 else _WIDEST_IPV6):  # noqa: PLR2004 - IPv4
            raise UsageError(
                f"{name}: {block} is wider than any house. Name your own networks: /{_WIDEST_IPV4} (IPv6:"
                f" /{_WIDEST_IPV6}) or narrower."
            )
    return found


def _names(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Names of machines or domains, in lower case and without dots around them."""
    found = tuple(each.lower().strip(".") for each in _list(environ, name, ""))
    for each in found:
        if not _NAME.fullmatch(each):
            raise UsageError(
                f"{name}: '{each[:80]}' is no name of a machine or domain. Write for example"
                " corp.example.com, postgres (all below a name counts with it; no * and no address)."
            )
    return found


def _own_secret_keys(home: Path) -> tuple[str, ...]:
    """The installation's own key, made on the first start and readable by its owner only.

    One line of the file is one key: the first seals, those below it only open what they once sealed.
    """
    file = home / "secret.key"
    try:
        if found := file.read_text(encoding="ascii").split():
            return tuple(found)
        raise UsageError(f"{file} is empty. Put the key of this installation back from a backup.")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read ({error.strerror}). Check the owner of MUNDAP_HOME."
        ) from error
    try:
        home.mkdir(parents=True, exist_ok=True)
        draft = home / f".secret.key.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_urlsafe(64))
        try:
            os.link(draft, file)  # fails if another process was first, and then its key counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise UsageError(
            f"The folder {home} cannot be written ({error.strerror}). "
            "Set MUNDAP_HOME to a folder that this user may write."
        ) from error
    return tuple(file.read_text(encoding="ascii").split())
