"""By what filter a directory is asked for the very person that a subject names."""

from __future__ import annotations

import uuid

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from assistant.identity.ldap.directory import filter_for
from assistant.identity.ldap.entry import Entry, subject_of


@given(subject=st.text(max_size=40), attribute=st.sampled_from(["entryUUID", "employeeNumber", "objectGUID"]))
@hypothesis.settings(max_examples=60, deadline=None)
def test_no_subject_is_more_than_one_value_of_a_filter(subject: str, attribute: str) -> None:
    fitting = filter_for(subject, attribute)
    inside = fitting.removeprefix(f"({attribute}=").removesuffix(")")
    if fitting != f"(!({attribute}=*))":
        assert not set(inside) & set("()*\x00")


def test_the_filter_of_an_active_directory_holds_the_bytes_in_their_order() -> None:
    value = uuid.uuid4()
    known = Entry("cn=ann", {"objectguid": (value.bytes_le,)})
    subject = subject_of(known, "objectGUID")
    fitting = filter_for(subject, "objectGUID")
    assert bytes.fromhex(fitting.removeprefix("(objectGUID=").rstrip(")").replace("\\", "")) == value.bytes_le
