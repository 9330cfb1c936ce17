"""A wrong configuration gets one line that says what, where and what to do."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from assistant.common.errors import UsageError
from assistant.common.types import Json
from connectors.registry import KINDS, connector_kind
from connectors.sdk.config import validate
from connectors.sdk.contract import ConfigField, ConnectorKind, FieldType

KIND = ConnectorKind(
    name="sample",
    label={},
    fields=(
        ConfigField("root", FieldType.PATH, required=True),
        ConfigField("title", FieldType.TEXT),
        ConfigField("audience", FieldType.CHOICE, choices=("everyone", "staff")),
        ConfigField("token", FieldType.SECRET, required=True),
    ),
    build=connector_kind("jsonl").build,
)


def test_a_sound_configuration_comes_back_as_it_is() -> None:
    config = {"root": "/srv/문서", "audience": "staff"}
    assert validate(KIND, config=config, secrets={"token": "s3cret\nline"}) == (
        config,
        {"token": "s3cret\nline"},
    )


@pytest.mark.parametrize(
    ("config", "secrets", "says"),
    [
        ({"root": "/a", "rot": "/b"}, {"token": "t"}, "no setting 'rot'"),
        ({"root": "/a", "a\u202eb": "x"}, {"token": "t"}, "\\u202e"),
        ({"root": "/a"}, {"token": "t", "pass": "x"}, "no setting 'pass'"),
        ({"title": "x"}, {"token": "t"}, "needs 'root'"),
        ({"root": "/a"}, {}, "needs 'token': add it to the secrets file"),
        ({"root": "/a", "token": "t"}, {}, "is a secret"),
        ({"root": "/a"}, {"token": "t", "title": "x"}, "is no secret"),
        ({"root": 5}, {"token": "t"}, "must be a text, not a number"),
        ({"root": None}, {"token": "t"}, "not null"),
        ({"root": True}, {"token": "t"}, "not true or false"),
        ({"root": ["/a"]}, {"token": "t"}, "not a list"),
        ({"root": {"a": 1}}, {"token": "t"}, "not an object"),
        ({"root": " "}, {"token": "t"}, "is empty"),
        ({"root": "docs"}, {"token": "t"}, "absolute path"),
        ({"root": "../docs"}, {"token": "t"}, "absolute path"),
        ({"root": "/a\x00b"}, {"token": "t"}, "control characters"),
        ({"root": "/a\nb"}, {"token": "t"}, "control characters"),
        ({"root": "/" + "a" * 5000}, {"token": "t"}, "longer than"),
        ({"root": "/a", "audience": "everybody"}, {"token": "t"}, "Choose one of: everyone, staff"),
    ],
)
def test_a_wrong_configuration_is_refused_in_one_line(
    config: Mapping[str, Json], secrets: Mapping[str, str], says: str
) -> None:
    with pytest.raises(UsageError) as refused:
        validate(KIND, config=config, secrets=secrets)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "sample" in str(refused.value)


def test_a_refused_secret_is_not_repeated_in_the_message() -> None:
    with pytest.raises(UsageError) as refused:
        validate(KIND, config={"root": "/a", "token": "hunter2"}, secrets={})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("name", ["filesystem", "jsonl"])
def test_only_everyone_can_be_an_audience(name: str) -> None:
    kind = connector_kind(name)
    required = {field.name: "/srv/x" for field in kind.fields if field.required}
    assert (
        validate(kind, config={**required, "audience": "everyone"}, secrets={})[0]["audience"] == "everyone"
    )
    with pytest.raises(UsageError):
        validate(kind, config={**required, "audience": "all"}, secrets={})


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_choice_has_a_name_in_both_languages(name: str) -> None:
    for field in connector_kind(name).fields:
        assert set(field.choice_labels) == set(field.choices), field.name
        for labels in field.choice_labels.values():
            assert labels["en"], field.name
            assert labels["ko"], field.name
