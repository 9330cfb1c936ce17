"""Buckets as they really are: pages, odd keys, companions, versions, refusals, a busy store."""

from __future__ import annotations

import json
import socketserver
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from assistant.common import aws_client
from assistant.common.acl import EVERYONE, NOBODY, PUBLIC, user
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.network import Network
from assistant.common.pace import Pace, Stopped
from connectors.sdk.contract import BytesContent, Checkpoint, Event, Failure, Tombstone
from connectors.sdk.errors import ConnectorError, Reconfigure, Retry, Stop
from connectors.sdk.names import id_problem
from connectors.sdk.surroundings import Surroundings
from connectors.sources.s3 import bucket as bucket_module
from connectors.sources.s3 import connector as connector_module
from connectors.sources.s3.bucket import Place
from tests.common.scripted_server import Script, reply
from tests.connectors.conformance import World, check_listing, lets_in, listed, sees, upserts
from tests.connectors.hostile import NetworkConformance
from tests.connectors.servers.s3 import S3Server
from tests.connectors.sources.s3_world import LOOPBACK, S3World, SpoiledS3World
from tests.connectors.worlds import amazon_entries

ANA, BOB = user("ana@example.com"), user("bob@example.com")


class TestS3(NetworkConformance):
    """No suite for folders: the key is the id, so that what is moved is another document."""

    make_world = SpoiledS3World
    many = 10

    @pytest.fixture(autouse=True)
    def _small_steps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connector_module, "CHECKPOINT_EVERY", 3)
        monkeypatch.setattr(bucket_module, "PAGE_KEYS", 4)

    @pytest.fixture(autouse=True)
    def _signed_alike(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same question has the same words, so that the proxy needs to ask the store but once."""
        moment = datetime.now(UTC).replace(tzinfo=None)
        monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: moment)
        monkeypatch.setattr("botocore.endpoint.uuid", SimpleNamespace(uuid4=lambda: "same"))

    def furnish(self, world: World) -> None:
        """With a companion, which is asked for."""
        super().furnish(world)
        assert isinstance(world, S3World)
        world.companion("b.txt", {"Title": "Second"})


SUITES = (TestS3,)


@pytest.fixture
def world(tmp_path: Path) -> S3World:
    return S3World(tmp_path)


def failures(events: list[Event]) -> list[Failure]:
    return [event for event in events if isinstance(event, Failure)]


def test_all_pages_are_listed_in_the_order_of_their_keys(
    world: S3World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_module, "PAGE_KEYS", 3)
    names = ["a/b/c.txt", "a/b.txt", "a.txt", "a-b/x.txt", "B.txt", "가/나.txt", "a/b-c/z.txt", "z//y.txt"]
    for name in names:
        world.put(name, "x")
    assert list(upserts(check_listing(world.connector()))) == sorted(names)


def test_odd_keys_are_read_under_their_own_name(world: S3World) -> None:
    names = ["a b+c%20&=?#.txt", "한글/보고서 (최종).txt", "quote'\"<>.txt", "a//b.txt", "trailing /x.txt"]
    for name in names:
        world.put(name, f"this is {name}")
    found = upserts(check_listing(world.connector()))
    assert set(found) == set(names)
    for name in names:
        content = found[name].fetch()
        assert isinstance(content, BytesContent)
        assert content.data.decode() == f"this is {name}"


def test_what_is_no_document_is_not_listed(world: S3World) -> None:
    world.put("a.txt", "x")
    for key in ("hr/", ".hidden", ".git/config", "deep/.cache/x.txt", "~$plan.docx", "gone.metadata.json"):
        world.write(key, b"{}")
    assert list(upserts(check_listing(world.connector()))) == ["a.txt"]


def test_only_what_lies_under_the_prefix_is_listed(world: S3World) -> None:
    for name in ("hr/a.txt", "hrx/b.txt", "c.txt"):
        world.put(name, "x")
    connector = world.connector(prefix="hr/")
    assert list(upserts(check_listing(connector))) == ["hr/a.txt"]
    assert list(connector.again(["hrx/b.txt"])) == [Tombstone("hrx/b.txt")]


def test_the_current_version_counts_and_a_delete_marker_is_a_deletion(world: S3World) -> None:
    client = world.server.client
    client.put_bucket_versioning(Bucket=world.bucket, VersioningConfiguration={"Status": "Enabled"})
    world.put("a.txt", "one")
    world.put("a.txt", "two")
    content = upserts(listed(world.connector()))["a.txt"].fetch()
    assert content == BytesContent(b"two")
    marker = client.delete_object(Bucket=world.bucket, Key="a.txt")
    assert upserts(listed(world.connector())) == {}
    client.delete_object(Bucket=world.bucket, Key="a.txt", VersionId=marker["VersionId"])
    assert list(upserts(listed(world.connector()))) == ["a.txt"]


def test_a_store_without_access_file_and_audience_shows_nothing(world: S3World) -> None:
    world.server.client.put_object(Bucket=world.bucket, Key="a.txt", Body=b"x", ACL="public-read")
    assert upserts(listed(world.connector(access_file=None)))["a.txt"].acl == NOBODY
    assert upserts(listed(world.connector(access_file=None, audience="everyone")))["a.txt"].acl == PUBLIC


def test_an_access_file_that_is_missing_broken_or_of_another_bucket_hides_everything(world: S3World) -> None:
    world.put("a.txt", "x")
    entries = amazon_entries(["user:ana@example.com"], [])
    for data in (None, b"{", json.dumps([{"keyPrefix": "s3://other/", "aclEntries": entries}]).encode()):
        if data is None:
            world.delete("access.json")
        else:
            world.write("access.json", data)
        events = check_listing(world.connector(audience="everyone"))
        assert not sees(events, "a.txt", ANA)
        assert [each.external_id for each in failures(events)] == [""]
        assert not all(item.ok for item in world.connector().check())
    own = [{"keyPrefix": f"s3://{world.bucket}/", "aclEntries": entries}]
    world.write("access.json", json.dumps(own).encode())
    assert sees(check_listing(world.connector()), "a.txt", ANA)


def test_a_companion_narrows_and_opens_only_if_the_administrator_says_so(world: S3World) -> None:
    world.put("covered.txt", "x")
    world.put("free.txt", "x")
    world.set_item("covered.txt", {"keyPrefix": "covered.txt", "aclEntries": amazon_entries(
        ["user:ana@example.com", "user:bob@example.com"], [])})  # fmt: skip
    for name in ("covered.txt", "free.txt"):
        world.companion(name, {"AccessControlList": amazon_entries(["user:ana@example.com"], [])})
    closed, opened = world.connector(), world.connector(companions_open=True)
    for connector in (closed, opened):
        acl = upserts(check_listing(connector))["covered.txt"].acl
        assert lets_in(acl, ANA)
        assert not lets_in(acl, BOB)
    assert upserts(listed(closed))["free.txt"].acl == NOBODY
    assert lets_in(upserts(listed(opened))["free.txt"].acl, ANA)
    everyone = upserts(listed(world.connector(access_file=None, audience="everyone")))["free.txt"].acl
    assert lets_in(everyone, ANA)
    assert not lets_in(everyone, BOB, EVERYONE)


def test_a_companion_describes_its_object_and_changes_its_version(world: S3World) -> None:
    world.put("a.txt", "x")
    before = upserts(listed(world.connector()))["a.txt"].version
    world.companion("a.txt", {"Title": "Plan", "Attributes": {"_source_uri": "https://example.com/a"}})
    found = upserts(check_listing(world.connector()))["a.txt"]
    assert (found.title, found.url) == ("Plan", "https://example.com/a")
    assert found.version != before


@pytest.mark.parametrize("spelling", ["A.TXT.metadata.json", "a.txt.METADATA.json"])
def test_a_companion_spelt_otherwise_hides_its_object(world: S3World, spelling: str) -> None:
    world.put("a.txt", "x")
    world.write(spelling, b"{}")
    connector = world.connector(access_file=None, audience="everyone")
    assert not sees(check_listing(connector), "a.txt", ANA)
    again = list(connector.again(["a.txt"]))
    assert [event.hide for event in again if isinstance(event, Failure)] == [True]


def test_a_companion_of_an_object_of_that_very_name_hides_nothing_else(world: S3World) -> None:
    for name in ("a.txt", "A.txt"):
        world.put(name, "x")
    world.companion("A.txt", {"Title": "Upper"})
    found = upserts(check_listing(world.connector()))
    assert {name: found[name].title for name in found} == {"a.txt": "", "A.txt": "Upper"}


def test_a_companion_that_is_not_understood_hides_its_object(world: S3World) -> None:
    world.put("a.txt", "x")
    world.write("a.txt.metadata.json", b'{"AccessControlList": "all"}')
    assert not sees(check_listing(world.connector(access_file=None, audience="everyone")), "a.txt", ANA)


def test_a_companion_that_is_refused_leaves_its_object_as_it_was(tmp_path: Path) -> None:
    with closing(SpoiledS3World(tmp_path)) as world:
        for name in ("a.txt", "b.txt"):
            world.put(name, "x")
        world.companion("a.txt", {"Title": "Plan"})
        world.proxy.spoil(lambda given: reply(403), at=3)  # after the access file and two listings
        events = listed(world.connector())
    assert [(each.external_id, each.code, each.hide) for each in failures(events)] == [
        ("a.txt", FailureCode.REFUSED, False)
    ]
    assert list(upserts(events)) == ["b.txt"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply(403), Reconfigure),
        (reply(404), Retry),
        (reply(200, b"[]"), Retry),
        (reply(200, b"<form action=login>", content_type="text/html"), Retry),
    ],
    ids=["refused", "not there, in nobody's words", "without a stamp", "a page to sign in"],
)
def test_an_access_file_that_is_not_handed_over_changes_no_permission(
    tmp_path: Path, answer: Script, error: type[ConnectorError]
) -> None:
    with closing(SpoiledS3World(tmp_path)) as world:
        world.put("a.txt", "x")
        world.proxy.spoil(lambda given: answer, at=0)
        with pytest.raises(error):
            listed(world.connector())
        assert [item.step for item in world.connector().check() if not item.ok] == []
        world.proxy.spoil(lambda given: answer, at=2)
        assert [item.step for item in world.connector().check() if not item.ok] == ["read permissions"]


def test_unchanged_companions_are_not_read_again(world: S3World, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = bucket_module.Bucket.read_setting

    def counted(self: bucket_module.Bucket, key: str, *, limit: int) -> bytes:
        read.append(key)
        return original(self, key, limit=limit)

    monkeypatch.setattr(bucket_module.Bucket, "read_setting", counted)
    for n in range(3):
        world.put(f"{n}.txt", "x")
        world.companion(f"{n}.txt", {"Title": f"Title {n}"})
    first = {key: found.title for key, found in upserts(listed(world.connector())).items()}
    assert len(read) == 4
    world.companion("1.txt", {"Title": "New"})
    second = {key: found.title for key, found in upserts(listed(world.connector())).items()}
    assert read[4:] == ["access.json", "1.txt.metadata.json"]
    assert second == {**first, "1.txt": "New"}
    (world.scratch / "companions.sqlite3").write_bytes(b"damaged" * 1000)
    assert {key: found.title for key, found in upserts(listed(world.connector())).items()} == second


def test_a_resumed_run_asks_for_nothing_before_the_checkpoint(world: S3World) -> None:
    for number in range(150):
        world.put(f"{number:03}.txt", "x")
    events = listed(world.connector())
    point = next(event for event in events if isinstance(event, Checkpoint))
    resumed = list(world.connector().documents(checkpoint=point.state))
    assert list(upserts(resumed)) == [f"{number:03}.txt" for number in range(100, 150)]


def test_a_decomposed_key_obeys_a_prefix_that_is_composed(world: S3World) -> None:
    name = unicodedata.normalize("NFD", "인사/연봉.txt")
    world.put(name, "x")
    world.set_item("hr", {"keyPrefix": "인사/", "aclEntries": amazon_entries(["user:ana@example.com"], [])})
    assert sees(check_listing(world.connector()), name, ANA)


def test_an_object_over_the_limit_is_not_read(world: S3World) -> None:
    world.put("large.txt", "x" * 2000)
    connector = world.connector_in(Surroundings(network=LOOPBACK, max_content_bytes=1000))
    found = upserts(listed(connector))["large.txt"]
    with pytest.raises(DocumentFailure) as refused:
        found.fetch()
    assert refused.value.code is FailureCode.TOO_LARGE


def test_an_object_that_grew_or_went_since_it_was_listed_is_a_failure_of_its_own(world: S3World) -> None:
    world.put("a.txt", "x")
    connector = world.connector_in(Surroundings(network=LOOPBACK, max_content_bytes=1000))
    found = upserts(listed(connector))["a.txt"]
    world.put("a.txt", "x" * 2000)
    with pytest.raises(DocumentFailure) as refused:
        found.fetch()
    assert refused.value.code is FailureCode.TOO_LARGE
    world.delete("a.txt")
    with pytest.raises(DocumentFailure) as refused:
        found.fetch()
    assert refused.value.code is FailureCode.GONE


def test_an_archived_object_is_listed_and_not_read(world: S3World) -> None:
    world.server.client.put_object(Bucket=world.bucket, Key="old.txt", Body=b"x", StorageClass="GLACIER")
    with pytest.raises(DocumentFailure) as refused:
        upserts(listed(world.connector()))["old.txt"].fetch()
    assert refused.value.code is FailureCode.REFUSED


def test_a_private_address_is_refused_unless_it_is_allowed(world: S3World) -> None:
    with pytest.raises(Reconfigure, match="MUNDAP_ALLOWED_NETWORKS"):
        listed(world.connector_in(Surroundings(network=Network())))


@pytest.mark.usefixtures("impatient")
def test_nothing_answers_at_the_endpoint(world: S3World) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as unused:
        port = unused.server_address[1]
    with pytest.raises(Retry, match="does not answer"):
        listed(world.connector(endpoint=f"http://127.0.0.1:{port}"))


def test_a_run_that_was_asked_to_stop_stops(world: S3World) -> None:
    world.put("a.txt", "x")
    with pytest.raises(Stopped):
        listed(world.connector_in(Surroundings(LOOPBACK, Pace(), lambda: True)))


def test_credentials_that_the_store_does_not_know_are_for_the_administrator_to_mend(tmp_path: Path) -> None:
    server = S3Server()
    try:
        bucket = server.new_bucket()
        server.check_credentials(after=0)
        config = {"bucket": bucket, "endpoint": server.endpoint, "access_key_id": "AKIAUNKNOWN"}
        secrets = {"secret_access_key": "a-very-secret-word"}
        connector = S3World.kind.build(config, secrets, Surroundings(LOOPBACK))
        with pytest.raises(Reconfigure, match="access key id") as refused:
            listed(connector)
        assert "a-very-secret-word" not in f"{refused.value!r} {connector!r} {connector.check()}"
    finally:
        server.stop()


def test_the_secret_is_in_no_representation() -> None:
    assert "hush" not in repr(Place("bucket", "id", "hush"))


ANSWERS: list[tuple[int, str, type[ConnectorError]]] = [
    (403, "InvalidAccessKeyId", Reconfigure),
    (403, "SignatureDoesNotMatch", Reconfigure),
    (403, "AccessDenied", Reconfigure),
    (403, "RequestTimeTooSkewed", Reconfigure),
    (400, "ExpiredToken", Reconfigure),
    (404, "NoSuchBucket", Stop),
    (500, "InternalError", Retry),
    (503, "SlowDown", Retry),
    (429, "TooManyRequests", Retry),
]


@contextmanager
def store_that_says(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A store that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def say(handler: BaseHTTPRequestHandler, status: int, body: str, *, length: int | None = None) -> None:
    data = body.encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/xml")
    handler.send_header("Content-Length", str(len(data) if length is None else length))
    handler.end_headers()
    handler.wfile.write(data)


def listed_at(endpoint: str, **more: str) -> list[Event]:
    config = {"bucket": "docs", "endpoint": endpoint, "access_key_id": "id", **more}
    return listed(S3World.kind.build(config, {"secret_access_key": "s"}, Surroundings(LOOPBACK)))


LISTING = """<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>docs</Name><Prefix></Prefix>
<IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>%s</ListBucketResult>"""
CONTENTS = """<Contents><Key>%s</Key><LastModified>2026-03-01T00:00:00.000Z</LastModified><ETag>"9b2c"</ETag>
<Size>120</Size><StorageClass>STANDARD</StorageClass></Contents>"""


def test_keys_for_which_no_document_can_stand_are_reported() -> None:
    keys = ["line\nbreak.txt", "a\u202eb.txt", "x" * 600, "nul\x00.txt", "hr/../a.txt", "./a.txt", "/a.txt"]
    body = LISTING % "".join(CONTENTS % quote(key) for key in [*keys, "sound.txt"])
    with store_that_says(lambda handler: say(handler, 200, body)) as endpoint:
        events = listed_at(endpoint, audience="everyone")
    assert list(upserts(events)) == ["sound.txt"]
    assert len(failures(events)) == len(keys)
    assert not any(id_problem(each.external_id) for each in failures(events))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("status", "code", "expected"), ANSWERS, ids=[code for _, code, _ in ANSWERS])
def test_each_refusal_says_what_to_do_next(status: int, code: str, expected: type[ConnectorError]) -> None:
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
    with store_that_says(lambda handler: say(handler, status, body)) as endpoint, pytest.raises(expected):
        listed_at(endpoint)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("body", ["<ListBucketResult><Contents>", "not XML at all", ""])
def test_an_answer_that_is_cut_or_no_xml_is_never_an_empty_bucket(body: str) -> None:
    with store_that_says(lambda handler: say(handler, 200, body)) as endpoint, pytest.raises(ConnectorError):
        listed_at(endpoint)
    with (
        store_that_says(lambda handler: say(handler, 200, body, length=5000)) as endpoint,
        pytest.raises(Retry),
    ):
        listed_at(endpoint)


def test_nothing_is_taken_from_the_environment(world: S3World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_PROFILE": "of-somebody",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_SESSION_TOKEN": "theirs",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    aws_client._session.cache_clear()
    world.put("a.txt", "x")
    assert list(upserts(listed(world.connector()))) == ["a.txt"]
