"""What a source's settings make of what it reports: rules, enrichment, an audience."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.acl import PUBLIC, parse_acl
from assistant.common.errors import UsageError
from assistant.common.types import Json
from assistant.documents.models import Chunk, Document, Embedding, Hidden
from assistant.sync.enrichment import parse_enrichment
from assistant.sync.globs import compiled
from assistant.sync.rules import LeftOut, parse_rules
from assistant.sync.source_settings import SourceSettings, change_settings
from connectors.sdk.contract import Upsert
from tests.conftest import SmallWorld
from tests.connectors.conformance import lets_in
from tests.sync.scripted import document
from tests.sync.watching import Work, found


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.pdf", "plan.pdf", True),
        ("*.pdf", "hr/plan.pdf", False),
        ("**/*.pdf", "hr/2026/plan.pdf", True),
        ("**/*.pdf", "plan.pdf", True),
        ("hr/**", "hr/a/b.txt", True),
        ("hr/**", "hrx/a.txt", False),
        ("hr/?.txt", "hr/a.txt", True),
        ("hr/?.txt", "hr/ab.txt", False),
        ("a.b", "axb", False),
        ("메모/*", "메모/회의록.txt", True),
        ("(x)[y]+", "(x)[y]+", True),
    ],
)
def test_patterns_fit_paths(pattern: str, path: str, fits: bool) -> None:
    assert compiled(pattern).fits(path) == fits


@given(st.text(alphabet="ab/.[](){}^$+|\\", min_size=1, max_size=30))
def test_a_pattern_without_wildcards_fits_itself_alone(text: str) -> None:
    assert compiled(text).fits(text)
    assert not compiled(text).fits(text + "x")


PIECES = st.lists(st.sampled_from(["**/", "**", "*", "?", "a", "b", "/"]), max_size=7).map("".join)


def fits_by_trying(pattern: str, path: str) -> bool:
    """An independent reading of the rules: every way to share the path out among the wildcards."""
    if not pattern:
        return not path
    for wildcard, rest in (("**/", pattern[3:]), ("**", pattern[2:]), ("*", pattern[1:])):
        if not pattern.startswith(wildcard):
            continue
        if wildcard == "**/":
            folders = [n + 1 for n, character in enumerate(path) if character == "/"]
            return any(fits_by_trying(rest, path[n:]) for n in [0, *folders])
        ends = range(len(path) + 1)
        return any(fits_by_trying(rest, path[n:]) for n in ends if wildcard == "**" or "/" not in path[:n])
    fits = bool(path) and (path[0] != "/" if pattern[0] == "?" else path[0] == pattern[0])
    return fits and fits_by_trying(pattern[1:], path[1:])


@given(pattern=PIECES, path=st.text(alphabet="ab/", max_size=9))
def test_patterns_fit_what_a_plain_reading_of_the_rules_fits(pattern: str, path: str) -> None:
    assert compiled(pattern).fits(path) == fits_by_trying(pattern, path)


def test_a_pattern_of_many_wildcards_comes_to_an_end_on_a_long_path() -> None:
    assert not compiled("**a" * 100).fits("a" * 1024 + "b")


def test_rules_say_why_a_document_is_left_out() -> None:
    rules = parse_rules(
        {"include": ["docs/**"], "exclude": ["**/draft*"], "types": [".PDF", "txt"], "max_bytes": 100}
    )

    def why(external_id: str, size: int | None = 1) -> LeftOut | None:
        return rules.leaves_out(external_id=external_id, name="", size=size)

    assert why("docs/a.pdf") is None
    assert why("docs/a.txt", None) is None
    assert why("other/a.pdf") is LeftOut.NOT_INCLUDED
    assert why("docs/draft-a.pdf") is LeftOut.EXCLUDED
    assert why("docs/a.exe") is LeftOut.TYPE
    assert why("docs/a.pdf", 101) is LeftOut.SIZE


@pytest.mark.parametrize(
    "rules",
    [
        [],
        {"includes": []},
        {"include": "docs"},
        {"include": [""]},
        {"exclude": [1]},
        {"max_bytes": 0},
        {"max_bytes": True},
        {"include": ["x" * 501]},
    ],
)
def test_rules_that_are_not_understood_are_refused(rules: Json) -> None:
    with pytest.raises(UsageError):
        parse_rules(rules)


def test_enrichment_maps_sets_deletes_derives_and_drops() -> None:
    enrichment = parse_enrichment(
        {"title": "subject"},
        [
            {"when": [{"field": "path", "matches": "^hr/"}], "set": {"department": "HR"}},
            {"derive": {"year": {"from": "path", "pattern": r"(20\d\d)"}}, "delete": ["secret_code"]},
            {"when": [{"field": "status", "equals": "draft"}], "drop": True},
        ],
    )
    made = document("hr/2026/plan.txt", "text")
    attributes: dict[str, Json] = {"subject": "The plan", "secret_code": "x", "status": "final"}
    enriched = enrichment.apply(_with(made, attributes))
    assert enriched is not None
    assert enriched.title == "The plan"
    assert dict(enriched.attributes) == {
        "subject": "The plan",
        "status": "final",
        "department": "HR",
        "year": "2026",
    }
    assert enrichment.apply(_with(made, {"status": "draft"})) is None
    assert dict(made.attributes) == {}


def _with(upsert: Upsert, attributes: dict[str, Json]) -> Upsert:
    return replace(upsert, attributes=attributes)


@pytest.mark.parametrize(
    "rules",
    [
        [{}],
        [{"when": []}],
        [{"sets": {}}],
        [{"when": [{"field": "path"}], "drop": True}],
        [{"when": [{"field": "path", "matches": "("}], "drop": True}],
        [{"derive": {"year": "path"}}],
        [{"drop": "yes"}],
        "drop",
    ],
)
def test_enrichment_that_is_not_understood_is_refused(rules: Json) -> None:
    with pytest.raises(UsageError):
        parse_enrichment({}, rules)


def settings(world: SmallWorld, **values: object) -> None:
    change_settings(
        source_id=world.source_id,
        settings=SourceSettings(**values),  # type: ignore[arg-type]
        actor="ada",
    )


def test_a_rule_hides_at_once_what_it_leaves_out_and_brings_it_back_when_it_goes(
    small_world: SmallWorld,
) -> None:
    settings(small_world, rules={"exclude": ["handbook"]})
    small_world.sync()
    assert Document.objects.get(external_id="handbook").hidden == Hidden.REMOVED
    assert "handbook" not in found(small_world.viewer("ann"), "handbook")
    settings(small_world)
    small_world.sync()
    assert Document.objects.get(external_id="handbook").hidden == Hidden.NO


def test_enrichment_describes_what_is_there_anew_and_embeds_nothing(
    small_world: SmallWorld, work: Work
) -> None:
    vectors = Embedding.objects.count()
    settings(small_world, enrichment=[{"set": {"department": "Yard"}}])
    run = small_world.sync()
    assert (run.updated, run.added) == (6, 0)
    assert {row.attributes.get("department") for row in Document.objects.all()} == {"Yard"}
    assert (work.embedded, Embedding.objects.count()) == ([], vectors)
    assert small_world.sync().unchanged == 6


def test_an_audience_limits_everything_and_never_widens(small_world: SmallWorld) -> None:
    passages = Chunk.objects.count()
    settings(small_world, audience=["user:bob@example.com"])
    small_world.sync()
    small_world.sync("permissions")
    assert "open" not in found(small_world.viewer("sam"), "visitors gate")
    assert "handbook" not in found(small_world.viewer("ann"), "handbook")
    assert "open" in found(small_world.viewer("bob"), "visitors gate")
    assert "merger" not in found(small_world.viewer("bob"), "merger"), "he is denied there"
    assert Chunk.objects.count() == passages
    settings(small_world)
    small_world.sync("permissions")
    assert "open" in found(small_world.viewer("sam"), "visitors gate")


def test_a_narrower_audience_counts_before_any_run_and_for_lists_that_cannot_be_read(
    small_world: SmallWorld,
) -> None:
    assert "open" in found(small_world.viewer("sam"), "visitors gate")
    settings(small_world, audience=["user:bob@example.com"])
    assert "open" not in found(small_world.viewer("sam"), "visitors gate")
    assert "open" in found(small_world.viewer("bob"), "visitors gate")
    assert "merger" not in found(small_world.viewer("bob"), "merger"), "he is denied there"
    assert "handbook" not in found(small_world.viewer("ann"), "handbook")
    settings(small_world, audience=["user:sam@example.com"])
    assert "open" not in found(small_world.viewer("bob"), "visitors gate")
    assert "open" not in found(small_world.viewer("sam"), "visitors gate"), "nobody gains before a run"
    small_world.sync("permissions")
    assert "open" in found(small_world.viewer("sam"), "visitors gate")
    assert "open" not in found(small_world.viewer("bob"), "visitors gate")


@pytest.mark.parametrize(
    "values",
    [
        {"cron": "every day"},
        {"cron": "0 0 30 2 *"},
        {"cron": "* * * * * *"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../etc/passwd"},
        {"audience": ["ann@example.com"]},
        {"error_budget_percent": 0},
        {"max_deleted_percent": 101},
        {"rate_per_second": -1},
        {"rules": {"include": 7}},
    ],
)
def test_settings_that_cannot_be_are_refused_and_nothing_changes(
    small_world: SmallWorld, values: dict[str, object]
) -> None:
    from assistant.sync.models import Source  # noqa: PLC0415

    before = Source.objects.values().get()
    with pytest.raises(UsageError):
        settings(small_world, **values)
    assert Source.objects.values().get() == before


def test_the_oracle_agrees_that_an_audience_is_one_more_clause() -> None:
    from assistant.sync.models import Source  # noqa: PLC0415
    from assistant.sync.treatment import treatment_of  # noqa: PLC0415

    treatment = treatment_of(Source(audience=["user:bob@example.com"]))
    limited = treatment.acl(PUBLIC)
    bob = parse_acl({"allow": ["user:bob@example.com"]}).clauses[0].entries[0].principal
    assert lets_in(limited, bob)
    assert not lets_in(limited)
    assert treatment.acl(None) is None
    assert treatment.acl(parse_acl({"all": []})) == parse_acl({"all": []})
