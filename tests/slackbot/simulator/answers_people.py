"""users.*, bots.info, team.info, files.info, and what concerns tokens: auth.*, apps.*, oauth.v2.access."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from assistant.common.types import Json
from tests.slackbot.simulator.arguments import Refused
from tests.slackbot.simulator.calls import Call, Handler
from tests.slackbot.simulator.drawn import file_object, user_object
from tests.slackbot.simulator.records import App, File, Installation, Object, Workspace
from tests.slackbot.simulator.state import TOKEN_LIFE


def user_info(call: Call) -> Object:
    user = call.known_user(call.args.text("user"))
    locale = call.args.flag("include_locale")
    return {"user": user_object(user, team_id=call.team_id, scopes=call.scopes, with_locale=locale)}


def list_users(call: Call) -> Object:
    locale = call.args.flag("include_locale")
    drawn: list[Json] = [
        user_object(user, team_id=call.team_id, scopes=call.scopes, with_locale=locale)
        for user in call.state.users.values()
        if user.workspace.id == call.team_id
    ]
    drawn.append(_slackbot(call.team_id))
    return call.page(drawn, "members", usual=1000, most=1000)


def _slackbot(team_id: str) -> Object:
    """Slack's own bot is in every list of users, and Slack says of it that it is none."""
    return {
        "id": "USLACKBOT",
        "team_id": team_id,
        "name": "slackbot",
        "real_name": "Slackbot",
        "deleted": False,
        "profile": {"real_name": "Slackbot", "display_name": "Slackbot", "always_active": True},
        "is_bot": False,
        "is_app_user": False,
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_email_confirmed": False,
        "updated": 0,
    }


def lookup_by_email(call: Call) -> Object:
    email = call.args.text("email").casefold()
    for user in call.state.users.values():
        own = user.workspace.id == call.team_id and not user.deleted
        if own and user.email is not None and user.email.casefold() == email:
            return {"user": user_object(user, team_id=call.team_id, scopes=call.scopes)}
    raise Refused("users_not_found")


def bot_info(call: Call) -> Object:
    bot_id = call.args.text("bot") or call.bot.bot_id
    for user in call.state.users.values():
        if user.bot_id == bot_id and user.workspace.id == call.team_id:
            return {
                "bot": {
                    "id": user.bot_id,
                    "deleted": user.deleted,
                    "name": user.name,
                    "updated": 1_700_000_000,
                    "app_id": user.app_id,
                    "user_id": user.id,
                    "icons": {},
                }
            }
    raise Refused("bot_not_found")


def team_info(call: Call) -> Object:
    team = call.installation.workspace
    if call.args.text("team") not in ("", team.id):
        raise Refused("team_not_found")
    return {
        "team": {
            "id": team.id,
            "name": team.name,
            "url": f"https://{team.domain}.slack.com/",
            "domain": team.domain,
            "email_domain": "",
            "enterprise_id": team.enterprise_id,
        }
    }


def file_info(call: Call) -> Object:
    file = call.state.files.get(call.args.text("file"))
    if file is None or not can_see(call.installation, file, call):
        raise Refused("file_not_found")
    if file.mode == "tombstone":
        raise Refused("file_deleted")
    return {"file": file_object(file, call.base), "comments": [], "response_metadata": {"next_cursor": ""}}


def can_see(installed: Installation, file: File, call: Call) -> bool:
    """An app sees the files of the conversations that it is in."""
    channels = (call.state.channels.get(each) for each in file.channels)
    return any(channel is not None and installed.bot.id in channel.members for channel in channels)


def auth_test(call: Call) -> Object:
    assert call.token is not None
    if call.token.kind == "app":
        return {"app_id": call.token.app_id, "app_name": call.state.apps[call.token.app_id].name}
    team = call.installation.workspace
    answer: Object = {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.name,
        "user": call.bot.name,
        "team_id": team.id,
        "user_id": call.bot.id,
        "bot_id": call.bot.bot_id,
        "is_enterprise_install": False,
    }
    if team.enterprise_id:
        answer["enterprise_id"] = team.enterprise_id
    if call.token.expires_at is not None:
        answer["expires_in"] = int(call.token.expires_at - call.state.clock.now())
    return answer


def revoke(call: Call) -> Object:
    assert call.token is not None
    if not call.args.flag("test"):
        call.token.revoked = True
    return {"revoked": not call.args.flag("test")}


def uninstall(call: Call) -> Object:
    app = _app_with_secret(call)
    if app is not call.installation.app:
        raise Refused("client_id_token_mismatch")
    installed = call.installation
    installed.removed = True
    call.events.tokens_revoked(installed)
    call.events.uninstalled(installed)
    return {}


def open_connection(call: Call) -> Object:
    """A Socket Mode address with a ticket that counts once."""
    assert call.token is not None
    app = call.state.apps[call.token.app_id]
    if not app.socket_mode:
        raise Refused("access_denied", "Socket Mode is off for this app")
    ticket = secrets.token_urlsafe(16)
    call.state.codes[ticket] = ("socket", app.id)
    return {"url": f"{call.base.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={app.id}"}


def oauth_access(call: Call) -> Object:
    """A token for a code, or a new one for a refresh token; each code and refresh token counts once."""
    app, args = _app_with_secret(call), call.args
    if args.text("grant_type") == "refresh_token":
        for installed in app.installations.values():
            if installed.refresh_token and installed.refresh_token == args.text("refresh_token"):
                return _granted(call, installed)
        raise Refused("invalid_refresh_token")
    kind, place = call.state.codes.pop(args.text("code"), ("", ""))
    if kind != app.id:
        raise Refused("invalid_code")
    return _granted(call, app.installations[place])


def _granted(call: Call, installed: Installation) -> Object:
    app, team = installed.app, installed.workspace
    if installed.removed:
        raise Refused("invalid_refresh_token")
    token = call.state.new_token(app, team, installed.scopes)
    installed.token = token.value
    answer: Object = {
        "access_token": token.value,
        "token_type": "bot",
        "scope": ",".join(sorted(installed.scopes)),
        "bot_user_id": installed.bot.id,
        "app_id": app.id,
        "team": _named(team),
        "enterprise": {"id": team.enterprise_id} if team.enterprise_id else None,
        "is_enterprise_install": False,
        "authed_user": {},
    }
    if app.token_rotation:
        installed.refresh_token = f"xoxe-1-{secrets.token_urlsafe(16)}"
        answer |= {"refresh_token": installed.refresh_token, "expires_in": int(TOKEN_LIFE)}
    return answer


def _named(team: Workspace) -> Json:
    return {"id": team.id, "name": team.name}


def _app_with_secret(call: Call) -> App:
    for app in call.state.apps.values():
        if app.client_id == call.args.text("client_id"):
            if app.client_secret != call.args.text("client_secret"):
                raise Refused("bad_client_secret")
            return app
    raise Refused("invalid_client_id")


PEOPLE: Final[Mapping[str, Handler]] = {
    "users.info": user_info,
    "users.list": list_users,
    "users.lookupByEmail": lookup_by_email,
    "bots.info": bot_info,
    "team.info": team_info,
    "files.info": file_info,
    "auth.test": auth_test,
    "auth.revoke": revoke,
    "apps.uninstall": uninstall,
    "apps.connections.open": open_connection,
    "oauth.v2.access": oauth_access,
}
