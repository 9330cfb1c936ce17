"""Signing in with the password of a company's directory in Chromium, against a real OpenLDAP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.server import REPOSITORY, environment_of, running_server
from tests.connectors.servers.slapd import PASSWORD, READER, SUFFIX, slapd

pytestmark = pytest.mark.browser

_LOOPBACK = {"MUNDAP_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128"}
_PEOPLE = f"ou=browser,{SUFFIX}"
_RIGHT = "회사 비밀번호 5"
_ADD = """
import sys, django
django.setup()
from assistant.identity.providers import ProviderForm, add_provider, set_open
url, ca_file, bind_dn, password, base = sys.argv[1:]
row = add_provider(
    ProviderForm(
        name="한빛 디렉터리", kind="ldap", slug="hanbit",
        settings={"url": url, "ca_file": ca_file, "bind_dn": bind_dn, "base": base},
        secrets={"bind_password": password}, domains=["hanbit.example"],
    ),
    actor="test",
)
set_open(provider_id=row.pk, is_open=True, actor="test")
"""


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[str]:
    """Where the server answers. One person is in the company's directory, which is open."""
    directory = slapd()
    directory.add(_PEOPLE, ["organizationalUnit"], {})
    haneul = f"uid=haneul,{_PEOPLE}"
    directory.add(haneul, ["inetOrgPerson"], {"cn": "김하늘", "sn": "김", "mail": "haneul@hanbit.example"})
    assert directory.admin.extend.standard.modify_password(haneul, new_password=_RIGHT)
    with running_server(home, _LOOPBACK) as address:
        url, ca_file = f"ldaps://localhost:{directory.secure_port}", str(directory.certified.authority)
        subprocess.run(
            [sys.executable, "-c", _ADD, url, ca_file, READER, PASSWORD, _PEOPLE],
            cwd=REPOSITORY,
            env=environment_of(home) | _LOOPBACK,
            check=True,
            timeout=60,
        )
        yield address
    directory.remove_tree(_PEOPLE)


def test_a_person_of_the_directory_signs_in_by_user_name_and_a_wrong_password_is_said(
    server: str, chromium: Browser
) -> None:
    with chromium.new_context(locale="ko-KR") as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{server}/sign-in/")
        for password in ("틀린 비밀번호", _RIGHT):
            page.get_by_label("이메일 주소 또는 사용자 이름").fill("haneul")
            page.get_by_label("비밀번호").fill(password)
            page.get_by_role("button", name="로그인").click()
            if password != _RIGHT:
                expect(page.get_by_role("alert").first).to_be_visible()
        page.wait_for_url(f"{server}/")
