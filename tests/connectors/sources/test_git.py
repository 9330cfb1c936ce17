"""Repositories of a real Git server: what is read, what is not, and what a hostile one can do."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from assistant.common.acl import group, user
from assistant.common.errors import DocumentFailure, FailureCode, UsageError
from assistant.common.network import Network
from assistant.common.pace import Stopped
from assistant.common.told import Told, said
from assistant.common.types import Json, JsonObject
from connectors.sdk.contract import (
    Checkpoint,
    Complete,
    Failure,
    Tombstone,
    Upsert,
)
from connectors.sdk.errors import Reconfigure, Retry, Stop
from connectors.sdk.names import id_problem
from connectors.sdk.surroundings import Surroundings
from connectors.sources.git import program
from connectors.sources.git.address import branch_problem, link, repository
from tests.connectors.conformance import (
    ANA,
    ConnectorConformance,
    check_listing,
    listed,
    sees,
    text_of,
    upserts,
)
from tests.connectors.servers.cutting_proxy import CuttingProxy, cutting_proxy
from tests.connectors.servers.git_server import TOKEN
from tests.connectors.sources.git_world import GitWorld


class TestGit(ConnectorConformance):
    """Git has no permissions: one audience sees a source, so what is one file's is asked of the source."""

    make_world = GitWorld

    # There are no lists to break or mend one by one, and no groups.
    test_broken_permissions_hide_the_document_and_not_its_neighbour = None  # type: ignore[assignment]
    test_mended_permissions_show_the_document_again = None  # type: ignore[assignment]
    test_groups_come_with_their_members = None  # type: ignore[assignment]
    test_broken_groups_are_never_complete = None  # type: ignore[assignment]

    def test_a_document_without_permissions_is_for_nobody(self, world: GitWorld) -> None:  # type: ignore[override]
        world.audience = []
        name = world.put("c.txt", "third")
        assert not sees(listed(world.connector()), name, user(ANA), group("staff"))

    def test_only_the_allowed_see_and_a_deny_beats_their_group(self, world: GitWorld) -> None:  # type: ignore[override]
        world.audience = [f"user:{ANA}", "group:directory:cn:staff"]
        events = listed(world.connector())
        assert sees(events, world.id("b.txt"), user(ANA))
        assert sees(events, world.id("b.txt"), user("bob@example.com"), group("directory:cn:staff"))
        assert not sees(events, world.id("b.txt"), user("stranger@example.com"))

    def test_a_changed_permission_shows_in_the_next_run_and_leaves_the_version(self, world: GitWorld) -> None:  # type: ignore[override]
        name = world.id("a.txt")
        before = upserts(listed(world.connector()))[name]
        world.audience = ["user:bob@example.com"]
        events = check_listing(world.connector())
        assert not sees(events, name, user(ANA))
        assert sees(events, name, user("bob@example.com"))
        assert upserts(events)[name].version == before.version


SUITES = (TestGit,)


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    """A repository with two files."""
    world = GitWorld(tmp_path)
    world.put("docs/plan.md", "# The plan")
    world.put("README.md", "# Read me")
    return world


def test_a_file_that_is_asked_for_late_is_given_as_it_is_then(world: GitWorld) -> None:
    connector = world.connector()
    found = upserts(listed(connector))
    world.put("docs/plan.md", "# Newer")
    world.repository.remove("README.md")
    world.repository.commit(rewrite=True)
    world.repository.forget_history()
    shutil.rmtree(world.scratch)
    assert text_of(found[world.id("docs/plan.md")].fetch()) == "# Newer"
    with pytest.raises(DocumentFailure) as caught:
        found[world.id("README.md")].fetch()
    assert caught.value.code is FailureCode.GONE
    connector.close()


def test_links_submodules_and_hidden_files_are_left_out(world: GitWorld) -> None:
    world.repository.put("secret", "/etc/passwd", mode="120000")
    world.repository.put("module", b"1" * 40, mode="160000")
    world.repository.put(".github/workflow.yml", "on: push")
    world.repository.put("docs/.hidden.md", "hidden")
    world.repository.put("run.sh", "echo run", mode="100755")
    found = set(upserts(check_listing(world.connector())))
    assert found == {world.id(name) for name in ("README.md", "docs/plan.md", "run.sh")}


def test_a_pointer_to_lfs_and_a_large_file_are_failures(world: GitWorld) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    world.put("big.pdf", pointer)
    world.put("long.txt", "x" * 2000)
    world.repository.commit()
    surroundings = Surroundings(
        network=world.surroundings.network, scratch=world.scratch, max_content_bytes=1000
    )
    connector = world.kind.build(world.config, {"token": TOKEN}, surroundings)
    found = upserts(listed(connector))
    for name, code in (("big.pdf", FailureCode.UNSUPPORTED), ("long.txt", FailureCode.TOO_LARGE)):
        with pytest.raises(DocumentFailure) as caught:
            found[world.id(name)].fetch()
        assert caught.value.code is code
    assert text_of(found[world.id("README.md")].fetch()) == "# Read me"
    connector.close()


HOSTILE: tuple[bytes, ...] = (
    b"-rf", b"--upload-pack=x", b"two\nlines.md", b"tab\tname", b'quo"ted', b"\xff\xfe.md", b"a b.md",
    "turned\u202etxt.md".encode(), "한글 문서.md".encode(), b":(glob)*", b"d/" * 300 + b"long.md",
    b"$(x)`y`.md",
)  # fmt: skip


def test_hostile_names_are_read_or_reported(world: GitWorld) -> None:
    for number, name in enumerate(HOSTILE):
        world.repository.put(name, f"text {number}")
    connector = world.connector()
    events = check_listing(connector)
    found = upserts(events)
    for number, name in enumerate(HOSTILE):
        external_id = world.id(name.decode("utf-8", "surrogateescape"))
        if id_problem(external_id):
            assert external_id not in found
        else:
            assert text_of(found[external_id].fetch()) == f"text {number}"
    failed = [event for event in events if isinstance(event, Failure)]
    assert len(failed) == sum(
        bool(id_problem(world.id(n.decode("utf-8", "surrogateescape")))) for n in HOSTILE
    )
    assert len(failed) >= 4
    connector.close()
    for name in HOSTILE:
        del world.repository.files[name]
    last = events[-1]
    assert isinstance(last, Complete)
    gone = [e for e in world.connector().documents(cursor=last.cursor) if isinstance(e, Tombstone)]
    assert len(gone) == len(HOSTILE) - len(failed)


def test_only_what_is_included_is_read(world: GitWorld) -> None:
    world.put("src/main.py", "print()")
    world.put("src/notes.md", "notes")
    for include, names in (
        (["docs/"], {"docs/plan.md"}),
        (["/docs/", "*.py"], {"docs/plan.md", "src/main.py"}),
        (["src/*.md"], {"src/notes.md"}),
    ):
        lines: list[Json] = list(include)
        assert set(upserts(listed(world.connector(include=lines)))) == {world.id(name) for name in names}


def test_a_link_is_made_by_the_template_and_is_part_of_the_version(world: GitWorld) -> None:
    name = world.put("docs/이름 #1.md", "text")
    template = "https://git.example.com/{repository}/blob/{branch}/{path}"
    plain = upserts(listed(world.connector()))[name]
    linked = upserts(listed(world.connector(link=template)))[name]
    assert linked.url == (f"https://git.example.com/{world.slug}/blob/HEAD/docs/%EC%9D%B4%EB%A6%84%20%231.md")
    assert plain.version != linked.version
    nested = link("https://x.example.com/{path}", repository("ssh://h/r"), branch="", path="{branch}")
    assert nested == "https://x.example.com/%7Bbranch%7D"


def test_another_branch_can_be_read_and_one_that_is_not_there_stops_the_run(world: GitWorld) -> None:
    world.repository.commit()
    world.repository.put("only-here.md", "x")
    world.repository.commit(branch="release/1.0", rewrite=True)
    world.repository.remove("only-here.md")
    assert world.id("only-here.md") in upserts(listed(world.connector(branch="release/1.0")))
    assert world.id("only-here.md") not in upserts(listed(world.connector()))
    with pytest.raises(Stop):
        listed(world.connector(branch="gone"))


def test_an_empty_repository_is_an_error_and_no_empty_listing(tmp_path: Path) -> None:
    connector = GitWorld(tmp_path).connector()
    with pytest.raises(Stop):
        listed(connector)
    assert not connector.check()[0].ok


def test_a_git_that_gives_no_reason_is_said_to_give_none_in_any_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = subprocess.CompletedProcess([], 128, stdout=b"", stderr=b"\n")
    monkeypatch.setattr(program.Git, "_ended", lambda *_, **__: silent)
    with pytest.raises(Retry) as caught:
        program.Git(program.Proof(), Surroundings(Network())).remote(
            repository("file:///x"), None, "ls-remote"
        )
    sentence = said(caught.value)
    assert isinstance(sentence, Told)
    assert isinstance(sentence.values["detail"], Told)


def test_a_wrong_token_asks_for_the_administrator_and_is_never_told(
    world: GitWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.repository.commit()
    commands: list[list[str]] = []
    real = subprocess.Popen

    def noted(command: list[str], **more: object) -> object:
        commands.append(command)
        return real(command, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", noted)
    connector = world.kind.build(world.config, {"token": "hunter22"}, world.surroundings)
    with pytest.raises(Reconfigure) as caught:
        listed(connector)
    assert "hunter22" not in str(caught.value)
    assert "hunter22" not in repr(vars(connector))
    assert not connector.check()[0].ok
    assert commands
    assert not any("hunter22" in part for command in commands for part in command)
    with pytest.raises(Reconfigure):
        listed(world.kind.build(world.config, {}, world.surroundings))


def test_the_token_is_not_sent_to_where_a_redirect_leads(world: GitWorld) -> None:
    world.repository.commit()
    moved = world.server.address(f"moved/{world.slug}")
    asked = len(world.server.requests)
    with pytest.raises(Reconfigure, match="another address"):
        listed(world.connector(repositories=[moved]))
    assert len(world.server.requests) == asked


def test_a_certificate_that_is_not_trusted_or_not_for_the_name_is_refused(world: GitWorld) -> None:
    world.repository.commit()
    number = world.server.address(world.slug).replace("localhost", "127.0.0.1")
    with pytest.raises(Reconfigure, match="certificate"):
        listed(world.connector(repositories=[number]))
    stranger = {key: value for key, value in world.config.items() if key != "ca_file"}
    with pytest.raises(Reconfigure, match="certificate"):
        listed(world.kind.build(stranger, {"token": TOKEN}, world.surroundings))


def test_a_private_address_is_refused_unless_it_is_allowed(world: GitWorld) -> None:
    world.repository.commit()
    connector = world.kind.build(world.config, {"token": TOKEN}, Surroundings(network=Network()))
    with pytest.raises(Reconfigure, match="MUNDAP_ALLOWED_NETWORKS"):
        listed(connector)


def test_git_goes_to_the_judged_address_and_asks_no_resolver(world: GitWorld) -> None:
    class Pretending(Network):
        """Judges every name to be this machine."""

        def addresses(self, host: str, port: int) -> tuple[str, ...]:
            return ("127.0.0.1",)

    world.repository.commit()
    unknown = world.server.address(world.slug).replace("localhost", "git.invalid")
    surroundings = Surroundings(network=Pretending(), scratch=world.scratch)
    connector = world.kind.build({**world.config, "repositories": [unknown]}, {"token": TOKEN}, surroundings)
    with pytest.raises(Reconfigure, match="certificate"):  # it got there, and the name is not this machine's
        listed(connector)


def test_a_connection_that_breaks_is_tried_again_later(world: GitWorld) -> None:
    world.put("big.txt", "".join(chr(0xAC00 + n % 11_000) for n in range(30_000)))
    world.repository.commit()
    for after in (0, 800, 4000, 20_000):
        with cutting_proxy(world.server.port, after_bytes=after) as port:
            address = world.server.address(world.slug).replace(str(world.server.port), str(port))
            with pytest.raises(Retry):
                listed(world.connector(repositories=[address]))


def test_settings_of_the_machine_and_of_the_repository_are_not_obeyed(
    world: GitWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "mark"
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f"[core]\n\tfsmonitor = touch {mark}\n\thooksPath = {home}\n"
        f'[url "https://localhost:1/"]\n\tinsteadOf = https://localhost:{world.server.port}/\n'
        f"[http]\n\tproxy = http://127.0.0.1:1\n[credential]\n\thelper = !touch {mark}\n"
    )
    hook = home / "reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
    hook.chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
    world.put(".gitattributes", "*.md filter=evil diff=evil\n")
    world.put(".gitmodules", '[submodule "x"]\n\tpath = x\n\turl = ext::touch mark\n')
    connector = world.connector()
    found = upserts(listed(connector))
    assert text_of(found[world.id("docs/plan.md")].fetch()) == "# The plan"
    assert not mark.exists()
    connector.close()


def test_secrets_on_the_disk_go_when_the_connector_is_closed(world: GitWorld) -> None:
    connector = world.connector()
    upserts(listed(connector))[world.id("README.md")].fetch()
    assert not [
        path for path in world.scratch.rglob("*") if path.is_file() and TOKEN in path.read_text("latin-1")
    ]
    connector.close()


def test_work_that_was_stopped_ends_while_the_server_is_silent(world: GitWorld) -> None:
    world.repository.commit()
    with CuttingProxy(world.server.port, later=0, silent=True) as proxy:
        address = world.server.address(world.slug).replace(str(world.server.port), str(proxy.port))
        surroundings = Surroundings(
            network=world.surroundings.network, scratch=world.scratch, stopped=lambda: proxy.cuts > 0
        )
        connector = world.kind.build(
            {**world.config, "repositories": [address]}, {"token": TOKEN}, surroundings
        )
        with closing(connector), pytest.raises(Stopped):
            listed(connector)


def test_a_repository_on_this_machine_is_read_without_a_network(world: GitWorld) -> None:
    world.repository.commit()
    local: list[Json] = [f"file://{world.repository.folder}"]
    connector = world.kind.build({"repositories": local}, {}, Surroundings(scratch=world.scratch))
    names = {external_id.rpartition(":")[2] for external_id in upserts(listed(connector))}
    assert names == {"README.md", "docs/plan.md"}


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c touch% x", "-oProxyCommand=x", "ssh://-oProxyCommand=x/y", "https://user:secret@host/x", "git://host/x",
        "ftp://host/x", "/srv/x", "file://host/x", "https://host", "https://host:99999/x", "https://user@host/x",
        "ssh://a;b@host/x", "https://host/a b", "https://host/x?y", "helper::https://host/x",
    ],
)  # fmt: skip
def test_an_address_that_could_mean_more_is_refused_and_shows_no_password(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        repository(address)
    assert "secret" not in str(caught.value)


def test_addresses_become_names_without_what_does_not_matter() -> None:
    assert repository("git@git.example.com:team/a.git").name == "git.example.com/team/a"
    assert repository("https://git.example.com:443/team/a.git/").name == "git.example.com/team/a"
    assert repository("ssh://me@git.example.com:2222/a").url == "ssh://me@git.example.com:2222/a"
    assert repository("file:///srv/a.git").name == "file:/srv/a"


@pytest.mark.parametrize("branch", ["-x", "a..b", "a b", "a:b", "+a*", "a@{1}", "/a", "a\nb", ""])
def test_a_branch_that_could_mean_more_is_refused(branch: str) -> None:
    assert branch_problem(branch)
    assert not branch_problem("release/1.0-한글")


@pytest.mark.parametrize(
    "config",
    [
        {"repositories": ["https://h/a", "https://h/a.git"]},
        {"repositories": ["http://h/a"]},
        {"repositories": ["https://h/a", "https://other/a"]},
        {"repositories": ["https://h/a"], "branch": "a:b"},
        {"repositories": ["https://h/a"], "link": "https://h/{repository}"},
        {"repositories": ["https://h/a"], "link": "javascript:{path}"},
        {"repositories": ["https://h/a"], "audience": ["somebody"]},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(config: JsonObject) -> None:
    with pytest.raises(UsageError):
        GitWorld.kind.build(config, {"token": TOKEN}, Surroundings())


def test_checkpoints_come_within_a_hundred_documents(world: GitWorld) -> None:
    for number in range(120):
        world.put(f"n{number:03}.md", str(number))
    events = listed(world.connector())
    assert [n for n, event in enumerate(events) if isinstance(event, Checkpoint)] == [100]
    assert sum(isinstance(event, Upsert) for event in events) == 122
