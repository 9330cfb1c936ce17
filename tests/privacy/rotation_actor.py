"""One process of `tests.privacy.rotation`: plants secrets, or lives on them while the key is replaced."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from random import Random

PASSWORD = "a long pass phrase of nobody"
CONFIG = {"url": "https://files.example.com/dav/", "user": "reader", "audience": ["everyone"]}
PEOPLE, SOURCES, MODELS = 4, 4, 240


def plant() -> dict[str, object]:
    """People with sessions and keys, sources and models with secrets. What an actor needs to know of them."""
    from django.test import Client  # noqa: PLC0415 - needs loaded settings

    from assistant.accounts.api_keys import issue_key  # noqa: PLC0415
    from assistant.accounts.digests import keyed_digest  # noqa: PLC0415
    from assistant.accounts.models import User  # noqa: PLC0415
    from assistant.catalogue.models import LanguageModel  # noqa: PLC0415
    from assistant.catalogue.opening import sealed_key  # noqa: PLC0415
    from assistant.sync.services import add_source  # noqa: PLC0415

    cookies, keys = [], []
    for n in range(PEOPLE):
        user = User.objects.create_user(f"r{n}@example.com", PASSWORD, role="administrator")
        client = Client()
        client.force_login(user)
        cookies.append(client.cookies["sessionid"].value)
        keys.append(issue_key(user_id=user.pk, name="test", days=1, actor=user.email).text)
    sources = [
        add_source(
            kind="webdav",
            name=f"rotated {n}",
            config=dict(CONFIG),
            secrets={"password": f"secret {n} 0"},
        )
        for n in range(SOURCES)
    ]
    for n in range(MODELS):
        row = LanguageModel.objects.create(
            name=f"model {n}", kind="openai-compatible", address="http://127.0.0.1:9/v1", server_model="m"
        )
        LanguageModel.objects.filter(pk=row.pk).update(sealed_key=sealed_key(row.pk, f"key {n}"))
    return {"cookies": cookies, "keys": keys, "sources": sources, "digest": keyed_digest("test", "stays")}


class Life:
    """What web and workers do. Whatever is read must be what was planted, or what this process wrote last."""

    def __init__(self, known: dict[str, list[object]], number: int, seed: int) -> None:
        from django.conf import settings  # noqa: PLC0415 - needs loaded settings
        from django.test import Client  # noqa: PLC0415

        self.random, self.known, self.at = Random(f"{seed} {number}"), known, number % SOURCES
        self.written = int(self._password(self.at).rsplit(" ", 1)[1])
        self.browser = Client()
        self.browser.cookies[settings.SESSION_COOKIE_NAME] = str(known["cookies"][number % PEOPLE])

    def read_sources(self) -> None:
        """The secrets of all sources."""
        for at in range(SOURCES):
            secret = self._password(at)
            assert secret.startswith(f"secret {at} "), secret
            assert at != self.at or secret == f"secret {at} {self.written}", f"{secret}: not {self.written}"

    def read_model(self) -> None:
        """The key of a model."""
        from assistant.catalogue.models import LanguageModel  # noqa: PLC0415
        from assistant.catalogue.opening import stored_key  # noqa: PLC0415

        row = LanguageModel.objects.get(name=f"model {self.random.randrange(MODELS)}")
        assert stored_key(row) == row.name.replace("model", "key"), row.name

    def write_source(self) -> None:
        """Another secret for the source that is this process's."""
        from assistant.sync.source_settings import replace_config  # noqa: PLC0415

        secrets = {"password": f"secret {self.at} {self.written + 1}"}
        source_id = int(str(self.known["sources"][self.at]))
        replace_config(source_id=source_id, config=dict(CONFIG), secrets=secrets, actor="test")
        self.written += 1

    def browse(self) -> None:
        """A page, by a session of before."""
        response = self.browser.get("/sessions/")
        assert response.status_code == 200, f"{response.status_code} {response.headers.get('Location', '')}"

    def sign_in(self) -> None:
        """A new session."""
        from django.test import Client  # noqa: PLC0415

        person = Client()
        name = f"r{self.random.randrange(PEOPLE)}@example.com"
        response = person.post("/sign-in/", {"email": name, "password": PASSWORD})
        assert response.status_code == 302, response.status_code
        assert person.get("/sessions/").status_code == 200

    def ask_api(self) -> None:
        """A request with a key."""
        from django.test import Client  # noqa: PLC0415

        bearer = {"Authorization": f"Bearer {self.random.choice(self.known['keys'])}"}
        response = Client().get("/api/v1/permissions/people?text=r1", headers=bearer)
        assert response.status_code == 200, response.status_code

    def digest(self) -> None:
        """What must stay the same for good."""
        from assistant.accounts.digests import keyed_digest  # noqa: PLC0415

        assert keyed_digest("test", "stays") == str(self.known["digest"])

    def _password(self, at: int) -> str:
        from assistant.sync.configuration import opened_secrets  # noqa: PLC0415
        from assistant.sync.models import Source  # noqa: PLC0415

        return opened_secrets(Source.objects.get(pk=int(str(self.known["sources"][at]))))["password"]


def act(known: dict[str, list[object]], number: int, seed: int) -> dict[str, object]:
    """Live until a line comes on stdin. How often each was done, and what went wrong."""
    done, errors, life = Counter[str](), list[str](), Life(known, number, seed)
    often = (life.read_sources, life.read_model, life.browse, life.ask_api, life.digest)
    ways = (*often, life.read_model, life.browse, life.write_source, life.sign_in)
    print("ready", flush=True)
    os.set_blocking(sys.stdin.fileno(), False)
    while sys.stdin.read(1) != "\n":
        way = life.random.choice(ways)
        try:
            way()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is what is looked for
            errors.append(f"{way.__name__}: {type(error).__name__}: {error}"[:300])
        done[way.__name__] += 1
        time.sleep(0.002)
    return {"done": dict(done), "errors": errors}


def main(arguments: list[str]) -> int:
    """Plant, or act."""
    parser = argparse.ArgumentParser(prog="rotation_actor", description=__doc__)
    parser.add_argument("--known", default="")
    parser.add_argument("--number", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.config.settings")
    import django  # noqa: PLC0415 - needs the environment

    django.setup()
    from django.conf import settings  # noqa: PLC0415

    settings.ALLOWED_HOSTS.append("testserver")
    result = act(json.loads(given.known), given.number, given.seed) if given.known else plant()
    print(json.dumps(result), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
