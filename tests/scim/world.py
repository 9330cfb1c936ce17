"""A provider with a key, and a program that speaks SCIM with it over HTTP as Django's client speaks it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import cast

from django.test import Client

from assistant.accounts.models import User
from assistant.common.types import Json
from assistant.identity.models import IdentityProvider
from assistant.identity.scim.keys import issue_provisioning_key

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
JsonDict = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Said:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def value(self) -> JsonDict:
        """The JSON object of the body."""
        return cast(JsonDict, json.loads(self.body))

    @property
    def id(self) -> str:
        """The resource's id."""
        return str(self.value["id"])

    @property
    def found(self) -> list[JsonDict]:
        """The resources of a list."""
        return cast(list[JsonDict], self.value["Resources"])

    @property
    def error(self) -> tuple[int, str]:
        """Status and kind of an error, after a look at its shape."""
        assert self.value["schemas"] == [ERROR]
        assert self.value["status"] == str(self.status)
        assert self.value["detail"]
        return self.status, str(self.value.get("scimType", ""))


@dataclass(frozen=True, slots=True)
class Program:
    """A provisioning client with one key, or with none."""

    key: str | None

    def send(
        self,
        method: str,
        path: str,
        value: Json = None,
        *,
        body: bytes | None = None,
        content_type: str = "application/scim+json",
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> Said:
        """Any request below /scim/v2/."""
        sent = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        data = body if body is not None else (json.dumps(value).encode() if value is not None else b"")
        came = Client(raise_request_exception=False, enforce_csrf_checks=True).generic(
            method,
            f"/scim/v2/{path}",
            data,
            content_type,
            headers={**sent, **(headers or {})},
            query_params=query,
        )
        assert came.headers["Cache-Control"] == "no-store"
        if came.content:
            assert came.headers["Content-Type"] == "application/scim+json", came.content[:200]
        return Said(came.status_code, dict(came.headers.items()), came.content)

    def get(self, path: str, **query: str) -> Said:
        """GET."""
        return self.send("GET", path, query=query)

    def post(self, path: str, value: Json) -> Said:
        """POST."""
        return self.send("POST", path, value)

    def put(self, path: str, value: Json) -> Said:
        """PUT."""
        return self.send("PUT", path, value)

    def delete(self, path: str) -> Said:
        """DELETE."""
        return self.send("DELETE", path)

    def patch(self, path: str, *operations: JsonDict) -> Said:
        """PATCH with these operations."""
        return self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})

    def add_person(self, email: str, **fields: Json) -> Said:
        """A new person with this address."""
        emails: Json = [{"value": email, "type": "work", "primary": True}]
        return self.post("Users", {"schemas": [USER], "userName": email, "emails": emails, **fields})

    def add_group(self, name: str, *members: str) -> Said:
        """A new group with these members."""
        held: Json = [{"value": member} for member in members]
        return self.post("Groups", {"schemas": [GROUP], "displayName": name, "members": held})


def provider(slug: str = "okta", domain: str = "example.com", **fields: object) -> IdentityProvider:
    """A provider that may speak for one domain. Its settings are never asked here."""
    return IdentityProvider.objects.create(
        slug=slug, name=slug.title(), kind="saml", is_open=True, domains=[domain], **fields
    )


def program_of(row: IdentityProvider) -> Program:
    """A program with a new key of this provider."""
    return Program(issue_provisioning_key(provider_id=row.pk, name="sync", days=30, actor="test").text)


def account(email: str) -> User:
    """Whose account it is."""
    return User.objects.get(email=email)
