"""The story of a table, from PostgreSQL and MariaDB through the engine to what each person finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from assistant.common.network import parse_networks
from assistant.sync.services import add_source
from tests.connectors.servers.sql_servers import PASSWORD
from tests.connectors.sources.database_world import (
    GROUPS_QUERY,
    DatabaseWorld,
    MariadbWorld,
    PostgresqlWorld,
    config_of,
)
from tests.sources.story import Story, read_table

TABLE = Path(__file__).with_name("database.md")
ANN, BOB, CHO = ("user:ann@example.com", "user:bob@example.com", "user:cho@example.com")
OFFER, COMPLAINT, NOTICE = "offer for sales", "complaint for hr but not Bob", "안내문 for everyone"
EMPTY, BROKEN, MINUTES = "note with an empty list", "note with a broken list", "minutes for the board"
LETTER, RENUMBERED = "letter to Cho", "the renumbered letter"


class Tickets:
    """The tables on the server and the source in the database. A step changes the one and syncs the other."""

    def __init__(self, world: DatabaseWorld) -> None:
        self.world = world
        source_id = add_source(
            kind="database",
            name="tickets",
            config=config_of(world.server, groups_query=GROUPS_QUERY[world.server.engine]),
            secrets={"password": PASSWORD},
            actor="test",
        )
        self.story = Story(source_id=source_id)

    def put(self, document: str, number: str, text: str, readers: str | None) -> None:
        """A ticket; the first word of its text is the one that no other has."""
        self.world.put(number, text)
        self.world.change(number, readers=readers)
        self.story.ids[document], self.story.words[document] = number, text.split(maxsplit=1)[0]


@pytest.fixture(params=[PostgresqlWorld, MariadbWorld], ids=["postgresql", "mariadb"])
def tickets(
    request: pytest.FixtureRequest, people: dict[str, User], settings: LazySettings, tmp_path: Path
) -> Iterator[Tickets]:
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    world = request.param(tmp_path)
    assert isinstance(world, DatabaseWorld)
    with closing(world):
        yield Tickets(world)


def test_the_story_of_a_table(tickets: Tickets) -> None:
    tickets.story.play(read_table(TABLE), steps(tickets))


def steps(tickets: Tickets) -> dict[str, Callable[[], None]]:
    """What happens in each situation of the table."""
    return {
        "first sync": lambda: first_sync(tickets),
        "a row changes": lambda: changes(tickets),
        "a row arrives": lambda: arrives(tickets),
        "the offer goes to hr, permissions only": lambda: goes_to_hr(tickets),
        "Bob leaves hr": lambda: members(tickets, "hr", [CHO], "permissions"),
        "hr joins the board": lambda: members(tickets, "board", ["group:hr"], "incremental"),
        "the broken list is mended": lambda: mended(tickets),
        "a second row takes the id of the announcement": lambda: doubled(tickets),
        "the second row goes": lambda: single_again(tickets),
        "the letter is renumbered": lambda: renumbered(tickets),
        "the offer is deleted": lambda: deleted(tickets),
        "a team's row is broken": lambda: broken_team(tickets),
    }


def first_sync(tickets: Tickets) -> None:
    tickets.world.set_group("sales", [ANN, BOB])
    tickets.world.set_group("hr", [BOB, CHO])
    tickets.put(OFFER, "T1", "quokka is the word of the offer.", "group:sales")
    complaint = f'{{"deny": ["{BOB}"], "allow": ["group:hr"]}}'
    tickets.put(COMPLAINT, "T2", "numbat is what the complaint is about.", complaint)
    tickets.put(NOTICE, "T3", "두루미 행사의 안내문입니다.", "everyone")
    tickets.put(EMPTY, "T4", "wombat stands in a note for nobody.", None)
    tickets.put(BROKEN, "T5", "bilby stands in a note whose list is broken.", "ann, please")
    tickets.put(MINUTES, "T6", "potoroo is what the board decided.", "group:board")
    run = tickets.story.sync("full")
    assert (run.state, run.failed, run.added) == ("succeeded_with_errors", 1, 5)


def changes(tickets: Tickets) -> None:
    tickets.put(OFFER, "T1", "dunnart is the new word of the offer.", "group:sales")
    run = tickets.story.sync()
    assert (run.updated, run.added, run.deleted) == (1, 0, 0)


def arrives(tickets: Tickets) -> None:
    tickets.put(LETTER, "T7", "quoll is what Cho is told.", CHO)
    assert tickets.story.sync().added == 1


def goes_to_hr(tickets: Tickets) -> None:
    tickets.world.change("T1", readers='["group:hr"]')
    tickets.story.sync("permissions")


def members(tickets: Tickets, team: str, people: list[str], kind: str) -> None:
    tickets.world.set_group(team, people)
    assert tickets.story.sync(kind).updated == 0


def mended(tickets: Tickets) -> None:
    tickets.world.change("T5", readers=ANN)
    assert tickets.story.sync().state == "succeeded"


def doubled(tickets: Tickets) -> None:
    insert = "INSERT INTO documents (name, title, body, readers) VALUES ('T3', 'x', 'y', 'group:hr')"
    tickets.world.session.execute(insert)
    assert tickets.story.sync().state == "succeeded_with_errors"


def single_again(tickets: Tickets) -> None:
    tickets.world.session.execute("DELETE FROM documents WHERE title = 'x'")
    assert tickets.story.sync().state == "succeeded"


def renumbered(tickets: Tickets) -> None:
    tickets.world.session.execute("UPDATE documents SET name = 'T70' WHERE name = 'T7'")
    tickets.story.ids[RENUMBERED], tickets.story.words[RENUMBERED] = "T70", tickets.story.words[LETTER]
    run = tickets.story.sync("full")  # the feed tells of no deletion
    assert (run.added, run.deleted) == (1, 1)


def deleted(tickets: Tickets) -> None:
    tickets.world.delete("T1")
    assert tickets.story.sync("full").deleted == 1


def broken_team(tickets: Tickets) -> None:
    tickets.world.session.execute("INSERT INTO members VALUES ('board', 'the whole board')")
    assert tickets.story.sync().state == "succeeded_with_errors"
