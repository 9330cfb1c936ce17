"""What one person adds is bounded by day, in all, and by the disk; a refusal leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.models import User
from assistant.accounts.rate_models import RateCounter
from assistant.chat import file_reading, files_kept
from assistant.chat.file_limits import FileRefused, Refusal
from assistant.chat.files import Upload, add_file, remove_file
from assistant.chat.models import ChatFile, Conversation
from assistant.documents.models import Document
from assistant.ingest.disk_room import is_nearly_full
from tests.api.pushing import ANN, note, pushing_program
from tests.connectors.servers.programs import missing

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_reading, "ensure_read", lambda _: None)
    monkeypatch.setattr("assistant.chat.files.ensure_read", lambda _: None)


@pytest.fixture
def ann(people: dict[str, User]) -> Viewer:
    return viewer_for(people["ann"])


@pytest.fixture
def nearly_full(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> None:
    """Of 10,000 bytes 900 are free; 10 percent must be."""
    settings.MUNDAP_LEAST_FREE = (0, 10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10_000, 9_100, 900))


def add(viewer: Viewer, data: bytes = b"x", conversation: int | None = None) -> int:
    upload = Upload("a.txt", "text/plain", len(data), [data])
    return add_file(viewer=viewer, conversation_id=conversation, upload=upload)


def refused(viewer: Viewer, data: bytes = b"x", conversation: int | None = None) -> FileRefused:
    before = (ChatFile.objects.count(), Conversation.objects.count(), Document.objects.count(), kept())
    with pytest.raises(FileRefused) as caught:
        add(viewer, data, conversation)
    assert (
        ChatFile.objects.count(),
        Conversation.objects.count(),
        Document.objects.count(),
        kept(),
    ) == before
    return caught.value


def kept() -> list[str]:
    folder = files_kept.place_of("")
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_files_and_bytes_of_a_day(ann: Viewer, people: dict[str, User], settings: LazySettings) -> None:
    settings.MUNDAP_UPLOAD_FILES_PER_DAY = 3
    conversation = add(ann)
    add(ann, conversation=conversation)
    row = ChatFile.objects.latest("pk")
    remove_file(viewer=ann, conversation_id=conversation, file_id=row.pk)  # it was added all the same
    add(ann)
    held = refused(ann)
    assert (held.why, round(held.wait_s, -2)) == (Refusal.TODAY, 28_800)
    add(viewer_for(people["bob"]))
    settings.MUNDAP_UPLOAD_FILES_PER_DAY, settings.MUNDAP_MAX_FILE_BYTES = 0, 100
    settings.MUNDAP_UPLOAD_BYTES_PER_DAY = 150
    add(ann, b"x" * 100)
    assert refused(ann, b"x" * 100).why == Refusal.TODAY
    add(ann, b"x" * 40)


def test_a_file_that_is_not_taken_is_not_counted(ann: Viewer, settings: LazySettings) -> None:
    settings.MUNDAP_UPLOAD_FILES_PER_DAY, settings.MUNDAP_UPLOAD_BYTES_PER_DAY = 5, 1_000
    settings.MUNDAP_MAX_FILE_BYTES = 100
    settings.MUNDAP_PERSON_FILES_BYTES = 100
    add(ann, b"x" * 60)
    for _ in range(9):
        assert refused(ann, b"x" * 60).why == Refusal.NO_ROOM
        assert refused(ann, b"").why == Refusal.EMPTY
    counters = {row.key.partition(":")[0]: row.level for row in RateCounter.objects.all()}
    assert counters == {
        "uploaded-files": pytest.approx(1, abs=0.1),
        "uploaded-bytes": pytest.approx(60, abs=2),
    }


def test_the_page_says_when_there_is_room_again(people: dict[str, User], settings: LazySettings) -> None:
    settings.MUNDAP_UPLOAD_FILES_PER_DAY = 1
    client = Client()
    client.force_login(people["ann"])
    files = [SimpleUploadedFile("a.txt", b"a"), SimpleUploadedFile("b.txt", b"b")]
    sent = {"conversation": "", "file": files}
    text = client.post(reverse("web:add-files"), sent, headers={"HX-Request": "true"}).content.decode()
    assert "“b.txt” wasn’t added: you added as much as is possible in one day. Try again in 24 hours." in text
    assert [row.name for row in ChatFile.objects.all()] == ["a.txt"]


@pytest.mark.django_db(transaction=True)
def test_files_that_come_at_once_never_hold_more_than_a_person_may(
    people: dict[str, User], settings: LazySettings
) -> None:
    settings.MUNDAP_MAX_FILE_BYTES = settings.MUNDAP_PERSON_FILES_BYTES = 100
    settings.MUNDAP_UPLOAD_FILES_PER_DAY = 5
    ann = viewer_for(people["ann"])

    def one(_: int) -> bool:
        try:
            add(ann, b"x" * 30)
        except FileRefused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(one, range(12))) == 3
    assert len(kept()) == 3


def test_a_disk_that_is_nearly_full_takes_no_file_and_no_document(
    ann: Viewer, nearly_full: None, people: dict[str, User]
) -> None:
    assert is_nearly_full()
    assert refused(ann).why == Refusal.DISK
    program = pushing_program("notes")
    answer = program.post("documents", documents=[note("a", ANN)])
    assert (answer.status, answer.error) == (503, "unavailable")
    assert "nearly full" in answer.message
    assert answer.headers["Retry-After"] == "600"
    job = program.start()  # what is there is brought to its end
    assert program.post(f"jobs/{job}/stop").status == 200
    assert not Document.objects.exists()


def test_the_console_and_the_health_page_say_that_there_is_no_room(
    people: dict[str, User], nearly_full: None, settings: LazySettings
) -> None:
    ada = Client()
    ada.force_login(people["ada"])
    assert "data-no-room" in ada.get(reverse("console:sources")).content.decode()
    health = Client().get("/healthz")
    assert (health.status_code, health.content) == (
        200,
        b"ok\nthe disk is nearly full: uploads are refused\n",
    )
    settings.MUNDAP_LEAST_FREE = (0, 0)
    assert "data-no-room" not in ada.get(reverse("console:sources")).content.decode()
    assert Client().get("/healthz").content == b"ok\n"


def test_room_is_judged_by_bytes_and_by_percent(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10_000, 9_100, 900))
    settings.MUNDAP_HOME = tmp_path / "not" / "there" / "yet"
    for least, incoming, full in (
        ((0, 0), 10**9, False),
        ((900, 9), 0, False),
        ((901, 0), 0, True),
        ((0, 10), 0, True),
        ((800, 0), 100, False),
        ((800, 0), 101, True),
    ):
        settings.MUNDAP_LEAST_FREE = least
        assert is_nearly_full(incoming) is full, (least, incoming)


_FILLING = """
import sys
from pathlib import Path
import django
django.setup()
from django.conf import settings
from assistant.chat import files_kept
from assistant.ingest.disk_room import DiskNearlyFull, is_nearly_full, told_when_full
settings.MUNDAP_FILES_DIR = Path(sys.argv[1])
kept, size = files_kept.keep([b"x" * 50_000], most=10**9)
try:
    with told_when_full():
        files_kept.keep((b"x" * 10_000 for _ in range(1_000)), most=10**9)
except DiskNearlyFull:
    left = [path.name for path in Path(sys.argv[1]).iterdir()]
    settings.MUNDAP_HOME, settings.MUNDAP_LEAST_FREE = Path(sys.argv[1]), (240_000, 0)
    print("full", left == [kept], is_nearly_full())
"""


def test_a_real_disk_that_fills_while_a_file_is_written_keeps_nothing_of_it(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    inside = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*inside, *mount], capture_output=True, check=False).returncode:
        missing("needs unshare and a kernel that lets users make namespaces")
    script = f'{" ".join(mount)} && exec "$@"'
    done = subprocess.run(
        [*inside, "sh", "-c", script, "sh", sys.executable, "-c", _FILLING, str(disk)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.strip() == "full True True", done.stderr
