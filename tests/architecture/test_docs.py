"""The written pages and the code name the same things."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote

import pytest

from assistant.accounts.revisions import Counter
from assistant.config import env
from assistant.guardrails.checks.registry import CHECKS
from assistant.index.registry import ENGINES
from assistant.ingest.parsers.registry import PARSERS
from assistant.providers.registry import CHAT_MODELS, EMBEDDERS, ENTAILMENTS, RERANKERS
from assistant.sync.models import RunKind, RunState
from connectors.registry import KINDS, connector_kind
from connectors.sdk.access_file import parse_access
from connectors.sdk.config import validate
from connectors.sources.filesystem.groups_file import read_groups
from connectors.sources.jsonl.connector import JsonlConnector

REPOSITORY = Path(__file__).resolve().parents[2]
KIND_PAGES = [REPOSITORY / "connectors" / "sources" / kind / "README.md" for kind in KINDS]
PAGES = [*sorted(REPOSITORY.glob("*.md")), REPOSITORY / "docker" / "README.md", *KIND_PAGES]
NAMES = [str(page.relative_to(REPOSITORY)) for page in PAGES]

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
SPAN = re.compile(r"`([^`\n]+)`")
VARIABLE = re.compile(r"\b(?:MUNDAP|DATABASE)_[A-Z_]*[A-Z]\b")
# A path is what begins with one of our folders, or is a file at the root.
PATH = re.compile(r"(?:assistant|connectors|docker|static|templates|tests|\.ci)/[\w./*-]*")
ROOT_FILE = re.compile(
    r"[A-Z]+\.md|\.[a-z]+\.example|\.importlinter|Makefile|manage\.py|[a-z-]+\.(?:txt|toml)"
)
# Of the Docker page: read by the compose file, and not by Mundap.
COMPOSE_VARIABLES = {"MUNDAP_SECRETS", "MUNDAP_DOCUMENTS"}
# Files that a reader makes, and the connector of the recipe.
MADE_BY_READERS = {"ana.txt", "connectors/sources/wiki/"}


def text_of(page: Path | str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def prose_of(page: Path | str) -> str:
    """The page without its code blocks."""
    return FENCE.sub("", text_of(page))


def blocks(page: Path | str, language: str) -> Iterator[str]:
    """The code blocks of one language."""
    for _, named, body in FENCE.findall(text_of(page)):
        if named == language:
            yield body


def spans(page: Path | str) -> set[str]:
    """What stands in backticks outside code blocks."""
    return set(SPAN.findall(prose_of(page)))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code forges make them."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def settings_read() -> set[str]:
    """Every variable that the program takes from its environment."""
    commands = REPOSITORY / "assistant" / "config" / "management" / "commands"
    files = [Path(env.__file__), *commands.glob("*.py")]
    quoted = re.compile(r'"((?:MUNDAP|DATABASE)_[A-Z_]+)"')
    return {name for file in files for name in quoted.findall(file.read_text(encoding="utf-8"))}


def settings_described() -> set[str]:
    return set(re.findall(r"^#([A-Z_]+)=", text_of(".env.example"), flags=re.MULTILINE))


FOR_DEVELOPERS = {"makemessages"}


def commands() -> set[str]:
    """Our management commands as a person types them, without those for who changes Mundap."""
    found = (REPOSITORY / "assistant").glob("*/management/commands/*.py")
    return {file.stem.replace("_", "-") for file in found if file.stem != "__init__"} - FOR_DEVELOPERS


def test_every_page_of_the_house_is_there() -> None:
    expected = {
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "DECISIONS.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "ASVS.md",
        "CONTROLS.md",
    }
    assert expected <= set(NAMES)
    assert "Apache License" in text_of("LICENSE")
    assert "Copyright 2026 Mundap contributors" in text_of("LICENSE")


@pytest.mark.parametrize("name", NAMES)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    page = REPOSITORY / name
    for link in LINK.findall(prose_of(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name} links to {link}, which is not there"
        assert not anchor or anchor in anchors(target), f"{name}: {link} names no heading"


@pytest.mark.parametrize("name", NAMES)
def test_every_path_that_is_named_exists(name: str) -> None:
    for span in sorted(spans(name)):
        for word in span.split():
            is_path = PATH.fullmatch(word) or ROOT_FILE.fullmatch(word)
            if not is_path or word in MADE_BY_READERS or (REPOSITORY / name).parent.joinpath(word).exists():
                continue
            found = list(REPOSITORY.glob(word)) if "*" in word else [REPOSITORY / word]
            assert any(path.exists() for path in found), f"{name} names {word}, which is not there"


def test_every_setting_is_described_in_the_example_file() -> None:
    assert len(settings_read()) > 10
    assert settings_read() == settings_described()


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_that_a_page_names_exists(name: str) -> None:
    known = settings_described() | COMPOSE_VARIABLES
    for variable in VARIABLE.findall(text_of(name)):
        if not variable.startswith("MUNDAP_TEST_"):
            assert variable.removesuffix("_FILE") in known, f"{name} names {variable}, which nothing reads"


def test_the_variables_of_the_tests_are_described() -> None:
    read = {"MUNDAP_TEST_DATABASE_URL", "MUNDAP_TEST_REDIS_URL"}
    assert read == set(re.findall(r"MUNDAP_TEST_[A-Z_]+[A-Z]", text_of(".ci/run")))
    assert read <= set(VARIABLE.findall(text_of("CONTRIBUTING.md")))


def test_every_command_stands_in_the_table_of_the_readme() -> None:
    table = re.findall(r"^\| `([a-z-]+)[ `]", text_of("README.md"), flags=re.MULTILINE)
    assert set(table) == commands()


def test_every_command_that_a_page_types_exists() -> None:
    known = commands() | FOR_DEVELOPERS
    for name in NAMES:
        for typed in re.findall(r"manage\.py ([a-z][a-z-]+)", text_of(name)):
            assert typed in known, f"{name} types manage.py {typed}"


def test_every_option_of_our_commands_is_in_the_readme() -> None:
    readme = text_of("README.md")
    for file in (REPOSITORY / "assistant").glob("*/management/commands/*.py"):
        for option in re.findall(r'add_argument\(\s*"(--[a-z-]+)"', file.read_text(encoding="utf-8")):
            assert option in readme, f"{file.stem} has {option}, which README.md does not name"


def test_every_make_target_that_a_page_types_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), flags=re.MULTILINE))
    for name in NAMES:
        code = "\n".join([*spans(name), *blocks(name, "sh")])
        for target in re.findall(r"(?:^|\s)make ([a-z-]+)", code):
            assert target in targets, f"{name} types make {target}"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_source_has_its_page_with_every_setting(kind: str) -> None:
    page = f"connectors/sources/{kind}/README.md"
    assert (REPOSITORY / page).is_file()
    for field in connector_kind(kind).fields:
        assert f"`{field.name}`" in text_of(page), f"{page} does not describe {field.name}"
    assert f"({page})" in text_of("README.md")
    assert kind in spans("ARCHITECTURE.md")


def test_every_format_is_named() -> None:
    map_of_parts = prose_of("ARCHITECTURE.md")
    for name in PARSERS:
        assert f".{name}" in spans("README.md"), name
        assert re.search(rf"registry\.py.*\b{name}\b", map_of_parts), name


@pytest.mark.parametrize("registry", [CHECKS, EMBEDDERS, RERANKERS, ENTAILMENTS, CHAT_MODELS, ENGINES])
def test_every_part_of_a_registry_is_on_the_map(registry: dict[str, str]) -> None:
    assert registry
    assert set(registry) <= spans("ARCHITECTURE.md")


def test_the_choices_of_models_are_in_the_example_file() -> None:
    for name in (*EMBEDDERS, *CHAT_MODELS):
        assert re.search(rf"^# What .*\b{name}\b", text_of(".env.example"), flags=re.MULTILINE), name


def test_every_package_has_its_place_on_the_map() -> None:
    rows = set(
        re.findall(r"^\|[^|]*\| `assistant/([a-z]+)/`", text_of("ARCHITECTURE.md"), flags=re.MULTILINE)
    )
    packages = {file.parent.name for file in (REPOSITORY / "assistant").glob("*/__init__.py")}
    assert rows == packages


def test_states_kinds_of_runs_and_counters_are_on_the_map() -> None:
    runs = text_of("ARCHITECTURE.md").partition("\n## Runs\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z_]+)` \|", runs, flags=re.MULTILINE) == RunState.values
    assert {*RunKind.values, *(counter.value for counter in Counter)} <= spans("ARCHITECTURE.md")


def test_every_recipe_names_its_registry() -> None:
    recipes = spans("CONTRIBUTING.md")
    for module in (
        "connectors.registry",
        "assistant.ingest.parsers.registry",
        "assistant.providers.registry",
        "assistant.guardrails.checks.registry",
        "assistant.index.registry",
    ):
        file = import_module(module).__file__
        assert file is not None
        assert str(Path(file).relative_to(REPOSITORY)) in recipes


def test_decisions_are_numbered_and_say_what_would_reopen_them() -> None:
    parts = re.split(r"^### ", text_of("DECISIONS.md"), flags=re.MULTILINE)[1:]
    numbers = [int(part.partition(".")[0]) for part in parts]
    assert numbers == list(range(1, len(parts) + 1))
    for part in parts:
        assert "*Reopens:*" in part, part.splitlines()[0]


def test_the_examples_of_the_readme_are_understood_by_the_code(tmp_path: Path) -> None:
    access, groups, record = blocks("README.md", "json")
    rules = parse_access(json.loads(access), name="readme", everyone=False)
    assert not rules.hidden
    assert set(rules.clauses) == {"handbook/", "hr/"}
    groups_file = tmp_path / "groups.json"
    groups_file.write_text(groups, encoding="utf-8")
    assert {found.group for found in read_groups(groups_file)} == {"staff", "hr"}
    lines = tmp_path / "lines.jsonl"
    lines.write_text(record, encoding="utf-8")
    kinds = [type(event).__name__ for event in JsonlConnector(path=lines, everyone=False).documents()]
    assert kinds[0] == "Upsert"
    assert "Failure" not in kinds


def test_the_source_that_the_readme_adds_is_a_valid_one() -> None:
    typed = re.search(r"--kind (\w+) --name \w+ --config \\\n\s*'(\{.*?\})'", text_of("README.md"))
    assert typed is not None
    config, _ = validate(connector_kind(typed[1]), config=json.loads(typed[2]), secrets={})
    assert set(config) == {"root", "access_file", "groups_file"}


def test_the_questions_of_the_readme_are_questions_of_the_demo() -> None:
    lines = text_of("assistant/demo/questions.jsonl").splitlines()
    asked = {json.loads(line)["question"] for line in lines if line}
    shown = {
        span
        for span in (unicodedata.normalize("NFC", found) for found in spans("README.md"))
        if span.endswith("?")
    }
    assert len(shown) >= 3
    assert shown <= asked
