"""Which metadata of a provider counts, from where it comes, and what stays when it cannot be read."""

from __future__ import annotations

import pytest

from assistant.identity.models import FetchedMetadata, IdentityProvider
from assistant.identity.providers import Mistakes, ProviderForm, change_provider
from assistant.identity.saml.party import NotDescribed, party_of
from assistant.identity.saml.refreshing import refresh
from tests.identity.saml.made_messages import IDP, PLAIN, keys, signed
from tests.identity.saml.test_flow import added, metadata_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "text",
    [
        "no xml",
        "<a/>",
        f'<!DOCTYPE a [<!ENTITY b "c">]>{metadata_of()}',
        metadata_of(entity=""),
        metadata_of(extra='validUntil="2020-01-01T00:00:00Z"'),
        metadata_of(extra='validUntil="soon"'),
        metadata_of().replace("https://idp.example.com/sso", "javascript:alert(1)"),
        metadata_of().replace(keys("rsa").certificate_body, "AAAA"),
    ],
)
def test_metadata_that_cannot_be_used_is_refused_when_it_is_saved(text: str) -> None:
    with pytest.raises(Mistakes) as caught:
        added({"metadata": text})
    assert set(caught.value.by_field) == {"metadata"}


def test_metadata_must_be_signed_as_a_whole_where_a_certificate_is_named() -> None:
    named = {"metadata_certificate": keys("rsa").certificate}
    with pytest.raises(Mistakes):
        added({"metadata": metadata_of(), **named})
    whole = signed_metadata(metadata_of())
    assert party_of(added({"metadata": whole, **named})).entity_id == IDP
    row = IdentityProvider.objects.get()
    for changed in (
        whole.replace("idp.example.com/sso", "evil.example/sso"),
        f'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">{whole}'
        "</md:EntitiesDescriptor>",
    ):
        form = ProviderForm(name="Acme", kind="saml", settings={"metadata": changed, **named})
        with pytest.raises(Mistakes):
            change_provider(provider_id=row.pk, form=form, actor="test")


def signed_metadata(text: str) -> str:
    """Signed by the provider's own key over the whole document."""
    head, rest = text.split(">", 1)
    return signed(f"{head}>{PLAIN.template('_m')}{rest}", PLAIN)


def test_metadata_is_read_again_and_a_failure_keeps_what_was_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = added({"metadata_url": "https://idp.example.com/metadata"})
    with pytest.raises(NotDescribed):
        party_of(row)
    served = {"text": metadata_of()}
    monkeypatch.setattr("assistant.identity.saml.refreshing._fetched", lambda _: served["text"])
    assert refresh(row) == ""
    first = party_of(row).certificates
    for bad in ("no xml", metadata_of(entity="https://other.example")):
        served["text"] = bad
        assert refresh(row) != ""
        assert party_of(row).certificates == first
        assert FetchedMetadata.objects.get().problem
    served["text"] = metadata_of(key="other")
    assert refresh(row) == ""
    assert party_of(row).certificates != first
    IdentityProvider.objects.update(settings={**row.settings, "metadata_url": "https://idp.example.com/new"})
    row.refresh_from_db()
    with pytest.raises(NotDescribed):
        party_of(row)


def test_metadata_is_fetched_by_the_guarded_client_only() -> None:
    row = added({"metadata_url": "https://127.0.0.1/metadata"})
    assert "private or reserved address" in refresh(row)
    assert not FetchedMetadata.objects.get().text
