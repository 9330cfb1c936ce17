"""What the run on PostgreSQL leaves out never asks the database, but for the stories that are named."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
_MARK = re.compile(r"\bmark\.django_db\b|\bDATABASE_URL\b=")
_DATABASE = frozenset({"db", "transactional_db", "django_db_blocker", "django_db_setup"})
Function = ast.FunctionDef | ast.AsyncFunctionDef


def named(variable: str) -> list[str]:
    """The words of a variable of the Makefile."""
    makefile = (TESTS.parent / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    [words] = re.findall(rf"^{variable} = (.*)$", makefile, re.MULTILINE)
    return list(words.split())


def left_out() -> list[Path]:
    """The files with tests or fixtures among what the Makefile names."""
    places = [TESTS / name for name in named("WITHOUT_DATABASE")]
    folders = [each for place in places if place.is_dir() for each in sorted(place.rglob("*.py"))]
    files = [each for each in folders if each.name == "conftest.py" or each.name.startswith("test_")]
    return files + [place for place in places if place.suffix == ".py"]


def functions(file: Path) -> list[Function]:
    """Every function of a module, those of its classes too."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def taken(function: Function) -> set[str]:
    """The names of a function's arguments: of a test or a fixture, what it needs."""
    return {each.arg for each in (*function.args.args, *function.args.kwonlyargs)}


def fixtures(file: Path) -> dict[str, set[str]]:
    """What each fixture of a module needs."""
    return {
        each.name: taken(each)
        for each in functions(file)
        if any("fixture" in ast.unparse(decorator) for decorator in each.decorator_list)
    }


def fixtures_with_database(file: Path) -> set[str]:
    """The fixtures in reach of a test file that need the database, themselves or by others."""
    known: dict[str, set[str]] = {}
    for folder in reversed([each for each in file.parents if each.is_relative_to(TESTS)]):
        if (folder / "conftest.py").is_file():
            known |= fixtures(folder / "conftest.py")
    known |= fixtures(file)
    found = set(_DATABASE)
    while more := {name for name, needs in known.items() if needs & found} - found:
        found |= more
    return found


def asks(file: Path) -> list[str]:
    """The functions of a file that need the database, and its marks."""
    with_database = fixtures_with_database(file)
    return [each.name for each in functions(file) if taken(each) & with_database] + _MARK.findall(
        file.read_text(encoding="utf-8")
    )


def test_the_makefile_leaves_folders_and_single_files_out() -> None:
    files = left_out()
    assert len(files) > 60
    assert all(file.is_file() for file in files)


@pytest.mark.parametrize("file", left_out(), ids=lambda file: file.relative_to(TESTS).as_posix())
def test_a_file_that_is_left_out_never_asks_the_database(file: Path) -> None:
    """pytest-django refuses the database to every test that names neither the mark nor such a fixture."""
    assert asks(file) == []


@pytest.mark.parametrize("name", ["sync/test_engine.py", "sources/test_git.py", "web/test_pages.py"])
def test_a_file_that_asks_the_database_is_found_out(name: str) -> None:
    assert asks(TESTS / name)


def test_the_stories_that_are_left_out_are_stories_and_some_are_played() -> None:
    stories = {path.relative_to(TESTS).as_posix() for path in (TESTS / "sources").glob("test_*.py")}
    assert set(named("STORIES_TOLD_ONCE")) < stories
