"""What administrators may do with models: who they are, what fits, what becomes of a key, what is audited."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from assistant.accounts.models import Role, User
from assistant.accounts.roles import RIGHTS, Right
from assistant.audit.models import AuditEvent
from assistant.catalogue import services
from assistant.catalogue.accounting import usage_by_model
from assistant.catalogue.fitting import ModelSettings
from assistant.catalogue.kinds import BUILT_IN, KINDS
from assistant.catalogue.listing import catalogue_page, editable_model
from assistant.catalogue.models import LanguageModel
from assistant.catalogue.opening import stored_key
from assistant.catalogue.services import WrongModel
from assistant.catalogue.trying import try_environment, try_settings
from assistant.common.errors import ModelUnavailable, NotFound
from assistant.providers.registry import CHAT_MODELS
from tests.catalogue.conftest import Adding
from tests.catalogue.models import settings_of, viewer
from tests.common.scripted_server import ScriptedServer

pytestmark = pytest.mark.django_db
KEY = "sk-9f4e-canary-of-a-key"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_but_an_administrator_can_do_anything(
    adding: Adding, server: ScriptedServer, role: Role
) -> None:
    pk = adding("Swift")
    User.objects.create_user("other@example.com", role=role)
    other, settings = viewer("other"), settings_of(server, "Other")
    verbs: list[Callable[[], object]] = [
        lambda: services.add_model(settings, viewer=other),
        lambda: services.change_model(pk, settings, viewer=other),
        lambda: services.remove_model(pk, viewer=other),
        lambda: services.enable_model(pk, on=False, viewer=other),
        lambda: services.set_default(pk, viewer=other),
        lambda: try_settings(settings, viewer=other),
        lambda: try_environment(viewer=other),
        lambda: catalogue_page(viewer=other),
        lambda: editable_model(viewer=other, model_id=pk),
    ]
    if Right.SEE_USAGE not in RIGHTS[role]:
        verbs.append(lambda: usage_by_model(viewer=other))
    audited = AuditEvent.objects.count()
    for verb in verbs:
        with pytest.raises(NotFound):
            verb()
    assert AuditEvent.objects.count() == audited
    assert list(LanguageModel.objects.values_list("name", "is_default")) == [("Swift", False)]
    assert not server.seen


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 81),
        ("name", "a\x07b"),
        ("name", "Extractive"),
        ("name", "catalogue:1"),
        ("purpose", "x" * 201),
        ("kind", "extractive"),
        ("kind", "nothing"),
        ("address", ""),
        ("address", "ftp://llm.example.com"),
        ("address", "https://me:secret@llm.example.com/v1"),
        ("address", "llm"),
        ("server_model", " "),
        ("most_tokens", 63),
        ("silence_s", 0),
        ("most_at_once", 1_001),
        ("input_price", Decimal("-1")),
        ("input_price", Decimal("NaN")),
        ("input_price", Decimal("0.00001")),
        ("output_price", None),
        ("currency", "euro"),
        ("people", ("nobody at all",)),
        ("people", ("group:unknown",)),
        ("people", ()),
    ],
)
def test_what_does_not_fit_is_told_at_its_field_and_nothing_is_stored(
    server: ScriptedServer, people: dict[str, User], field: str, value: object
) -> None:
    fits = replace(settings_of(server, "Swift"), input_price=Decimal(1), output_price=Decimal(2))
    settings = replace(fits, for_everyone=field != "people", **{field: value})  # type: ignore[arg-type]
    with pytest.raises(WrongModel) as wrong:
        services.add_model(settings, viewer=viewer("ada"))
    assert set(wrong.value.wrong) == {field}
    assert not LanguageModel.objects.exists()


def test_a_name_is_given_once_in_any_case_of_letters(adding: Adding) -> None:
    adding("Swift")
    with pytest.raises(WrongModel, match="of this name"):
        adding(" sWIFT ")


def test_a_key_is_stored_sealed_and_only_for_its_own_row(adding: Adding) -> None:
    first, second = (LanguageModel.objects.get(pk=adding(name, key=KEY)) for name in ("First", "Second"))
    assert KEY.encode() not in bytes(first.sealed_key)
    assert stored_key(first) == KEY
    second.sealed_key = first.sealed_key  # moved by hand in the database
    with pytest.raises(ModelUnavailable, match="enter the API key again") as refused:
        stored_key(second)
    assert KEY not in str(refused.value)


def changed(pk: int, **given: object) -> ModelSettings:
    settings = editable_model(viewer=viewer("ada"), model_id=pk).settings
    return replace(settings, **given)  # type: ignore[arg-type]


def test_a_key_stays_is_replaced_or_is_forgotten(adding: Adding) -> None:
    pk, ada = adding("Swift", key=KEY), viewer("ada")
    for key, then in ((None, KEY), ("sk-other", "sk-other"), ("", "")):
        services.change_model(pk, changed(pk, purpose=f"For {then}"), key=key, viewer=ada)
        assert stored_key(LanguageModel.objects.get(pk=pk)) == then


def test_a_stored_key_never_goes_to_another_server(adding: Adding, server: ScriptedServer) -> None:
    pk, ada = adding("Swift", key=KEY), viewer("ada")
    elsewhere = changed(pk, address="https://evil.example/v1")
    for verb in (
        lambda: services.change_model(pk, elsewhere, viewer=ada),
        lambda: try_settings(elsewhere, model_id=pk, viewer=ada),
    ):
        with pytest.raises(WrongModel) as wrong:
            verb()
        assert set(wrong.value.wrong) == {"key"}
    assert LanguageModel.objects.get(pk=pk).address == f"{server.url}/v1"
    services.change_model(pk, elsewhere, key="", viewer=ada)
    assert not LanguageModel.objects.get(pk=pk).sealed_key


def test_every_change_is_audited_without_the_key(adding: Adding) -> None:
    pk, ada = adding("Swift", key=KEY), viewer("ada")
    services.change_model(pk, changed(pk, purpose="Other"), key="sk-2-canary", viewer=ada)
    services.change_model(pk, changed(pk), viewer=ada)  # nothing new: no event
    services.set_default(pk, viewer=ada)
    services.enable_model(pk, on=False, viewer=ada)
    services.enable_model(pk, on=False, viewer=ada)
    services.remove_model(pk, viewer=ada)
    events = list(AuditEvent.objects.filter(event__startswith="model_").order_by("pk"))
    assert [event.event for event in events] == [
        "model_added",
        "model_changed",
        "model_made_default",
        "model_disabled",
        "model_removed",
    ]
    assert {event.actor for event in events} == {"ada@example.com"}
    assert events[1].data["changed"] == ["purpose", "key"]
    assert "canary" not in json.dumps([event.data for event in events])


def test_what_was_stored_is_what_is_shown_again(adding: Adding, server: ScriptedServer) -> None:
    given = {
        "people": ("cho@example.com", "ann@example.com"),
        "input_price": Decimal("2.5"),
        "output_price": Decimal("10"),
        "currency": "KRW",
        "most_tokens": 500,
        "silence_s": 30,
        "most_at_once": 2,
    }
    pk = adding("Swift", **given)
    wanted = replace(settings_of(server, "Swift", **given), people=("ann@example.com", "cho@example.com"))
    assert editable_model(viewer=viewer("ada"), model_id=pk).settings == wanted


def test_a_narrower_audience_counts_at_once(adding: Adding) -> None:
    pk = adding("Swift")
    services.change_model(
        pk, changed(pk, for_everyone=False, people=("ann@example.com",)), viewer=viewer("ada")
    )
    page = catalogue_page(viewer=viewer("ada"))
    assert next(each.people for each in page.models if each.entry.row_id == pk) == ("ann@example.com",)


def test_every_language_model_that_there_is_can_be_entered() -> None:
    assert set(KINDS) == set(CHAT_MODELS) - {BUILT_IN}


def test_a_model_in_a_folder_needs_no_address_and_sends_nothing_anywhere(
    adding: Adding, people: dict[str, User]
) -> None:
    pk = adding(
        "House", kind="transformers", address="https://left.over.example/v1", server_model="/models/house"
    )
    entry = next(
        each.entry for each in catalogue_page(viewer=viewer("ada")).models if each.entry.row_id == pk
    )
    assert entry.host == ""
    assert LanguageModel.objects.get(pk=pk).address == ""
