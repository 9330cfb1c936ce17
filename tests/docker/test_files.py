"""No engine runs in the tests, so what can be seen in the files is looked at here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKERFILE = (REPOSITORY / "docker/Dockerfile").read_text(encoding="utf-8")
COMPOSE = (REPOSITORY / "docker/compose.yaml").read_text(encoding="utf-8")
SERVICES = yaml.safe_load(COMPOSE)["services"]


def known_settings() -> set[str]:
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^#([A-Z_]+)=", example, flags=re.MULTILINE))


def test_the_image_runs_as_its_own_user_and_tells_its_health() -> None:
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    user = re.search(r"^USER (\d+):\d+$", last_stage, flags=re.MULTILINE)
    assert user is not None
    assert int(user[1]) > 0
    assert user.end() < last_stage.index("ENTRYPOINT")
    assert "assistant.config.health" in last_stage


def test_every_image_is_pinned() -> None:
    images = re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)
    images += [service["image"] for service in SERVICES.values()]
    assert len(images) >= 6
    for image in images:
        assert re.search(r":\d+\.\d+", image), image


@pytest.mark.parametrize("service", ["web", "worker", "maintenance", "scheduler"])
def test_every_setting_that_a_container_gets_is_one_that_mundap_knows(service: str) -> None:
    for name in SERVICES[service]["environment"]:
        assert name.removesuffix("_FILE") in known_settings(), name


def test_every_setting_in_the_dockerfile_is_known() -> None:
    named = set(re.findall(r"\b(MUNDAP_[A-Z_]+|DATABASE_URL)=", DOCKERFILE))
    assert named
    assert named <= known_settings()


def test_no_secret_has_a_default() -> None:
    for line in COMPOSE.splitlines():
        if re.search(r"PASSWORD|SECRET|_URL", line):
            assert ":-" not in line, line
            assert "_FILE: /run/secrets/" in line or "${MUNDAP_SECRETS" in line, line


def test_stores_are_healthy_before_mundap_starts_and_keep_their_data() -> None:
    for store in ("postgres", "rabbitmq"):
        assert SERVICES[store]["healthcheck"]["test"]
        assert SERVICES[store]["volumes"]
        for service in ("web", "worker", "maintenance", "scheduler"):
            assert SERVICES[service]["depends_on"][store] == {"condition": "service_healthy"}


def test_only_this_machine_reaches_the_web_server() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in published["web"])


def test_the_context_holds_what_the_dockerfile_copies() -> None:
    allowed = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, flags=re.MULTILINE):
        for copied in line.split()[:-1]:
            assert f"!{copied}" in allowed, copied
    assert allowed[0] == "*"


def test_the_readme_says_that_the_files_were_not_run() -> None:
    assert "**Not run here:**" in (REPOSITORY / "docker/README.md").read_text(encoding="utf-8")


def test_the_network_of_local_only_mode_has_no_way_out_and_everything_is_on_it() -> None:
    text = (REPOSITORY / "docker/compose.local-only.yaml").read_text(encoding="utf-8")
    inside = yaml.safe_load(text.replace("!reset ", ""))
    assert set(inside["services"]) == set(SERVICES)
    assert all(service["networks"] == ["house"] for service in inside["services"].values())
    assert inside["services"]["web"]["ports"] == []
    (network,) = inside["networks"].values()
    assert network["internal"] is True
    for name in ("web", "worker", "maintenance", "scheduler"):
        given = inside["services"][name]["environment"]
        assert set(given) <= known_settings()
        assert given["MUNDAP_LOCAL_ONLY"] == "1"
        assert given["MUNDAP_LOCAL_NETWORKS"] == network["ipam"]["config"][0]["subnet"]
        assert {"postgres", "rabbitmq"} <= set(given["MUNDAP_LOCAL_NAMES"].split(","))
