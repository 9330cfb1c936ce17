"""The longest prefix allows, every deny counts, and whatever is not understood hides."""

from __future__ import annotations

import json
import time
import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from assistant.common.acl import EVERYONE, PrincipalRef, group, user
from assistant.common.types import Json, JsonObject
from connectors.sdk.access_file import AccessRules, parse_access, read_access_file
from tests.connectors.conformance import lets_in

FORMS: tuple[Literal["NFC"], Literal["NFD"]] = ("NFC", "NFD")
ANA, BOB, STAFF, HR = user("ana@example.com"), user("bob@example.com"), group("staff"), group("hr")


def entry(principal: PrincipalRef, access: str = "ALLOW") -> dict[str, Json]:
    return {"Name": principal.id, "Type": principal.kind.value.upper(), "Access": access}


def item(prefix: Json, *entries: Json) -> dict[str, Json]:
    return {"keyPrefix": prefix, "aclEntries": list(entries)}


def rules(*items: Json, everyone: bool = False) -> AccessRules:
    return parse_access(list(items), name="access.json", everyone=everyone)


def visible(found: AccessRules, path: str, *principals: PrincipalRef) -> bool:
    return lets_in(found.acl_of(path), *principals)


def test_what_no_entry_covers_nobody_sees() -> None:
    found = rules(item("hr/", entry(ANA)))
    assert visible(found, "hr/a.pdf", ANA)
    assert not visible(found, "finance/d.pdf", ANA)


def test_an_audience_opens_only_what_no_entry_covers() -> None:
    found = rules(item("hr/", entry(ANA)), everyone=True)
    assert visible(found, "finance/d.pdf", BOB)
    assert not visible(found, "hr/a.pdf", BOB)


def test_the_longest_prefix_alone_says_who_is_let_in() -> None:
    found = rules(item("hr/", entry(HR)), item("hr/public/", entry(STAFF)))
    assert visible(found, "hr/public/b.pdf", STAFF)
    assert not visible(found, "hr/public/b.pdf", HR)
    assert visible(found, "hr/a.pdf", HR)


def test_a_deny_of_a_shorter_prefix_still_counts_below_a_longer_one() -> None:
    found = rules(
        item("hr/", entry(HR), entry(BOB, "DENY")),
        item("hr/public/", entry(STAFF)),
        item("hr/public/bob.pdf", entry(BOB)),
    )
    assert visible(found, "hr/public/b.pdf", STAFF)
    assert not visible(found, "hr/public/b.pdf", BOB, STAFF)
    assert not visible(found, "hr/public/bob.pdf", BOB)
    assert visible(rules(item("hr/public/", entry(BOB))), "hr/public/b.pdf", BOB)


def test_a_deny_of_the_root_counts_everywhere_that_a_prefix_covers() -> None:
    found = rules(item("", entry(BOB, "DENY"), entry(STAFF)), item("handbook/", entry(STAFF)))
    assert not visible(found, "handbook/a.pdf", BOB, STAFF)
    assert visible(found, "handbook/a.pdf", STAFF)


def test_a_deny_of_a_prefix_that_ends_inside_a_name_counts_for_the_longer_name_too() -> None:
    found = rules(item("hr", entry(BOB, "DENY")), item("hrx/", entry(STAFF)))
    assert not visible(found, "hrx/c.pdf", BOB, STAFF)
    assert visible(found, "hrx/c.pdf", STAFF)


@pytest.mark.parametrize("order", [1, -1])
def test_a_deny_beats_an_allow_in_whatever_order_they_stand(order: int) -> None:
    found = rules(item("hr/", *[entry(HR), entry(BOB, "DENY")][::order]))
    assert not visible(found, "hr/a.pdf", BOB, HR)
    assert visible(found, "hr/a.pdf", HR)


def test_one_prefix_in_two_items_is_one_item_and_its_deny_still_wins() -> None:
    found = rules(item("hr/", entry(HR)), item("s3://bucket/hr/", entry(BOB, "DENY"), entry(ANA)))
    assert visible(found, "hr/a.pdf", HR)
    assert visible(found, "hr/a.pdf", ANA)
    assert not visible(found, "hr/a.pdf", HR, BOB)


def test_a_prefix_that_ends_inside_a_name_opens_nothing_and_still_protects() -> None:
    found = rules(item("hr", entry(HR)))
    assert visible(found, "hr/a.pdf", HR)
    assert not visible(found, "hrx/c.pdf", HR)
    protected = rules(item("hr", entry(HR)), everyone=True)
    assert visible(protected, "hrx/c.pdf", HR)
    assert not visible(protected, "hrx/c.pdf", BOB)


def test_a_single_file_can_have_an_entry_and_letters_keep_their_case() -> None:
    found = rules(item("hr/a.pdf", entry(ANA)))
    assert visible(found, "hr/a.pdf", ANA)
    assert not visible(found, "HR/a.pdf", ANA)
    assert not visible(found, "hr/a.pdf.bak", ANA)


def test_an_empty_list_lets_nobody_in() -> None:
    found = rules(item("hr/"), item("", entry(ANA)))
    assert not visible(found, "hr/a.pdf", ANA)
    assert visible(found, "b.pdf", ANA)


@pytest.mark.parametrize("head", ["s3://bucket/", "S3://bucket/", "/", "./", "/./", "", "s3://bucket//"])
def test_heads_of_prefixes_are_ignored(head: str) -> None:
    assert visible(rules(item(head + "hr/", entry(ANA))), "hr/a.pdf", ANA)


def test_composed_and_decomposed_korean_names_are_the_same_name() -> None:
    composed, decomposed = (unicodedata.normalize(form, "인사/급여.xlsx") for form in FORMS)
    for folder, path in ((composed, decomposed), (decomposed, composed)):
        prefix = folder.partition("/")[0] + "/"
        assert not visible(rules(item(prefix, entry(ANA)), everyone=True), path, BOB)
        assert visible(rules(item(prefix, entry(ANA))), path, ANA)


def test_many_broken_items_do_not_slow_down_the_sound_ones() -> None:
    broken: list[Json] = [{"keyPrefix": f"broken-{number}/"} for number in range(20_000)]
    found = rules(item("hr/", entry(ANA)), *broken, everyone=True)
    started = time.monotonic()
    for number in range(2_000):
        assert visible(found, f"hr/{number}.pdf", ANA)
        assert not visible(found, f"broken-{number}/{number}.pdf", ANA)
    assert time.monotonic() - started < 2


BROKEN_ITEMS: dict[str, Json] = {
    "no entries": {"keyPrefix": "hr/"},
    "entries null": {"keyPrefix": "hr/", "aclEntries": None},
    "entries an object": {"keyPrefix": "hr/", "aclEntries": {}},
    "an unknown key": {**item("hr/", entry(ANA)), "aclEntry": []},
    "an entry is a text": item("hr/", "ana"),
    "a key is missing": item("hr/", {"Name": "ana@example.com", "Type": "USER"}),
    "a key too many": item("hr/", {**entry(ANA), "Expires": "2020-01-01"}),
    "unknown Access": item("hr/", entry(ANA, "Allow")),
    "unknown Type": item("hr/", {"Name": "ana@example.com", "Type": "user", "Access": "ALLOW"}),
    "Type of no text": item("hr/", {"Name": "ana@example.com", "Type": ["USER"], "Access": "ALLOW"}),
    "bad e-mail": item("hr/", {"Name": "ana", "Type": "USER", "Access": "ALLOW"}),
    "empty group": item("hr/", {"Name": " ", "Type": "GROUP", "Access": "ALLOW"}),
    "Name of no text": item("hr/", {"Name": 5, "Type": "GROUP", "Access": "ALLOW"}),
    "a star": item("hr/*", entry(ANA)),
    "an empty step": item("hr//a/", entry(ANA)),
    "a dot step": item("hr/./a/", entry(ANA)),
}


@pytest.mark.parametrize("broken", BROKEN_ITEMS.values(), ids=BROKEN_ITEMS.keys())
def test_a_broken_item_hides_its_whole_prefix_and_nothing_else(broken: Json) -> None:
    wide = item("", entry(ANA))
    found = rules(wide, broken, item("hr/public/", entry(ANA)), everyone=True)
    for path in ("hr/a.pdf", "hr/public/b.pdf", "hr/a/b/c.pdf"):
        assert not visible(found, path, ANA)
    assert visible(found, "plan.pdf", ANA)
    [problem] = found.hidden
    assert problem.prefix == "hr/"
    assert "access.json" in problem.reason
    assert "item 2" in problem.reason


@pytest.mark.parametrize(
    "broken",
    [
        "hr/", 5, None, {}, {"aclEntries": []}, item(None), item(5), item(["hr/"]), item("../hr/"),
        item("hr/../x/"),
        item(" hr/"), item("hr\n/"), item("s3://hr"), item("s3:hr/"), item("https://host/hr/"), item("\\hr"),
    ],
)  # fmt: skip
def test_an_item_whose_prefix_is_not_understood_hides_everything(broken: Json) -> None:
    found = rules(item("", entry(ANA)), broken, everyone=True)
    assert not visible(found, "plan.pdf", ANA)
    assert [problem.prefix for problem in found.hidden] == [""]


def test_prefixes_of_two_buckets_hide_everything() -> None:
    found = rules(item("s3://one/hr/", entry(ANA)), item("s3://two/hr/", entry(BOB)), everyone=True)
    assert not visible(found, "hr/a.pdf", ANA)
    assert not visible(found, "plan.pdf", ANA)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not JSON"),
        (b"[\n {\n", "line 3"),
        (b"{}", "must be a list"),
        (b"null", "must be a list"),
        (b'"[]"', "must be a list"),
        (b"\xff\xfe[", "not UTF-8"),
        (b"[" * 100_000, "deeply"),
        (b'[{"keyPrefix": "a/", "keyPrefix": "", "aclEntries": []}]', "twice"),
        (b'[{"keyPrefix": "", "aclEntries": [], "n": NaN}]', "NaN"),
        (b'[{"keyPrefix": "\\ud800", "aclEntries": []}]', "surrogate"),
        (b"[" + b"9" * 10_000 + b"]", "not JSON"),
        (b'["' + b"a" * 16_000_001 + b'"]', "larger than"),
    ],
)
def test_a_file_that_cannot_be_read_hides_everything(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "access.json"
    path.write_bytes(content)
    found = read_access_file(path, everyone=True)
    assert not visible(found, "plan.pdf", ANA)
    [problem] = found.hidden
    assert problem.prefix == ""
    assert says in problem.reason
    assert "access.json" in problem.reason


def test_a_missing_access_file_and_a_folder_in_its_place_hide_everything(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.json", tmp_path):
        assert not visible(read_access_file(path, everyone=True), "plan.pdf", ANA)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "access.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([item("hr/", entry(ANA))]).encode())
    assert visible(read_access_file(path, everyone=False), "hr/a.pdf", ANA)


# --- properties -------------------------------------------------------------

PREFIXES = ["", "h", "hr", "hr/", "hr/a", "hr/a/", "hr/a/b.txt", "hrx/", "인사", "인사/", "x.txt"]
PATHS = [
    "x.txt",
    "hr",
    "hr/x.txt",
    "hr/a",
    "hr/a/b.txt",
    "hr/ab.txt",
    "hrx/c.txt",
    "인사/급여.txt",
    "인사팀.txt",
]
PEOPLE = [ANA, BOB, STAFF, HR]
VIEWERS = [(ANA,), (BOB,), (ANA, STAFF), (BOB, STAFF, HR), (BOB, HR)]

entries = st.builds(entry, st.sampled_from(PEOPLE), st.sampled_from(["ALLOW", "DENY"]))
heads = st.sampled_from(["", "/", "s3://bucket/", "./"])
items = st.builds(
    lambda head, prefix, listed: item(head + prefix, *listed),
    heads,
    st.sampled_from(PREFIXES),
    st.lists(entries, max_size=4),
)
files = st.lists(items, max_size=6)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([*PREFIXES, "ALLOW", "USER"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text() | st.sampled_from(["keyPrefix", "aclEntries", "Name", "Type", "Access"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def oracle(listed: list[JsonObject], path: str, viewer: tuple[PrincipalRef, ...], *, everyone: bool) -> bool:
    """The documented rules, written down a second time from their words."""

    def reading(covers_as: str) -> bool:
        covering: dict[int, list[JsonObject]] = {}
        for each in listed:
            prefix = str(each["keyPrefix"])
            for head in ("s3://bucket/", "./", "/"):
                prefix = prefix[len(head) :] if prefix.startswith(head) else prefix
            folder = prefix in (path, "") or path.startswith(prefix.rstrip("/") + "/")
            if path.startswith(prefix) and (covers_as == "string" or folder):
                found = each["aclEntries"]
                assert isinstance(found, list)
                covering.setdefault(len(prefix), []).extend(found)
        if not covering:
            return everyone
        names = {(principal.kind.value.upper(), principal.id) for principal in viewer}
        said = {
            (each["Access"], length)
            for length, found in covering.items()
            for each in found
            if (each["Type"], each["Name"]) in names
        }
        return ("ALLOW", max(covering)) in said and all(access != "DENY" for access, _ in said)

    return reading("string") and reading("folder")


@settings(max_examples=300, deadline=None)
@given(files, st.booleans())
def test_the_rules_agree_with_an_independent_reading(listed: list[JsonObject], everyone: bool) -> None:
    found = rules(*listed, everyone=everyone)
    assert found.hidden == ()
    for path in PATHS:
        for viewer in VIEWERS:
            expected = oracle(listed, path, viewer, everyone=everyone)
            assert visible(found, path, *viewer) == expected, (path, viewer)


@settings(max_examples=300, deadline=None)
@given(json_values, st.booleans())
def test_random_json_never_raises_and_only_entries_grant(value: Json, everyone: bool) -> None:
    found = parse_access(value, name="access.json", everyone=everyone)
    for path in PATHS:
        found.acl_of(path)
        if not everyone:
            assert not visible(found, path, ANA) or "ana@example.com" in json.dumps(value)
    if not isinstance(value, list):
        assert not visible(found, "x.txt", ANA, EVERYONE)


@st.composite
def broken_files(draw: st.DrawFn) -> tuple[list[JsonObject], list[Json]]:
    """A sound file, and the same with one thing in it made meaningless."""
    sound: list[JsonObject] = list(draw(st.lists(items, min_size=1, max_size=6)))
    broken: list[Json] = list(sound)
    n = draw(st.integers(0, len(sound) - 1))
    listed = sound[n]["aclEntries"]
    assert isinstance(listed, list)
    nonsense = draw(json_values)
    where = draw(st.sampled_from(["item", "prefix", "list", "entry", "access", "type", "name", "gone"]))
    if where == "item":
        assume(not isinstance(nonsense, dict))
        broken[n] = nonsense
    elif where == "prefix":
        assume(not isinstance(nonsense, str))
        broken[n] = {**sound[n], "keyPrefix": nonsense}
    elif where == "list":
        assume(not isinstance(nonsense, list))
        broken[n] = {**sound[n], "aclEntries": nonsense}
    else:
        assume(listed)
        m = draw(st.integers(0, len(listed) - 1))
        assume(nonsense not in ("ALLOW", "DENY", "USER", "GROUP") and not isinstance(nonsense, str))
        changed: Json = nonsense
        if where == "gone":
            changed = {key: listed[m][key] for key in ("Name", "Type")}
        elif where != "entry":
            changed = {**listed[m], where.title(): nonsense}
        else:
            assume(not isinstance(nonsense, dict))
        broken[n] = {**sound[n], "aclEntries": [*listed[:m], changed, *listed[m + 1 :]]}
    return sound, broken


@settings(max_examples=300, deadline=None)
@given(broken_files(), st.booleans())
def test_breaking_one_thing_never_shows_anything_to_anybody_new(
    both: tuple[list[JsonObject], list[Json]], everyone: bool
) -> None:
    sound, broken = (rules(*each, everyone=everyone) for each in both)
    assert broken.hidden
    for path in PATHS:
        for viewer in VIEWERS:
            assert visible(sound, path, *viewer) or not visible(broken, path, *viewer)
