"""The pages of sharing and saving: their forms, their 404, and what a GET leaves alone."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse

from assistant.accounts.models import User
from assistant.chat.models import Conversation, Share, StoredEvent, Turn
from tests.chat.test_sharing import CANARIES, GUESTS, MERGER, REMOTE, TITLES, asked, shared_by
from tests.conftest import SmallWorld

HTMX = {"HX-Request": "true"}


@pytest.fixture
def browsers(people: dict[str, User]) -> dict[str, Client]:
    """A signed-in browser for everybody, by name."""
    clients = {name: Client() for name in people}
    for name, client in clients.items():
        client.force_login(people[name])
    return clients


def pages_of(token: str, turn_id: int) -> list[str]:
    """Every address behind a link."""
    return [
        reverse("web:shared", args=[token]),
        reverse("web:ask-shared", args=[token, turn_id]),
        reverse("web:shared-source", args=[token, turn_id, 1]),
        reverse("web:export-shared", args=[token]),
        reverse("web:export-shared", args=[token]) + "?format=md",
    ]


def test_a_link_is_made_shown_again_moved_on_and_ended(
    small_world: SmallWorld, browsers: dict[str, Client]
) -> None:
    cho = small_world.viewer("cho")
    number = asked(cho, REMOTE).conversation_id
    page = reverse("web:share", args=[number])
    assert "Make a link" in browsers["cho"].get(page).content.decode()
    assert browsers["cho"].post(page).headers["Location"] == page
    token = Share.objects.get().token
    text = browsers["cho"].get(page).content.decode()
    assert f'value="http://testserver/s/{token}/"' in text
    assert "Include newer answers" not in text
    asked(cho, GUESTS, number)
    assert "1 newer answer is not in it." in browsers["cho"].get(page).content.decode()
    browsers["cho"].post(page)
    assert GUESTS in browsers["ann"].get(reverse("web:shared", args=[token])).content.decode()
    browsers["cho"].post(reverse("web:stop-sharing", args=[number]))
    assert browsers["ann"].get(reverse("web:shared", args=[token])).status_code == 404
    assert "Make a link" in browsers["cho"].get(page).content.decode()


def test_with_scripts_the_small_window_and_the_button_of_the_page_come_back(
    small_world: SmallWorld, browsers: dict[str, Client]
) -> None:
    number = asked(small_world.viewer("cho"), REMOTE).conversation_id
    page = reverse("web:share", args=[number])
    answer = browsers["cho"].post(page, headers=HTMX)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in text
    assert re.search(r'id="conversation-actions"[^>]*hx-swap-oob="true"', text)
    assert f"/s/{Share.objects.get().token}/" in text


def test_the_reader_sees_the_page_with_the_forbidden_left_out(
    small_world: SmallWorld, browsers: dict[str, Client]
) -> None:
    _, token = shared_by(small_world.viewer("cho"), REMOTE, MERGER)
    page = reverse("web:shared", args=[token])
    ann, sam = (browsers[name].get(page).content.decode() for name in ("ann", "sam"))
    for text in (ann, sam):
        assert REMOTE in text
        assert MERGER in text
        assert CANARIES["merger"] not in text
        assert TITLES["merger"] not in text
        assert "Shared by Cho" in text
        assert 'name="question"' not in text
    assert CANARIES["handbook"] in ann
    assert "None of these answers" not in ann
    assert CANARIES["handbook"] not in sam
    assert TITLES["handbook"] not in sam
    assert "None of these answers is open to you" in sam
    assert "/turns/" not in re.sub(rf"/s/{token}/turns/", "", ann)  # chips lead behind the link


def test_a_reader_opens_a_source_with_their_own_rights(
    small_world: SmallWorld, browsers: dict[str, Client]
) -> None:
    _, token = shared_by(small_world.viewer("cho"), REMOTE)
    source = reverse("web:shared-source", args=[token, Turn.objects.get().pk, 1])
    panel = browsers["ann"].get(source, headers=HTMX)
    assert panel.status_code == 200
    assert "<html" not in panel.content.decode()
    assert "<mark>" in panel.content.decode()
    assert browsers["sam"].get(source).status_code == 404
    small_world.documents["handbook"]["acl"] = {"allow": ["group:executives"]}
    small_world.sync("permissions")
    assert browsers["ann"].get(source, headers=HTMX).status_code == 404


def test_a_reader_goes_on_in_a_conversation_of_their_own_with_the_question_and_no_answer(
    small_world: SmallWorld, browsers: dict[str, Client]
) -> None:
    _, token = shared_by(small_world.viewer("cho"), REMOTE)
    before = Conversation.objects.count()
    text = (
        browsers["ann"].get(reverse("web:ask-shared", args=[token, Turn.objects.get().pk])).content.decode()
    )
    assert re.search(rf"<textarea[^>]*>{re.escape(REMOTE)}</textarea>", text)
    assert re.search(r'name="conversation"\s+value=""', text)
    assert CANARIES["handbook"] not in text
    assert Conversation.objects.count() == before


def test_unknown_ended_and_forbidden_addresses_give_the_same_page(
    small_world: SmallWorld, browsers: dict[str, Client]
) -> None:
    conversation_id, ended = shared_by(small_world.viewer("cho"), REMOTE)
    turn = Turn.objects.get().pk
    browsers["cho"].post(reverse("web:stop-sharing", args=[conversation_id]))
    answers = [
        browsers["ann"].get(path) for token in (ended, "A" * 43, "short") for path in pages_of(token, turn)
    ]
    answers += [browsers["ann"].get(f"/c/{number}/share/") for number in (conversation_id, 999_999)]
    answers += [
        browsers["ann"].get(f"/c/{number}/export/{query}")
        for number in (conversation_id, 999_999)
        for query in ("", "?format=md", "?format=exe")
    ]
    assert {answer.status_code for answer in answers} == {404}
    changing = rb'"X-CSRFToken": "\w+"|(?:value|nonce)="[^"]*"'
    bodies = {re.sub(changing, b"", answer.content) for answer in answers}
    assert len(bodies) == 1


def test_who_is_not_signed_in_learns_nothing_of_a_link(small_world: SmallWorld, client: Client) -> None:
    _, token = shared_by(small_world.viewer("cho"), REMOTE)
    for known in (token, "A" * 43):
        for path in pages_of(known, Turn.objects.get().pk):
            answer = client.get(path)
            assert answer.status_code == 302
            assert answer.headers["Location"].startswith("/sign-in/?next=/s/")


def test_a_closed_account_is_signed_out_of_links_too(
    small_world: SmallWorld, browsers: dict[str, Client]
) -> None:
    _, token = shared_by(small_world.viewer("cho"), REMOTE)
    User.objects.filter(email="ann@example.com").update(is_active=False)
    answer = browsers["ann"].get(reverse("web:shared", args=[token]))
    assert answer.status_code == 302
    assert CANARIES["handbook"] not in answer.content.decode()


def test_no_get_changes_anything(small_world: SmallWorld, browsers: dict[str, Client]) -> None:
    conversation_id, token = shared_by(small_world.viewer("cho"), REMOTE)
    asked(small_world.viewer("cho"), GUESTS, conversation_id)

    def rows() -> list[object]:
        return [
            list(model.objects.order_by("pk").values()) for model in (Conversation, Share, Turn, StoredEvent)
        ]

    before = rows()
    paths = [*pages_of(token, Turn.objects.earliest("pk").pk), f"/c/{conversation_id}/share/"]
    paths += [f"/c/{conversation_id}/export/", f"/c/{conversation_id}/export/?format=json"]
    for path in paths:
        for browser in browsers.values():
            browser.get(path)
            browser.get(path, headers=HTMX)
    assert browsers["cho"].get(reverse("web:stop-sharing", args=[conversation_id])).status_code == 405
    assert rows() == before


@pytest.mark.parametrize("name", ["web:share", "web:stop-sharing"])
def test_a_form_without_its_token_is_refused(
    small_world: SmallWorld, people: dict[str, User], name: str
) -> None:
    conversation_id, _ = shared_by(small_world.viewer("cho"), REMOTE)
    asked(small_world.viewer("cho"), GUESTS, conversation_id)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(people["cho"])
    before = list(Share.objects.values())
    assert strict.post(reverse(name, args=[conversation_id])).status_code == 403
    assert list(Share.objects.values()) == before


def test_sharing_before_the_first_answer_says_what_to_do(
    small_world: SmallWorld, browsers: dict[str, Client]
) -> None:
    number = asked(small_world.viewer("cho"), REMOTE).conversation_id
    Turn.objects.update(state="running")
    answer = browsers["cho"].post(reverse("web:share", args=[number]))
    assert answer.status_code == 422
    assert "Wait until the first answer is finished." in answer.content.decode()
    assert not Share.objects.exists()


def test_a_file_is_a_download_with_a_korean_name(
    small_world: SmallWorld, browsers: dict[str, Client]
) -> None:
    number = asked(small_world.viewer("ann"), "경조사 휴가는 며칠까지 쓸 수 있어요?").conversation_id
    for kind, media_type in (
        ("md", "text/markdown; charset=utf-8"),
        ("html", "text/html; charset=utf-8"),
        ("json", "application/json"),
    ):
        answer = browsers["ann"].get(f"/c/{number}/export/?format={kind}")
        assert answer.headers["Content-Type"] == media_type
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        name = re.fullmatch(r"attachment; filename\*=utf-8''(.*)", answer.headers["Content-Disposition"])
        assert name
        assert unquote(name[1]).endswith(f"경조사 휴가는 며칠까지 쓸 수 있어요.{kind}")
        assert "5일" in answer.content.decode()


def test_an_unknown_format_shows_the_choice_again(
    small_world: SmallWorld, browsers: dict[str, Client]
) -> None:
    conversation_id, token = shared_by(small_world.viewer("cho"), REMOTE)
    for path in (f"/c/{conversation_id}/export/", f"/s/{token}/export/"):
        answer = browsers["cho"].get(path + "?format=exe")
        assert answer.status_code == 422
        assert "can’t be saved in this format" in answer.content.decode()
        assert answer.content.decode().count("?format=") >= 3


def test_only_the_owners_page_leads_to_the_link(small_world: SmallWorld, browsers: dict[str, Client]) -> None:
    conversation_id, token = shared_by(small_world.viewer("cho"), REMOTE)
    own = browsers["cho"].get(f"/c/{conversation_id}/").content.decode()
    assert f"/c/{conversation_id}/share/" in own
    assert "Shared" in own
    shown = browsers["ann"].get(f"/s/{token}/").content.decode()
    assert f"/c/{conversation_id}/" not in shown
    for name in ("ann", "ada"):
        assert token not in browsers[name].get("/").content.decode()
