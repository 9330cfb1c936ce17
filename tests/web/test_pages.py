"""The pages of people: asking, reading, evidence, and what a stranger must not learn."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assistant.access.viewer import viewer_for
from assistant.accounts.models import User
from assistant.chat.events import Token
from assistant.chat.models import Citation, Conversation, Turn, TurnState
from assistant.chat.reading import TurnView
from assistant.chat.runner import run_turn
from assistant.documents.models import Body, Document
from tests.conftest import SmallWorld
from tests.guardrails.rules import block

HTMX = {"HX-Request": "true"}
Asked = Callable[..., Turn]


@pytest.fixture
def ann(client: Client, people: dict[str, User]) -> Client:
    """Ann's browser."""
    client.force_login(people["ann"])
    return client


@pytest.fixture
def asked(small_world: SmallWorld) -> Asked:
    """Asks in somebody's browser and carries the turn out."""

    def ask(browser: Client, question: str) -> Turn:
        response = browser.post(reverse("web:ask"), {"question": question}, headers=HTMX)
        assert response.status_code == 200, response.content.decode()
        turn = Turn.objects.latest("pk")
        assert run_turn(turn.pk)
        turn.refresh_from_db()
        return turn

    return ask


def page(browser: Client, turn: Turn) -> str:
    """The conversation of this turn as its owner sees it."""
    response = browser.get(reverse("web:conversation", args=[turn.conversation_id]))
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("name", ["web:home", "console:sources"])
@pytest.mark.django_db
def test_who_is_not_signed_in_is_sent_to_the_sign_in_page_and_back(client: Client, name: str) -> None:
    response = client.get(reverse(name))
    assert response.status_code == 302
    assert response["Location"] == f"/sign-in/?next={reverse(name)}"


@pytest.mark.django_db
def test_an_expired_session_moves_the_whole_page_not_its_fragment(client: Client) -> None:
    response = client.post(reverse("web:ask"), {"question": "hello"}, headers=HTMX)
    assert response.headers["HX-Redirect"] == reverse("web:sign-in")


def test_the_home_page_offers_four_questions_and_a_box(ann: Client) -> None:
    text = ann.get(reverse("web:home")).content.decode()
    assert text.count("data-example") == 4
    assert 'name="question"' in text


def test_asking_returns_the_open_turn_and_pushes_its_address(ann: Client, small_world: SmallWorld) -> None:
    response = ann.post(reverse("web:ask"), {"question": "When does the office open?"}, headers=HTMX)
    turn = Turn.objects.get()
    assert response.headers["HX-Push-Url"] == reverse("web:conversation", args=[turn.conversation_id])
    text = response.content.decode()
    assert f'data-stream="/turns/{turn.pk}/stream/?after=0"' in text
    assert 'hx-swap-oob="true"' in text
    assert "<html" not in text


def test_the_next_question_stays_in_its_conversation(ann: Client, asked: Asked) -> None:
    first = asked(ann, "When does the office in Daejeon open?")
    ann.post(reverse("web:ask"), {"question": "And?", "conversation": first.conversation_id}, headers=HTMX)
    assert Conversation.objects.get().turns.count() == 2


@pytest.mark.parametrize(("question", "words"), [("   ", "first"), ("x" * 4_001, "4,000 characters")])
def test_a_question_that_cannot_be_taken_says_why(ann: Client, question: str, words: str) -> None:
    response = ann.post(reverse("web:ask"), {"question": question}, headers=HTMX)
    assert response.status_code == 422
    assert response.headers["HX-Retarget"] == "#composer-error"
    assert words in response.content.decode()
    plain = ann.post(reverse("web:ask"), {"question": question})
    assert plain.status_code == 422
    assert words in plain.content.decode()
    assert not Turn.objects.exists()


def test_an_answer_shows_chips_and_its_sources(ann: Client, asked: Asked) -> None:
    turn = asked(ann, "When does the office in Daejeon open?")
    text = page(ann, turn)
    assert "08:30" in text
    assert 'class="cite"' in text
    assert "Employee handbook" in text
    assert "data-stream" not in text


def test_a_chip_opens_the_document_with_the_quote_marked(ann: Client, asked: Asked) -> None:
    turn = asked(ann, "When does the office in Daejeon open?")
    response = ann.get(reverse("web:cited-source", args=[turn.pk, 1]), headers=HTMX)
    marked = re.findall(r"<mark>(.*?)</mark>", response.content.decode())
    assert any("08:30" in text for text in marked)
    assert "<html" not in response.content.decode()
    whole_page = ann.get(reverse("web:cited-source", args=[turn.pk, 1]))
    assert "<html" in whole_page.content.decode()


def test_markup_in_a_document_is_shown_as_text(ann: Client, small_world: SmallWorld) -> None:
    hostile = "<script>alert(1)</script> <img src=x onerror=alert(2)> office badge"
    small_world.documents["open"].update(text=hostile, title="<b>Visitor</b>", url="javascript:alert(3)")
    small_world.sync()
    document = Document.objects.get(external_id="open")
    text = ann.get(reverse("web:document", args=[document.pk])).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "<b>Visitor" not in text
    assert "javascript:" not in text


def test_a_blocked_topic_names_itself_and_its_message(ann: Client, asked: Asked) -> None:
    block("Pay", words=["salary", "연봉"], message="Ask HR, please.")
    turn = asked(ann, "What is the salary of a senior engineer?")
    assert turn.state == TurnState.BLOCKED
    text = page(ann, turn)
    assert "“Pay” is a blocked topic" in text
    assert "Ask HR, please." in text


def test_no_answer_says_how_many_documents_were_searched(ann: Client, asked: Asked) -> None:
    turn = asked(ann, "Which zebra won the Antarctic chess tournament?")
    text = page(ann, turn)
    assert "don’t hold the answer" in text
    assert "3 documents were searched." in text  # handbook, policy-ko, open


def test_after_a_revocation_the_conversation_shows_nothing_of_the_answer(
    ann: Client, asked: Asked, small_world: SmallWorld
) -> None:
    turn = asked(ann, "When does the office in Daejeon open?")
    small_world.documents["handbook"]["acl"] = {"allow": ["group:hr"]}
    small_world.sync()
    text = page(ann, turn)
    assert "08:30" not in text
    assert "Employee handbook" not in text
    assert "This answer isn’t shown any more" in text
    assert ann.get(reverse("web:cited-source", args=[turn.pk, 1])).status_code == 404


def test_not_yours_and_not_there_answer_alike(
    ann: Client, asked: Asked, client_of: Callable[[str], Client]
) -> None:
    turn = asked(ann, "When does the office in Daejeon open?")
    stranger = client_of("sam")
    secret = Document.objects.get(external_id="merger").pk
    pairs = [
        ("web:conversation", [turn.conversation_id], [999_999]),
        ("web:turn", [turn.pk], [999_999]),
        ("web:cited-source", [turn.pk, 1], [999_999, 1]),
        ("web:document", [secret], [999_999]),
        ("web:delete", [turn.conversation_id], [999_999]),
    ]
    for name, theirs, nobodys in pairs:
        one = stranger.get(reverse(name, args=theirs))
        other = stranger.get(reverse(name, args=nobodys))
        assert one.status_code == other.status_code == 404, name
        assert without_tokens(one.content) == without_tokens(other.content), name
        assert lasting(one) == lasting(other), name
    for name in ("web:stop",):
        assert stranger.post(reverse(name, args=[turn.pk])).status_code == 404
    assert stranger.post(reverse("web:delete", args=[turn.conversation_id])).status_code == 404
    assert Conversation.objects.filter(pk=turn.conversation_id).exists()


def test_somebody_elses_conversation_cannot_be_continued(
    ann: Client, asked: Asked, client_of: Callable[[str], Client]
) -> None:
    turn = asked(ann, "When does the office in Daejeon open?")
    response = client_of("sam").post(
        reverse("web:ask"), {"question": "hello", "conversation": turn.conversation_id}, headers=HTMX
    )
    assert response.status_code == 404
    assert Turn.objects.count() == 1


def test_a_conversation_is_named_before_it_is_deleted(ann: Client, asked: Asked) -> None:
    turn = asked(ann, "When does the office in Daejeon open?")
    address = reverse("web:delete", args=[turn.conversation_id])
    assert "When does the office in Daejeon open?" in ann.get(address).content.decode()
    assert Conversation.objects.exists()
    assert ann.post(address).status_code == 302
    assert not Conversation.objects.exists()


def test_the_rail_lists_only_the_persons_own_conversations(
    ann: Client, asked: Asked, client_of: Callable[[str], Client]
) -> None:
    asked(ann, "When does the office in Daejeon open?")
    assert "office in Daejeon" in ann.get(reverse("web:home")).content.decode()
    assert "office in Daejeon" not in client_of("sam").get(reverse("web:home")).content.decode()


def test_a_changed_document_opens_without_marks_and_says_so(
    ann: Client, asked: Asked, small_world: SmallWorld
) -> None:
    turn = asked(ann, "When does the office in Daejeon open?")
    small_world.documents["handbook"]["text"] = "The office now opens at 09:00."
    small_world.sync()
    text = ann.get(reverse("web:cited-source", args=[turn.pk, 1])).content.decode()
    assert "<mark>" not in text
    assert "has changed since the answer" in text


def test_a_very_long_document_is_shown_in_parts(ann: Client, small_world: SmallWorld) -> None:
    document = Document.objects.get(external_id="open")
    lines = [f"Paragraph number {number} of the visitor rules." for number in range(3_000)]
    text = "\n\n".join(lines)
    blocks, at = [], 0
    for line in lines:
        blocks.append(["paragraph", at, at + len(line), 0, ""])
        at += len(line) + 2
    Body.objects.filter(document=document).update(text=text, blocks=blocks)
    first = ann.get(reverse("web:document", args=[document.pk])).content.decode()
    assert "number 0 of" in first
    assert "number 2999 of" not in first
    following = re.search(r'href="\?from=(\d+)"', first)
    assert following
    second = ann.get(reverse("web:document", args=[document.pk]) + f"?from={following[1]}").content.decode()
    assert "number 0 of" not in second
    assert "Previous part" in second


def test_pages_with_documents_stay_in_no_cache(ann: Client, asked: Asked) -> None:
    turn = asked(ann, "When does the office in Daejeon open?")
    for name, args in [("web:home", []), ("web:turn", [turn.pk]), ("web:cited-source", [turn.pk, 1])]:
        assert ann.get(reverse(name, args=args)).headers["Cache-Control"] == "no-store"


def test_citations_that_were_read_and_not_used_stand_apart(ann: Client, asked: Asked) -> None:
    turn = asked(ann, "When does the office in Daejeon open?")
    others = Citation.objects.filter(turn=turn, quotes=[]).count()
    assert others
    assert "read and not used" in page(ann, turn)


def test_the_viewer_of_a_request_is_the_signed_in_person(ann: Client, people: dict[str, User]) -> None:
    assert ann.session["_auth_user_id"] == str(viewer_for(people["ann"]).user_id)


@pytest.fixture
def client_of(people: dict[str, User]) -> Callable[[str], Client]:
    """Somebody else's browser."""

    def browser(name: str) -> Client:
        client = Client()
        client.force_login(people[name])
        return client

    return browser


def without_tokens(content: bytes) -> str:
    """The page without what differs in every response."""
    return re.sub(r'(X-CSRFToken": |nonce=)"[\w-]+"', "", content.decode())


def lasting(response: object) -> dict[str, str]:
    """Headers without what differs between any two responses."""
    headers: dict[str, str] = dict(getattr(response, "headers", {}))
    return {
        name: re.sub(r"'nonce-[\w-]+'", "", value)
        for name, value in headers.items()
        if name != "Content-Length"
    }


def test_a_sentence_without_a_source_says_so_in_a_word_and_a_cited_one_does_not() -> None:
    view = TurnView(
        id=1,
        asked_at=timezone.now(),
        question="q",
        language="en",
        state="done",
        is_open=False,
        last_seq=2,
        sentences=(Token("Carried by a source.", (2,)), Token("Carried by none.", ())),
        passages=(),
        outcome=None,
    )
    text = render_to_string("web/fragments/turn.html", {"turn": view})
    carried, bare = re.findall(r'<span class="sentence( unsupported)?"', text)
    assert (carried, bare) == ("", " unsupported")
    assert text.count("no source") == 1
    joined = (
        r'Carried by a source\.</span\s*><span class="cites"\s*><a class="cite" href="/turns/1/sources/2/"'
    )
    assert re.search(joined, text)
