"""Files on the chat page: added and removed with and without scripts, and hostile names."""

from __future__ import annotations

import unicodedata

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from assistant.accounts.models import User
from assistant.chat import file_reading
from assistant.chat.file_names import MOST_CHARACTERS, clean_name, told_apart
from assistant.chat.models import ChatFile, Conversation, FileState
from tests.chat.files import OFFER, added
from tests.conftest import SmallWorld

HTMX = {"HX-Request": "true"}


@pytest.fixture
def ann(people: dict[str, User]) -> Client:
    client = Client()
    client.force_login(people["ann"])
    return client


@pytest.fixture(autouse=True)
def _nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_reading, "ensure_read", lambda _: None)


def file(name: str = "offer.md", content: bytes = b"# Offer\n\nWords.\n") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def add(client: Client, *files: SimpleUploadedFile, conversation: int | str = "", htmx: bool = True) -> str:
    response = client.post(
        reverse("web:add-files"),
        {"conversation": str(conversation), "file": list(files)},
        headers=HTMX if htmx else {},
    )
    assert response.status_code in (200, 302, 422), response.status_code
    return response.content.decode()


def test_the_first_file_begins_a_conversation_and_the_page_goes_there(
    small_world: SmallWorld, ann: Client
) -> None:
    response = ann.post(reverse("web:add-files"), {"conversation": "", "file": file()}, headers=HTMX)
    row = ChatFile.objects.get()
    assert response.headers["HX-Push-Url"] == reverse("web:conversation", args=[row.conversation_id])
    text = response.content.decode()
    assert f'value="{row.conversation_id}"' in text
    assert "offer.md" in text
    assert "being read" in text
    assert reverse("web:files", args=[row.conversation_id]) in text  # asked again until it is read
    file_reading.read_file(row.pk)
    text = ann.get(reverse("web:files", args=[row.conversation_id]), headers=HTMX).content.decode()
    assert "ready" in text
    assert "every 1s" not in text


def test_without_scripts_a_plain_form_does_the_same(small_world: SmallWorld, ann: Client) -> None:
    page = ann.get(reverse("web:home")).content.decode()
    assert 'enctype="multipart/form-data"' in page
    assert "<noscript>" in page
    response = ann.post(reverse("web:add-files"), {"conversation": "", "file": [file(), file("b.txt", b"b")]})
    number = Conversation.objects.get().pk
    assert response.headers["Location"] == reverse("web:conversation", args=[number])
    page = ann.get(response.headers["Location"]).content.decode()
    assert "offer.md" in page
    assert "b.txt" in page
    row = ChatFile.objects.first()
    assert row is not None
    remove = reverse("web:remove-file", args=[number, row.pk])
    assert f'formaction="{remove}"' in page
    assert ann.post(remove).headers["Location"] == reverse("web:conversation", args=[number])
    assert ann.post(reverse("web:remove-file", args=[number, ChatFile.objects.get().pk])).headers[
        "Location"
    ] == reverse("web:home")
    assert not Conversation.objects.exists()


def test_a_refusal_is_told_and_the_others_are_kept(
    small_world: SmallWorld, ann: Client, settings: LazySettings
) -> None:
    settings.MUNDAP_MAX_FILE_BYTES = 1024 * 1024
    text = add(ann, file("empty.txt", b""), file(), file("big.txt", b"x" * (1024 * 1024 + 1)))
    assert "“empty.txt” wasn’t added: it is empty." in text
    assert "“big.txt” wasn’t added: a file can have at most 1 MB." in text
    assert [row.name for row in ChatFile.objects.all()] == ["offer.md"]
    number = Conversation.objects.get().pk
    add(ann, *(file(f"{n}.txt", b"x") for n in range(9)), conversation=number)
    text = add(ann, file("eleventh.txt"), conversation=number)
    assert "a conversation can have 10 files" in text
    assert ChatFile.objects.count() == 10
    text = add(ann, file("eleventh.txt"), conversation=number, htmx=False)
    assert "a conversation can have 10 files" in text
    assert "offer.md" in text


def test_a_refused_first_file_begins_no_conversation(small_world: SmallWorld, ann: Client) -> None:
    assert "it is empty" in add(ann, file("empty.txt", b""))
    assert not Conversation.objects.exists()


def test_the_reason_is_told_in_the_page_s_language(small_world: SmallWorld, ann: Client) -> None:
    User.objects.filter(email="ann@example.com").update(language="ko")
    text = add(ann, file("빈 파일.txt", b""))
    assert "빈 파일.txt" in text
    assert "wasn’t added" not in text
    viewer = small_world.viewer("ann")
    row = added(viewer, "offer.pdf", b"no pdf")
    page = ann.get(reverse("web:conversation", args=[row.conversation_id])).content.decode()
    assert "실제 형식" in page


def test_a_forged_request_adds_and_removes_nothing(small_world: SmallWorld, people: dict[str, User]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people["ann"])
    row = added(small_world.viewer("ann"), content=OFFER)
    for address, data in (
        (reverse("web:add-files"), {"conversation": "", "file": file()}),
        (reverse("web:remove-file", args=[row.conversation_id, row.pk]), {}),
    ):
        assert client.post(address, data).status_code == 403
        assert client.get(address).status_code in (403, 405)
    assert ChatFile.objects.count() == 1


def test_who_is_not_signed_in_is_sent_to_sign_in(small_world: SmallWorld) -> None:
    response = Client().post(reverse("web:add-files"), {"file": file()})
    assert response.status_code == 302
    assert reverse("web:sign-in") in response.headers["Location"]
    assert not ChatFile.objects.exists()


def test_a_hostile_name_is_text_and_nothing_else(small_world: SmallWorld, ann: Client) -> None:
    text = add(ann, file('"><img src=x onerror=alert(1)>.md'))
    assert "<img" not in text
    assert ChatFile.objects.get().state == FileState.READING


def test_asking_brings_share_and_save_also_where_a_file_began_the_conversation(
    small_world: SmallWorld, ann: Client
) -> None:
    row = added(small_world.viewer("ann"))
    asked = {"question": "When does it begin?", "conversation": str(row.conversation_id)}
    first = ann.post(reverse("web:ask"), asked, headers=HTMX).content.decode()
    assert reverse("web:share", args=[row.conversation_id]) in first
    second = ann.post(reverse("web:ask"), asked, headers=HTMX).content.decode()
    assert reverse("web:share", args=[row.conversation_id]) not in second


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\kim\\보고서.docx", "보고서.docx"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\x00b\nc\t d.txt", "ab c d.txt"),
        (unicodedata.normalize("NFD", "계약서.pdf"), "계약서.pdf"),
        ("", "file"),
        ("...", "file"),
        ("///", "file"),
        (".htaccess", "htaccess"),
        ("x" * 300 + ".pdf", "x" * (MOST_CHARACTERS - 4) + ".pdf"),
        ("report.final version", "report.final version"),
    ],
)
def test_names_are_cleaned(raw: str, clean: str) -> None:
    assert clean_name(raw) == clean


@given(st.text(max_size=400))
def test_a_clean_name_is_short_visible_and_clean_already(raw: str) -> None:
    name = clean_name(raw)
    assert 0 < len(name) <= MOST_CHARACTERS
    assert not any(unicodedata.category(char).startswith(("C", "Zl", "Zp")) for char in name)
    assert not set(name) & set('/\\<>:"|?*')
    assert clean_name(name) == name


@given(st.lists(st.sampled_from(["a.txt", "A.txt", "b", "a (2).txt"]), max_size=8))
def test_names_of_one_conversation_differ(raw: list[str]) -> None:
    names: list[str] = []
    for one in raw:
        names.append(told_apart(one, names))
    assert len({name.casefold() for name in names}) == len(raw)
