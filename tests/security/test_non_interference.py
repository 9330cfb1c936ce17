"""What a person sees is byte for byte the same as if nothing else were there."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import transaction

from assistant.access import mask
from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.models import User
from assistant.common.types import Json
from assistant.index.registry import opened_index
from assistant.sync.services import add_source
from tests.conftest import DOCUMENTS, GROUPS, SmallWorld
from tests.security.asking import everything_seen, told

# They speak of the same things in the same words, so that each shifts the other's statistics.
MORE: tuple[dict[str, Json], ...] = (
    {
        "id": "remote-hr",
        "title": "Remote work of executives",
        "acl": {"allow": ["group:hr"]},
        "text": "Remote work remote work remote work. Executives do so five days. Laptop laptop laptop.",
    },
    {
        "id": "remote-all",
        "title": "Remote work, short",
        "acl": {"allow": ["group:staff"]},
        "text": "Remote work needs a laptop and a quiet room. Ask your lead before the first day.",
    },
    {
        "id": "leave-exec",
        "title": "임원 휴가 규정",
        "acl": {"allow": ["group:executives"]},
        "text": "임원의 연차 휴가는 25일입니다. 휴가 휴가 휴가. 경조사 휴가는 제한이 없습니다.",
    },
    {
        "id": "leave-open",
        "title": "휴가 안내",
        "acl": {"allow": ["everyone"]},
        "text": "휴가를 신청하려면 인사팀에 문의해 주십시오. 연차 휴가는 하루 전에 신청합니다.",
    },
    {
        "id": "network-ada",
        "title": "Network of the plant",
        "acl": {"allow": ["user:ada@example.com"]},
        "text": "The guest network is apart. The network key of the plant is in the safe.",
    },
    {
        "id": "network-none",
        "title": "Guest network, old",
        "text": "Guest network guest network. Visitors register register at the front desk desk.",
    },
    {
        "id": "price",
        "title": "Price list",
        "acl": {"deny": ["group:executives"], "allow": ["group:staff"]},
        "text": "The price of a pump is 4 million won. The price of a valve is 300,000 won.",
    },
    {
        "id": "price-exec",
        "title": "Price of the merger",
        "acl": {"allow": ["group:executives"]},
        "text": "The price, 41 billion won, is paid in two parts. 합병 가격은 410억 원입니다.",
    },
)
QUERIES = (
    "remote work",
    "how many days of remote work are allowed",
    "laptop",
    "first day",
    "Daejeon office",
    "office opens",
    "08:30",
    "visitors",
    "guest network",
    "ondam-guest",
    "network key",
    "front desk",
    "salary band",
    "senior engineer",
    "merger",
    "Heron Logistics",
    "price",
    "price of a pump",
    "41 billion won",
    "server room code",
    "휴가",
    "연차 휴가는 며칠입니까",
    "경조사 휴가",
    "휴가 신청",
    "임원 휴가",
    "책임급 연봉",
    "합병 가격",
    "인사팀 문의",
    "방문자 등록",
    "nothing like this anywhere xyzzy",
)
QUESTIONS = (
    "How many days of remote work are allowed?",
    "What is the guest network called?",
    "What is the price of the merger?",
    "What does a senior engineer earn?",
    "연차 휴가는 며칠입니까?",
    "합병 가격은 얼마입니까?",
    "Who keeps the server room code?",
)
EVERY_DOCUMENT = (*MORE[:4], *DOCUMENTS, *MORE[4:])
EXPECTED = {
    "ann": {"handbook", "policy-ko", "open", "remote-all", "leave-open", "price"},
    "bob": {
        "handbook",
        "policy-ko",
        "open",
        "salaries",
        "remote-hr",
        "remote-all",
        "leave-open",
        "leave-exec",
        "price-exec",
    },
    "cho": {
        "handbook",
        "policy-ko",
        "open",
        "merger",
        "remote-all",
        "leave-open",
        "leave-exec",
        "price-exec",
    },
    "sam": {"open", "leave-open"},
    "ada": {"open", "leave-open", "network-ada"},
}


# Who reads together with whom: what they see depends on nothing that not all of them may read.
EXPECTED["bob+cho"] = EXPECTED["bob"] & EXPECTED["cho"]


def _viewer(world: SmallWorld, reader: str) -> Viewer:
    asker, *others = reader.split("+")
    user = User.objects.get(email=f"{asker}@example.com")
    return viewer_for(user, beside=[world.viewer(other).user_id for other in others])


def _seen_in_a_world_of(
    names: set[str], readers: list[str], *, home: Path, settings: LazySettings
) -> dict[str, dict[str, str]]:
    """Sync a fresh world of these documents, and ask everything as each reader."""
    settings.MUNDAP_INDEX_DIR = home / "index"
    mask.forget()
    opened_index.cache_clear()
    home.mkdir()
    world = SmallWorld(
        file=home / "world.jsonl",
        source_id=0,
        documents={
            str(document["id"]): dict(document) for document in EVERY_DOCUMENT if document["id"] in names
        },
        groups={str(group["group"]): dict(group) for group in GROUPS},
    )
    with transaction.atomic():
        world.write()
        world.source_id = add_source(
            kind="jsonl", name="world", config={"path": str(world.file)}, actor="test"
        )
        assert world.sync().state == "succeeded"
        seen = {
            reader: everything_seen(_viewer(world, reader), queries=QUERIES, questions=QUESTIONS)
            for reader in readers
        }
        for reader in readers:
            if "+" in reader:
                seen[reader] |= {f"turn {asked}": told(_viewer(world, reader), asked) for asked in QUESTIONS}
        transaction.set_rollback(True)
    mask.forget()
    return seen


def test_removing_every_hidden_document_changes_no_byte(
    people: dict[str, User], tmp_path: Path, settings: LazySettings
) -> None:
    everything = {str(document["id"]) for document in EVERY_DOCUMENT}
    full = _seen_in_a_world_of(everything, list(EXPECTED), home=tmp_path / "full", settings=settings)
    for reader, readable in EXPECTED.items():
        assert full[reader]["count"] == str(len(readable))
        alone = _seen_in_a_world_of(readable, [reader], home=tmp_path / reader, settings=settings)
        for asked, said in alone[reader].items():
            assert full[reader][asked] == said, f"{reader}: {asked}"
    together = "".join(full["bob+cho"].values())
    assert "three days" in full["bob+cho"]["turn How many days of remote work are allowed?"]
    assert "82 to 96" in full["bob"]["ask What does a senior engineer earn?"]
    assert "82 to 96" not in together
    assert "Heron Logistics" not in together


def test_the_worlds_differ_where_somebody_may_see_the_difference(
    people: dict[str, User], tmp_path: Path, settings: LazySettings
) -> None:
    """The comparison itself can fail: one document more that bob may read does change his results."""
    fewer = EXPECTED["bob"] - {"remote-hr"}
    all_of_it = _seen_in_a_world_of(EXPECTED["bob"], ["bob"], home=tmp_path / "all", settings=settings)
    less = _seen_in_a_world_of(fewer, ["bob"], home=tmp_path / "less", settings=settings)
    assert all_of_it["bob"]["search remote work"] != less["bob"]["search remote work"]


@pytest.mark.parametrize("reader", ["sam", "ann"])
def test_a_question_about_what_is_hidden_sounds_like_one_about_nothing(
    people: dict[str, User], tmp_path: Path, settings: LazySettings, reader: str
) -> None:
    everything = {str(document["id"]) for document in EVERY_DOCUMENT}
    seen = _seen_in_a_world_of(everything, [reader], home=tmp_path / "full", settings=settings)[reader]
    for question in ("What is the price of the merger?", "Who keeps the server room code?"):
        assert "41 billion" not in seen[f"ask {question}"]
        assert "plant manager" not in seen[f"ask {question}"]
