"""The routes of SCIM, below `/scim/v2/`."""

from __future__ import annotations

from django.urls import path, re_path

from assistant.api.scim import describing, groups, people

app_name = "scim"

urlpatterns = [
    path("", describing.nothing, name="root"),
    path("ServiceProviderConfig", describing.config, name="config"),
    path("ResourceTypes", describing.types, name="types"),
    path("ResourceTypes/<str:name>", describing.one_type, name="type"),
    path("Schemas", describing.schemas, name="schemas"),
    path("Schemas/<str:name>", describing.one_schema, name="schema"),
    path("Users", people.people, name="people"),
    path("Users/.search", people.search, name="search-people"),
    path("Users/<str:resource>", people.person, name="person"),
    path("Groups", groups.groups, name="groups"),
    path("Groups/.search", groups.search, name="search-groups"),
    path("Groups/<str:resource>", groups.group, name="group"),
    re_path(r"", describing.nothing, name="nothing"),
]
