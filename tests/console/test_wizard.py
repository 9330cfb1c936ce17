"""Adding a source in five steps: who may, what is refused where, and where secrets stay."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from assistant.accounts.door_models import SignedInSession
from assistant.accounts.models import Role, User
from assistant.sync import services
from assistant.sync.configuration import opened_secrets
from assistant.sync.models import Source, SyncRun
from connectors import registry
from tests.sync import sample_kind
from tests.sync.sample_kind import SECRET, let_go

STEPS = ("settings", "test", "preview", "plan")
HTMX = {"HX-Request": "true"}
TYPED = {
    "name": "Team wiki",
    "setting-address": "https://wiki.example",
    "setting-behaviour": "good",
    "setting-token": SECRET,
    "setting-account": "  reader ",
    "setting-query": "select\r\n1",
    "setting-starts": "a\r\n\r\n b \r\n",
    "setting-depth": "3",
    "setting-deep": "on",
}
PLAN = {"every": "week", "weekday": "1", "time": "03:30", "time_zone": "Asia/Seoul", "audience": "all"}


@pytest.fixture(autouse=True)
def _sample(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(registry.KINDS, "filesystem", sample_kind.PATH)
    monkeypatch.setattr(services, "wake", lambda run_id: None)
    let_go.clear()
    yield
    let_go.set()


@pytest.fixture
def ada(client: Client, people: dict[str, User]) -> Client:
    """The administrator's browser."""
    client.force_login(people["ada"])
    return client


def begun(browser: Client, **changed: str) -> str:
    """A draft with what is typed; returns its token."""
    response = browser.post(reverse("console:source-new-kind", args=["filesystem"]), {**TYPED, **changed})
    assert response.status_code == 302, response.content.decode()
    found = re.search(r"drafts/([\w-]+)/test/", response.headers["Location"])
    assert found
    return found[1]


def step(browser: Client, which: str, token: str, /, **typed: str) -> HttpResponse:
    """POST one step of a draft."""
    address = reverse(f"console:draft-{which}", args=[token])
    response: HttpResponse = browser.post(address, typed)  # type: ignore[assignment]
    return response


def test_every_kind_is_offered_under_a_heading(ada: Client) -> None:
    text = ada.get(reverse("console:source-new")).content.decode()
    for kind in registry.KINDS:
        assert reverse("console:source-new-kind", args=[kind]) in text
    assert "Sample" in text
    assert reverse("console:source-new") in ada.get(reverse("console:sources")).content.decode()
    assert ada.get(reverse("console:source-new-kind", args=["nonsense"])).status_code == 404


def test_the_form_is_drawn_from_the_declared_fields(ada: Client) -> None:
    text = ada.get(reverse("console:source-new-kind", args=["filesystem"])).content.decode()
    for field in sample_kind.FIELDS:
        assert f'name="setting-{field.name}"' in text
    assert re.search(r'type="url"\s+value=""', text)
    assert re.search(r'type="number"[^>]*min="1"\s+max="9"', text)
    assert '<details class="fold" >' in text  # the advanced secret is folded away
    strict, deep = (re.search(rf'id="setting-{name}"[^>]*>', text) for name in ("strict", "deep"))
    assert strict and "checked" in strict[0]  # noqa: PT018 - one thing
    assert deep and "checked" not in deep[0]  # noqa: PT018 - one thing
    assert "Moves of folders." in text
    assert "<h3>" in text  # the guide
    assert "style=" not in text


def test_what_is_typed_becomes_a_source_with_its_plan_and_first_run(ada: Client) -> None:
    token = begun(ada)
    assert "Everything works." in step(ada, "test", token).content.decode()
    rules = {"exclude": "**/03.md", "types": "md", "largest_mb": "5", "go": "on"}
    assert step(ada, "preview", token, **rules).headers["Location"].endswith(f"{token}/plan/")
    typed = {**PLAN, "audience": "limited", "people": "Ann@Example.com\ngroup:staff"}
    response = step(ada, "plan", token, **typed)
    source = Source.objects.get()
    assert response.headers["Location"] == reverse("console:source", args=[source.pk])
    assert source.connection.name == "Team wiki"
    assert source.config == {
        "address": "https://wiki.example",
        "behaviour": "good",
        "account": "reader",
        "query": "select\n1",
        "starts": ["a", "b"],
        "depth": 3,
        "deep": True,
        "strict": False,  # it was not ticked, although it stands ticked at first
    }
    assert opened_secrets(source) == {"token": SECRET}
    assert (source.cron, source.time_zone) == ("30 3 * * 1", "Asia/Seoul")
    assert source.audience == ["user:ann@example.com", "group:staff"]
    assert source.rules["exclude"] == ["**/03.md"]
    assert {"md", "markdown"} <= set(source.rules["types"])
    assert source.rules["max_bytes"] == 5_000_000
    run = SyncRun.objects.get()
    assert (run.kind, run.requested_by) == ("full", "ada@example.com")
    assert ada.get(reverse("console:draft-plan", args=[token])).status_code == 404  # the draft has gone


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("setting-address", "", "This is needed."),
        ("setting-address", "ftp://wiki.example", "begins with http://"),
        ("setting-address", "https://a:b@wiki.example", "without a password"),
        ("setting-token", "", "This is needed."),
        ("setting-behaviour", "nonsense", "Choose one from the list."),
        ("setting-folder", "etc", "it begins with /"),
        ("setting-depth", "12", "from 1 to 9"),
        ("setting-depth", "٣", "from 1 to 9"),
        ("setting-account", "a\x07b", "without control characters"),
        ("name", "  ", "Write a name"),
        ("name", "world", "already a source of this name"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_nothing_is_stored(
    ada: Client, field: str, typed: str, says: str
) -> None:
    if typed == "world":
        config = {"address": "https://wiki.example", "behaviour": "good"}
        services.add_source(kind="filesystem", name="world", config=config, secrets={"token": "x"})
    before = Source.objects.count()
    response = ada.post(reverse("console:source-new-kind", args=["filesystem"]), {**TYPED, field: typed})
    text = response.content.decode()
    assert response.status_code == 422
    wrong = re.search(rf'id="wrong-{field}".*?</p>', text, re.DOTALL)
    assert wrong
    assert says in wrong[0]
    assert text.count('id="wrong-') == 1
    assert SECRET not in text
    assert Source.objects.count() == before


def test_what_does_not_fit_together_is_told_before_the_test(ada: Client) -> None:
    response = ada.post(
        reverse("console:source-new-kind", args=["filesystem"]), {**TYPED, "setting-account": ""}
    )
    assert response.status_code == 422
    assert "To go deep, give an account." in response.content.decode()


def test_a_secret_waits_on_the_server_and_is_never_shown(ada: Client) -> None:
    token = begun(ada)
    pages = [ada.get(reverse(f"console:draft-{name}", args=[token])).content.decode() for name in STEPS]
    assert "Stored. Leave it empty to keep it." in pages[0]
    for name, typed in (("test", {}), ("preview", {}), ("plan", {"every": "cron"})):
        pages.append(step(ada, name, token, **typed).content.decode())
    assert SECRET not in "".join(pages)
    assert SECRET not in str([session.get_decoded() for session in SignedInSession.objects.all()])
    # An empty field keeps the secret, also through a mistake elsewhere.
    mistaken = {**TYPED, "setting-token": "", "setting-depth": "x"}
    assert step(ada, "settings", token, **mistaken).status_code == 422
    assert step(ada, "settings", token, **{**TYPED, "setting-token": ""}).status_code == 302
    assert "as 1 secrets" in step(ada, "test", token).content.decode()


def test_a_secret_typed_beside_a_mistake_need_not_be_typed_again(ada: Client) -> None:
    response = ada.post(
        reverse("console:source-new-kind", args=["filesystem"]), {**TYPED, "setting-depth": "x"}
    )
    text = response.content.decode()
    assert "Stored. Leave it empty to keep it." in text
    found = re.search(r'action="(/console/sources/drafts/[\w-]+/settings/)"', text)
    assert found
    assert ada.post(found[1], {**TYPED, "setting-token": ""}).status_code == 302


def test_the_test_begins_by_itself_and_says_what_does_not_work(ada: Client) -> None:
    token = begun(ada, **{"setting-behaviour": "half"})
    page = ada.get(reverse("console:draft-test", args=[token])).content.decode()
    assert 'hx-trigger="load"' in page
    fragment = ada.post(reverse("console:draft-test", args=[token]), headers=HTMX).content.decode()
    assert "<html" not in fragment
    assert "Not everything works yet." in fragment
    assert "The right to read is missing. Ask for it." in fragment
    assert "Continue all the same" in fragment
    refused = begun(ada, **{"setting-behaviour": "refuses"})
    assert "check its name and password" in step(ada, "test", refused).content.decode()


def test_a_preview_names_who_would_see_each_document_and_no_title(ada: Client) -> None:
    token = begun(ada)
    text = ada.post(reverse("console:draft-preview", args=[token]), headers=HTMX).content.decode()
    assert "handbook/<wbr>00.<wbr>pdf" in text
    for words in (
        "Everybody who can sign in",
        "Nobody: its permissions can’t be read",
        "bob@example.com",
        "staff",
        "and also",
    ):
        assert words in text
    assert "nobody may be shown" not in text
    ruled = ada.post(
        reverse("console:draft-preview", args=[token]), {"exclude": "handbook/00*"}, headers=HTMX
    ).content.decode()
    assert "No: a pattern leaves it out" in ruled
    assert ruled.count("data-out") == 1


def test_a_hostile_listing_is_shown_as_text(ada: Client) -> None:
    token = begun(ada, **{"setting-behaviour": "hostile"})
    text = step(ada, "preview", token).content.decode()
    assert "<script>" not in text.split('id="preview"')[1]
    assert "\u202e" not in text
    assert "broken <b>" not in text


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"every": "cron", "cron": "sometimes"}, "cron"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"audience": "limited", "people": ""}, "people"),
        ({"audience": "limited", "people": "ann@example.com\nthe boss"}, "people"),
    ],
)
def test_a_plan_that_cannot_be_is_told_at_its_field(ada: Client, typed: dict[str, str], field: str) -> None:
    response = step(ada, "plan", begun(ada), **{**PLAN, **typed})
    assert response.status_code == 422
    assert f'id="wrong-{field}"' in response.content.decode()
    assert Source.objects.count() == 0


def test_a_name_that_was_taken_meanwhile_starts_nothing(ada: Client) -> None:
    first, second = begun(ada), begun(ada)
    assert step(ada, "plan", first, **PLAN).status_code == 302
    response = step(ada, "plan", second, **PLAN)
    assert response.status_code == 422
    assert Source.objects.count() == SyncRun.objects.count() == 1


def test_the_next_three_times_are_shown_while_a_schedule_is_chosen(ada: Client) -> None:
    text = ada.post(reverse("console:source-next-times"), PLAN).content.decode()
    assert text.count("<li>") == 3
    assert "(Mon) 03:30 KST" in text
    assert (
        "only when somebody asks"
        in ada.post(reverse("console:source-next-times"), {**PLAN, "every": "never"}).content.decode()
    )


def test_a_draft_is_its_makers_alone(ada: Client, people: dict[str, User]) -> None:
    token = begun(ada)
    other = Client()
    other.force_login(User.objects.create_user("con@example.com", role=Role.CONTENT_ADMINISTRATOR))
    for name in STEPS:
        assert other.get(reverse(f"console:draft-{name}", args=[token])).status_code == 404
        assert step(other, name, token, **TYPED).status_code == 404
    # Nor does what is stored in one session open in another.
    session = other.session
    session["source_drafts"] = ada.session["source_drafts"]
    session.save()
    assert other.get(reverse("console:draft-test", args=[token])).status_code == 404


def test_a_draft_can_be_given_up_and_old_ones_go_by_themselves(ada: Client) -> None:
    tokens = [begun(ada, name=f"Wiki {n}") for n in range(6)]
    assert ada.get(reverse("console:draft-test", args=[tokens[0]])).status_code == 404
    assert ada.get(reverse("console:draft-test", args=[tokens[1]])).status_code == 200
    ada.post(reverse("console:draft-give-up", args=[tokens[5]]))
    assert ada.get(reverse("console:draft-test", args=[tokens[5]])).status_code == 404


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.AUDITOR, Role.SECURITY_ADMINISTRATOR])
def test_for_others_there_is_no_such_page(ada: Client, people: dict[str, User], role: Role) -> None:
    token = begun(ada)
    other = Client()
    other.force_login(User.objects.create_user("other@example.com", role=role))
    pages = [reverse("console:source-new"), reverse("console:source-new-kind", args=["filesystem"])]
    drafts = [
        reverse(f"console:draft-{name}", args=[token]) for name in ("settings", "test", "preview", "plan")
    ]
    posts = [
        *pages[1:],
        *drafts,
        reverse("console:source-next-times"),
        reverse("console:draft-give-up", args=[token]),
    ]
    assert {other.get(page).status_code for page in (*pages, *drafts)} == {404}
    assert {other.post(page, TYPED).status_code for page in posts} == {404}
    assert "Add a source" not in other.get(reverse("console:sources")).content.decode()


def test_the_steps_speak_korean(ada: Client) -> None:
    User.objects.update(language="ko")
    token = begun(ada)
    assert "문서가 어디에 있습니까?" in ada.get(reverse("console:source-new")).content.decode()
    assert "내용 읽기" in step(ada, "test", token).content.decode()
    assert "로그인할 수 있는 모든 사람" in step(ada, "preview", token).content.decode()
    wrong = step(ada, "settings", token, **{**TYPED, "setting-depth": "12"}).content.decode()
    assert "1부터 9까지" in wrong
