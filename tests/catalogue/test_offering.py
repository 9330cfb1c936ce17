"""Who is offered which model, and which one is the default."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction
from django.utils import timezone

from assistant.accounts.models import Connection, User
from assistant.accounts.people import close_account
from assistant.catalogue.entries import ModelNotOffered
from assistant.catalogue.models import LanguageModel, ModelGrant
from assistant.catalogue.selectors import model_for_turn, models_for, names_for
from assistant.catalogue.services import enable_model, remove_model, set_default
from assistant.common.errors import UsageError
from tests.catalogue.conftest import Adding
from tests.catalogue.models import viewer
from tests.conftest import SmallWorld

pytestmark = pytest.mark.django_db


def offered(name: str) -> list[str]:
    return [entry.called for entry in models_for(viewer(name))]


def test_without_any_model_there_are_quoted_sentences(people: dict[str, User]) -> None:
    (only,) = models_for(viewer("sam"))
    assert (only.key, only.is_default, only.host) == ("extractive", True, "")


def test_a_model_for_everyone_is_everyones_and_the_built_in_one_stays_the_default(adding: Adding) -> None:
    adding("Swift")
    for name in ("ann", "sam", "ada"):
        assert offered(name) == ["extractive", "Swift"]
        assert model_for_turn(viewer(name)).key == "extractive"


def test_a_model_for_some_is_offered_to_these_and_to_nobody_else(
    small_world: SmallWorld, adding: Adding
) -> None:
    adding("Persons", people=("cho@example.com",))
    adding("Groups", people=("group:hr",))
    assert offered("cho") == ["extractive", "Persons"]
    assert offered("bob") == ["extractive", "Groups"]
    for name in ("ann", "sam", "ada"):  # whoever manages models may still not use one that is not theirs
        assert offered(name) == ["extractive"]


def test_who_is_in_a_group_within_the_group_may_use_it(small_world: SmallWorld, adding: Adding) -> None:
    adding("Staff", people=("group:staff @ world",))
    assert [name for name in ("ann", "bob", "cho", "sam") if "Staff" in offered(name)] == [
        "ann",
        "bob",
        "cho",
    ]


def test_a_group_whose_members_nobody_confirms_any_more_opens_nothing(
    small_world: SmallWorld, adding: Adding
) -> None:
    adding("Groups", people=("group:hr",))
    Connection.objects.update(principals_confirmed_at=timezone.now() - timedelta(days=400))
    assert offered("bob") == ["extractive"]


def test_who_leaves_the_group_loses_the_model(small_world: SmallWorld, adding: Adding) -> None:
    adding("Groups", people=("group:hr",))
    small_world.groups["hr"]["members"] = []
    small_world.sync()
    assert offered("bob") == ["extractive"]


def test_a_model_without_a_grant_is_nobodys(adding: Adding) -> None:
    adding("Persons", people=("ann@example.com",))
    ModelGrant.objects.all().delete()
    assert offered("ann") == ["extractive"]


def test_a_closed_account_is_offered_nothing(adding: Adding, people: dict[str, User]) -> None:
    adding("Swift")
    ann = viewer("ann")
    close_account(user_id=people["ann"].pk, actor="test")
    assert models_for(ann) == ()
    with pytest.raises(ModelNotOffered):
        model_for_turn(ann)
    with pytest.raises(ModelNotOffered):
        model_for_turn(ann, "extractive")


def test_unknown_switched_off_and_not_theirs_are_refused_in_the_same_words(adding: Adding) -> None:
    adding("Hidden", people=("cho@example.com",))
    off = adding("Off")
    enable_model(off, on=False, viewer=viewer("ada"))
    sentences = set()
    for wanted in ("Hidden", "Off", "Nothing", f"catalogue:{off}"):
        with pytest.raises(ModelNotOffered) as refused:
            model_for_turn(viewer("ann"), wanted)
        sentences.add(str(refused.value).replace(wanted, "…"))
    assert sentences == {"There is no model '…' that you may use. You may use: extractive."}


def test_a_model_is_asked_for_by_name_in_any_case_or_by_key(adding: Adding) -> None:
    pk = adding("Swift writer")
    for wanted in ("Swift writer", "SWIFT WRITER", f"catalogue:{pk}"):
        assert model_for_turn(viewer("ann"), wanted).row_id == pk


def test_the_default_is_one_and_counts_for_who_may_use_it(adding: Adding) -> None:
    first, second = adding("First"), adding("Second", people=("ann@example.com",))
    ada = viewer("ada")
    set_default(first, viewer=ada)
    set_default(second, viewer=ada)
    assert LanguageModel.objects.filter(is_default=True).count() == 1
    assert offered("ann") == ["Second", "First", "extractive"]
    assert offered("sam") == ["extractive", "First"]
    set_default(None, viewer=ada)
    assert offered("ann")[0] == "extractive"


def test_the_database_holds_one_default_at_most_and_none_that_is_switched_off(adding: Adding) -> None:
    first, second = adding("First"), adding("Second")
    set_default(first, viewer=viewer("ada"))
    with pytest.raises(IntegrityError), transaction.atomic():
        LanguageModel.objects.filter(pk=second).update(is_default=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        LanguageModel.objects.filter(pk=first).update(is_enabled=False)


@pytest.mark.parametrize("how", ["off", "removed"])
def test_a_default_that_is_switched_off_or_removed_leaves_the_built_in_one(adding: Adding, how: str) -> None:
    pk, ada = adding("Swift"), viewer("ada")
    set_default(pk, viewer=ada)
    assert model_for_turn(viewer("ann")).row_id == pk
    if how == "off":
        enable_model(pk, on=False, viewer=ada)
    else:
        remove_model(pk, viewer=ada)
    assert model_for_turn(viewer("ann")).key == "extractive"


def test_one_that_is_switched_off_cannot_be_made_the_default(adding: Adding) -> None:
    pk = adding("Swift")
    enable_model(pk, on=False, viewer=viewer("ada"))
    with pytest.raises(UsageError, match="Switch the model on"):
        set_default(pk, viewer=viewer("ada"))


def test_the_environments_model_is_the_default_and_nothing_here_can_outrank_it(
    adding: Adding, settings: LazySettings
) -> None:
    pk = adding("Swift")
    set_default(pk, viewer=viewer("ada"))
    settings.MUNDAP_CHAT_MODEL = "openai-compatible"
    settings.MUNDAP_CHAT_MODEL_NAME = "house-model"
    settings.MUNDAP_CHAT_URL = "http://llm.example.com:8000/v1"
    first, *others = models_for(viewer("sam"))
    assert (first.key, first.name, first.host) == ("openai-compatible", "house-model", "llm.example.com:8000")
    assert [(entry.called, entry.is_default) for entry in others] == [("Swift", False), ("extractive", False)]
    with pytest.raises(UsageError, match="MUNDAP_CHAT_MODEL"):
        set_default(None, viewer=viewer("ada"))
    assert model_for_turn(viewer("sam"), "openai-compatible").name == "house-model"


def test_names_are_told_of_what_may_be_used_now_and_of_nothing_else(adding: Adding) -> None:
    pk = adding("Hidden", people=("cho@example.com",))
    assert set(names_for(viewer("ann"))) == {"extractive"}
    assert names_for(viewer("cho"))[f"catalogue:{pk}"] == "Hidden"
