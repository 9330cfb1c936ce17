"""BM25 over files: the index's own numbers, and nothing of the words kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.access.viewer import viewer_for
from assistant.accounts.models import User
from assistant.retrieval import private_words
from assistant.retrieval.private import joined, retrieve_private
from assistant.retrieval.private_words import PassageWords, bm25, postings_of
from assistant.retrieval.retrieve import Plan, retrieve
from tests.chat.files import OFFER, added
from tests.conftest import SmallWorld

WORDS = st.lists(
    st.sampled_from(["fee", "notice", "contract", "해지", "보증금", "x-17"]), min_size=1, max_size=9
)


def words(text: str) -> PassageWords:
    return PassageWords(title="offer.md", headings="", text=text)


@given(st.lists(st.lists(WORDS, min_size=1, max_size=4), min_size=1, max_size=4), WORDS)
def test_scores_do_not_depend_on_how_passages_are_shared_out(
    texts: list[list[list[str]]], asked: list[str]
) -> None:
    documents = [[words(" ".join(passage)) for passage in document] for document in texts]
    apart = [private_words._counted(document) for document in documents]
    together = private_words._counted([one for document in documents for one in document])
    scores, most = bm25(" ".join(asked), apart)
    again, as_much = bm25(" ".join(asked), [together])
    assert scores.tolist() == again.tolist()
    assert most == as_much
    assert (scores <= most + 1e-9).all()


def test_what_is_kept_holds_no_words() -> None:
    found = postings_of(("digest of quetzal",), lambda: [words("quetzal")])
    assert "quetzal" not in repr(found)
    assert "quetzal" not in repr(private_words._kept)
    again = postings_of(("digest of quetzal",), lambda: pytest.fail("it was kept"))
    assert again is found


def test_a_file_s_scores_are_those_that_the_index_gives_to_the_same_text(small_world: SmallWorld) -> None:
    """The same passages as documents of a source that one person alone reads, searched by the index."""
    ann = small_world.viewer("ann")
    plain = OFFER.replace("# ", "")
    row = added(ann, "offer.txt", plain)
    eve = User.objects.create_user("eve.alone@example.com")
    small_world.documents.clear()
    acl = {"allow": [f"user:{eve.email}"]}
    small_world.documents["offer"] = {"id": "offer.txt", "title": "offer.txt", "text": plain, "acl": acl}
    small_world.sync("full")
    question = "Which notice ends the catering contract?"
    found = retrieve(question, viewer=viewer_for(eve), plan=Plan(k=9)).hits
    by_index = [hit for hit in found if hit.passage.external_id == "offer.txt"]
    by_hand = retrieve_private(question, viewer=ann, documents=[row.pk], k=9)
    assert len(by_index) == len(by_hand) > 0
    assert [hit.passage.text for hit in by_index] == [hit.passage.text for hit in by_hand]
    for one, other in zip(by_index, by_hand, strict=True):
        assert one.lexical == pytest.approx(other.lexical)
        assert one.dense == pytest.approx(other.dense, abs=1e-4)
        assert one.fit == pytest.approx(other.fit, abs=1e-4)


def test_each_side_of_a_joined_list_keeps_its_places(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    row = added(ann)
    question = "remote work days"
    company = list(retrieve(question, viewer=ann, plan=Plan(k=8)).hits)
    files = retrieve_private(question, viewer=ann, documents=[row.pk], k=8)
    both = joined(question, company, files, k=3)
    assert len(both) == 3
    assert {hit.passage.is_private for hit in both} == {False, True}
    assert joined(question, [], files, k=8) == files
    assert joined(question, company, [], k=8) == company
