"""A real MediaWiki (Debian package `mediawiki`) on SQLite in a folder of the tests."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.connectors.servers.php import php_server
from tests.connectors.servers.programs import free_port, installed_file, program

_INSTALL = "/usr/share/mediawiki/maintenance/install.php"
ADMIN, ADMIN_PASSWORD = "Admin", "long enough admin word"
ROBOT, PASSWORD = "Mundap", "long enough robot word"
_DATABASES = ("wiki.sqlite", "wiki_jobqueue.sqlite", "wikicache.sqlite")
_GROUPS = ("staff", "board", "dev", "hr")

# Reads a list of {"do": ..., ...} and carries each out as the wiki's own code would for its administrator.
_SCRIPT = r"""<?php
require_once '/usr/share/mediawiki/maintenance/Maintenance.php';
use MediaWiki\MediaWikiServices;
class Change extends Maintenance {
    public function execute() {
        $services = MediaWikiServices::getInstance();
        $admin = User::newFromName('Admin');
        $out = [];
        foreach (json_decode(file_get_contents('php://stdin'), true) as $step) {
            $title = isset($step['title']) ? Title::newFromText($step['title']) : null;
            $page = $title ? $services->getWikiPageFactory()->newFromTitle($title) : null;
            if ($step['do'] === 'put') {
                $status = $page->doUserEditContent(new WikitextContent($step['text']), $admin, 'test');
                $out[] = $page->getId();
            } elseif ($step['do'] === 'delete') {
                $error = '';
                $page->doDeleteArticleReal('test', $admin);
                $out[] = 0;
            } elseif ($step['do'] === 'move') {
                $new = Title::newFromText($step['to']);
                $mover = $services->getMovePageFactory()->newMovePage($title, $new);
                $mover->move($admin, 'test', !empty($step['redirect']));
                $out[] = $new->getArticleID();
            } elseif ($step['do'] === 'user') {
                $user = User::newFromName($step['name']);
                if (!$user->getId()) {
                    $user = User::createNew($step['name']);
                }
                if (isset($step['password'])) {
                    $user->changeAuthenticationData(
                        ['username' => $user->getName(), 'password' => $step['password'],
                         'retype' => $step['password']]
                    );
                }
                $manager = $services->getUserGroupManager();
                foreach ($manager->getUserGroups($user) as $name) {
                    $manager->removeUserFromGroup($user, $name);
                }
                foreach ($step['groups'] as $name) {
                    $manager->addUserToGroup($user, $name);
                }
                $out[] = $user->getId();
            } elseif ($step['do'] === 'block') {
                $services->getBlockUserFactory()
                    ->newBlockUser($step['name'], $admin, 'infinity', 'test')->placeBlockUnsafe();
                $out[] = 0;
            } elseif ($step['do'] === 'forget') {
                wfGetDB(DB_PRIMARY)->delete('recentchanges', '*', __METHOD__);
                $out[] = 0;
            } elseif ($step['do'] === 'age') {
                $db = wfGetDB(DB_PRIMARY);
                $time = $db->timestamp(time() - $step['seconds']);
                $db->update('recentchanges', ['rc_timestamp' => $time], '*', __METHOD__);
                $db->update('logging', ['log_timestamp' => $time], '*', __METHOD__);
                $out[] = 0;
            }
        }
        DeferredUpdates::doUpdates();
        echo json_encode($out);
    }
}
$maintClass = Change::class;
require_once RUN_MAINTENANCE_IF_MAIN;
"""


@dataclass(slots=True)
class MediaWiki:
    """The wiki's address and files. Steps are collected and carried out together, by `flush`.

    The first steps after a reset are those of many tests: what came of them is kept and put back.
    """

    url: str
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    _waiting: list[dict[str, object]] = field(default_factory=list)
    _is_fresh: bool = False
    _beginning: str = ""
    _kept: dict[str, list[int]] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """Where the databases lie."""
        return self.folder / "data"

    def reset(self) -> None:
        """As it was after the installation."""
        self._waiting.clear()
        _copy_databases(self.folder / "fresh", self.data)
        self._is_fresh = True
        self.settings = {}
        self.configure()

    def configure(self, **settings: str) -> None:
        """Lines of PHP by any name, put into the wiki's settings."""
        self._beginning = ""
        self.settings.update(settings)
        self.settings["groups"] = " ".join(
            f"$wgGroupPermissions['{name}']['read'] = true;" for name in _GROUPS
        )
        text = "<?php\n" + "\n".join(self.settings.values()) + "\n"
        (self.folder / "More.php").write_text(text, encoding="utf-8")

    def namespaces(self, names: Mapping[int, str]) -> None:
        """Content namespaces beside the main one; the numbers are even."""
        lines = [
            f"$wgExtraNamespaces[{number}] = '{name}'; $wgContentNamespaces[] = {number};"
            for number, name in names.items()
        ]
        self.configure(namespaces="\n".join(lines))

    def later(self, do: str, **step: object) -> None:
        """Remember a step: put, delete, move, user, block, forget or age."""
        self._waiting.append({"do": do, **step})

    def flush(self) -> list[int]:
        """Carry out what waits; for each step the page's or user's number, 0 for none."""
        if not self._waiting:
            return []
        steps, self._waiting = self._waiting, []
        self._beginning = ""
        if not self._is_fresh:
            return self._carried_out(steps)
        self._is_fresh = False
        key = hashlib.sha256(json.dumps([self.url, self.settings, steps]).encode()).hexdigest()
        kept = self.folder / "kept" / key
        if key in self._kept:
            _copy_databases(kept, self.data)
        else:
            self._kept[key] = self._carried_out(steps)
            kept.mkdir(parents=True)
            _copy_databases(self.data, kept)
        self._beginning = key
        return self._kept[key]

    def beginning(self) -> str:
        """The same for every wiki in which nothing but the same first steps has happened; else empty."""
        self.flush()
        return self._beginning

    def _carried_out(self, steps: list[dict[str, object]]) -> list[int]:
        ran = _php(self.folder, str(self.folder / "change.php"), given=json.dumps(steps))
        found: list[int] = json.loads(ran)
        return found

    def bot_password(self, name: str, password: str) -> str:
        """Give the robot a bot password with basic rights; what to sign in as with it."""
        script = f"{Path(_INSTALL).parent}/createBotPassword.php"
        _php(self.folder, script, "--appid", name, "--grants", "basic", ROBOT, password)
        return f"{ROBOT}@{name}"

    def do(self, do: str, **step: object) -> int:
        """One step, at once."""
        self.later(do, **step)
        return self.flush()[-1]


def _copy_databases(source: Path, target: Path) -> None:
    for name in _DATABASES:
        shutil.copy(source / name, target / name)


def _php(folder: Path, *command: str, given: str = "") -> str:
    environment = {**os.environ, "MW_CONFIG_FILE": str(folder / "LocalSettings.php")}
    # Half of a step is compiling the wiki; a file that has changed is compiled anew.
    compiled = folder / "compiled"
    compiled.mkdir(exist_ok=True)
    options = ("opcache.enable_cli=1", "opcache.file_cache_only=1", f"opcache.file_cache={compiled}")
    ran = subprocess.run(
        [program("php", package="php-cli"), *(part for one in options for part in ("-d", one)), *command],
        input=given,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert ran.returncode == 0, f"{command[0]}: {ran.stdout[-2000:]} {ran.stderr[-2000:]}"
    return ran.stdout


def _install(folder: Path, url: str) -> None:
    installed_file(_INSTALL, package="mediawiki php-sqlite3 php-xml php-mbstring php-intl")
    options: Sequence[str] = (
        *(
            "--confpath",
            str(folder),
            "--dbtype",
            "sqlite",
            "--dbpath",
            str(folder / "data"),
            "--dbname",
            "wiki",
        ),
        *("--server", url, "--scriptpath", "", "--skins", "", "--pass", ADMIN_PASSWORD, "Wiki", ADMIN),
    )
    nowhere = folder / "nowhere"
    nowhere.mkdir()
    _php(nowhere, _INSTALL, *options)
    with (folder / "LocalSettings.php").open("a", encoding="utf-8") as settings:
        settings.write(
            "\n$wgGroupPermissions['*']['read'] = false;\n$wgGroupPermissions['*']['edit'] = false;\n"
            "$wgJobRunRate = 0; $wgDisableSearchUpdate = true; $wgParserCacheType = CACHE_NONE;\n"
            "$wgPasswordConfig['pbkdf2']['cost'] = '1';\n"
            "$wgDBservers = [['type' => 'sqlite', 'dbname' => 'wiki', 'load' => 1, 'flags' => 0,\n"
            "  'dbDirectory' => $wgSQLiteDataDir, 'variables' => ['synchronous' => 'OFF']]];\n"
            f"require '{folder}/More.php';\n"
        )
    (folder / "More.php").write_text("<?php\n", encoding="utf-8")
    (folder / "change.php").write_text(_SCRIPT, encoding="utf-8")


@contextmanager
def mediawiki_server(folder: Path) -> Iterator[MediaWiki]:
    """A wiki that runs until the block ends, readable for whoever has an account."""
    (folder / "data").mkdir()
    port = free_port()
    wiki = MediaWiki(f"http://127.0.0.1:{port}", folder)
    _install(folder, wiki.url)
    wiki.configure()
    wiki.do("user", name=ROBOT, password=PASSWORD, groups=[])
    (folder / "fresh").mkdir()
    _copy_databases(wiki.data, folder / "fresh")
    prepend = folder / "prepend.php"
    prepend.write_text(f"<?php define('MW_CONFIG_FILE', '{folder}/LocalSettings.php');", encoding="utf-8")
    options = {
        "auto_prepend_file": str(prepend),
        "session.save_path": str(folder / "data"),
        "display_errors": "0",
        "opcache.enable_cli": "1",
        "opcache.revalidate_freq": "0",
    }
    root = Path(_INSTALL).parents[1]
    with php_server(root, port=port, log=folder / "php.log", options=options):
        yield wiki
