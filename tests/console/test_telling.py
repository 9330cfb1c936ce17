"""What went wrong is read in the reader's language, whatever the database holds of it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from assistant.accounts.models import User
from assistant.common.errors import FailureCode, UsageError
from assistant.common.told import restored, said, told
from assistant.common.types import Json
from assistant.console.telling import in_words
from assistant.sync.detail import kept_detail, storable
from assistant.sync.doubts import record_failure
from assistant.sync.enrichment import parse_enrichment
from assistant.sync.models import RunFailure, RunState, Source, SyncRun
from connectors.sdk.contract import Failure
from tests.common.test_told import JSON
from tests.conftest import SmallWorld

CAUSE = told("There is no bucket '{bucket}'. Check its name; nothing was deleted.", bucket="<b>잡지</b>")
DETAIL = told(
    "The groups file '{name}' {error}. Mend it and sync again.",
    name="groups.json",
    error=told("is larger than {limit} bytes", limit=7),
)


@pytest.fixture
def page(client: Client, people: dict[str, User], small_world: SmallWorld) -> str:
    """The page of a source whose run failed, with a document that failed."""
    client.force_login(people["ada"])
    run = SyncRun.objects.latest("pk")
    SyncRun.objects.filter(pk=run.pk).update(state=RunState.FAILED, code="source_gone", **kept_detail(CAUSE))
    RunFailure.objects.create(run=run, external_id="alpha", code="unreadable", **kept_detail(DETAIL))
    return reverse("console:source", args=[small_world.source_id])


def test_a_korean_reader_reads_korean_and_an_english_one_english(client: Client, page: str) -> None:
    korean = client.get(page, headers={"accept-language": "ko"}).content.decode()
    assert "&#x27;&lt;b&gt;잡지&lt;/b&gt;&#x27; 버킷이 없습니다. 이름을 확인하십시오." in korean
    assert "그룹 파일 &#x27;groups.json&#x27;: 7바이트보다 큼. 고친 뒤 다시 동기화하십시오." in korean
    assert "There is no bucket" not in korean
    assert "is larger than" not in korean
    english = client.get(page, headers={"accept-language": "en"}).content.decode()
    assert (
        "There is no bucket &#x27;&lt;b&gt;잡지&lt;/b&gt;&#x27;. Check its name; nothing was deleted."
        in english
    )
    assert (
        "The groups file &#x27;groups.json&#x27; is larger than 7 bytes. Mend it and sync again." in english
    )


@pytest.mark.parametrize(
    ("state", "cause", "korean"),
    [
        (
            RunState.CANCELLED,
            told("Cancelled by {actor}.", actor="ada@example.com"),
            "ada@example.com 계정이 취소했습니다.",
        ),
        (
            RunState.SUCCEEDED_WITH_ERRORS,
            told("Run {number} has listed the source anew.", number=7),
            "7번 실행이 소스의 목록을 새로 읽었습니다.",
        ),
    ],
)
def test_how_a_run_ended_without_failing_is_told_among_the_runs(
    client: Client, page: str, state: RunState, cause: str, korean: str
) -> None:
    SyncRun.objects.update(state=state, code="", **kept_detail(cause))
    runs = client.get(page, headers={"accept-language": "ko"}).content.decode().split("지난 실행")[1]
    assert korean in runs
    runs = client.get(page, headers={"accept-language": "en"}).content.decode().split("Earlier runs")[1]
    assert cause in runs


def test_a_row_of_an_older_release_shows_its_text(client: Client, page: str) -> None:
    SyncRun.objects.update(detail="Written long ago.", detail_parts=None)
    RunFailure.objects.update(detail="Also long ago.", detail_parts={"template": "", "values": [1]})
    text = client.get(page, headers={"accept-language": "ko"}).content.decode()
    assert "Written long ago." in text
    assert "Also long ago." in text


@pytest.mark.parametrize(
    ("rule", "korean", "english"),
    [
        ({"set": []}, "규칙 2: set과", "Rule 2: set and derive"),
        ({"delete": [7]}, "규칙 2: delete: 텍스트여야 합니다.", "Rule 2: delete must be a text."),
        (
            {"derive": {"a": {"from": "path", "pattern": 7}}},
            "규칙 2: 패턴: 텍스트여야 합니다.",
            "Rule 2: a pattern must be a text.",
        ),
    ],
)
def test_a_rule_for_attributes_that_cannot_be_is_named_in_the_readers_language(
    rule: Json, korean: str, english: str
) -> None:
    with pytest.raises(UsageError) as refused:
        parse_enrichment({}, [{"delete": ["a"]}, rule])
    assert str(refused.value).startswith(english)
    with override("ko"):
        assert in_words(said(refused.value)).startswith(korean)


def test_a_doubt_that_is_noted_twice_is_told_whole(small_world: SmallWorld) -> None:
    run = SyncRun.objects.latest("pk")
    SyncRun.objects.filter(pk=run.pk).update(state=RunState.RUNNING)
    first = Failure("a", FailureCode.BAD_RECORD, told("The path {problem}. Rename it.", problem="x"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("assistant.sync.doubts.hold", lambda _pk: None)
        record_failure(run, run.source.connection, first)
        record_failure(run, run.source.connection, Failure("a", FailureCode.BAD_RECORD, DETAIL, hide=True))
    row = RunFailure.objects.get(external_id="a")
    with override("ko"):
        words = in_words(restored(row.detail, row.detail_parts))
    assert words == (
        "경로: x. 이름을 바꾸십시오. 그룹 파일 'groups.json': 7바이트보다 큼. 고친 뒤 다시 동기화하십시오."
    )


@given(kept=JSON | st.fixed_dictionaries({"template": st.text(), "values": st.dictionaries(st.text(), JSON)}))
def test_no_stored_parts_break_a_page(kept: Json) -> None:
    with override("ko"):
        assert isinstance(in_words(restored("the text", kept)), str)


@pytest.mark.parametrize(
    "template",
    ["Unknown to the catalogue: {bucket}.", "{bucket.__class__}", "{bucket!r:>999}", "", "{other}: {x}"],
)
def test_a_template_that_no_catalogue_knows_shows_the_text(template: str) -> None:
    with override("ko"):
        kept: Json = {"template": template, "values": {"bucket": "b"}}
        assert in_words(restored("the whole text", kept)) == "the whole text"


def test_a_value_that_is_missing_shows_the_text() -> None:
    with override("ko"):
        assert in_words(restored("the text", {"template": CAUSE.template, "values": {}})) == "the text"


def test_what_is_stored_is_bounded_and_clean_in_both_forms() -> None:
    row = kept_detail(told("The path {problem}. Rename it.", problem="a\nb\0" + "긴" * 5_000))
    assert len(row["detail"]) <= 2_000
    assert "\0" not in str(row)
    with override("ko"):
        words = in_words(restored(row["detail"], row["detail_parts"]))
    assert words.startswith("경로: a b\\u0000긴")
    assert len(words) < 2_100
    assert storable("a\tb") == "a b"


def test_choices_are_shown_by_their_labels_and_stored_as_they_are(
    client: Client, page: str, small_world: SmallWorld
) -> None:
    address = reverse("console:source-new-kind", args=["sftp"])
    korean = client.get(address, headers={"accept-language": "ko"}).content.decode()
    assert '<option value="mode" >서버의 소유자, 그룹, 모드</option>' in korean
    english = client.get(address, headers={"accept-language": "en"}).content.decode()
    assert '<option value="mode" >Owner, group and mode on the server</option>' in english


def test_the_summary_calls_values_by_their_names(client: Client, page: str, small_world: SmallWorld) -> None:
    kept = Source.objects.get(pk=small_world.source_id)
    kept.config = {**kept.config, "audience": "everyone"}
    kept.save(update_fields=["config"])
    assert (
        "로그인할 수 있는 모든 사람" in client.get(page, headers={"accept-language": "ko"}).content.decode()
    )
    assert "Everyone who can sign in" in client.get(page, headers={"accept-language": "en"}).content.decode()
    assert Source.objects.get(pk=kept.pk).config["audience"] == "everyone"


def test_only_a_source_that_is_being_added_asks_who_sees_it_at_first(
    client: Client, page: str, small_world: SmallWorld
) -> None:
    there = client.get(
        reverse("console:source-settings", args=[small_world.source_id]), headers={"accept-language": "en"}
    )
    assert "Who may see it" in there.content.decode()
    assert "at first" not in there.content.decode()
    typed = {"name": "more", "setting-path": str(small_world.file)}
    begun = client.post(reverse("console:source-new-kind", args=["jsonl"]), typed)
    token = begun.headers["Location"].strip("/").split("/")[-2]
    added = client.get(reverse("console:draft-plan", args=[token]), headers={"accept-language": "en"})
    assert "Who may see it at first?" in added.content.decode()
