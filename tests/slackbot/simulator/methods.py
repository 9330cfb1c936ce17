"""The methods of Slack's Web API that the simulator knows, one line each: tier, token, scopes, arguments.

Arguments are written `name:type`, with `!` where Slack requires them. The names are those of
`slack_sdk.web.client.WebClient` and of https://docs.slack.dev/reference/methods; a test compares
them, so that neither list changes unseen. Scopes are alternatives: any one of them is enough; a
method whose scope depends on the kind of conversation names the prefix before the colon with `*`.

Tiers are requests in a minute for one app in one workspace
(https://docs.slack.dev/apis/web-api/rate-limits): 1 is 1, 2 is 20, 3 is 50, 4 is 100; 0 is a
method with a rule of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

POSTED: Final = "text:text blocks:blocks attachments:list markdown_text:text"
AS_WHOM: Final = "icon_emoji:text icon_url:text username:text"
PAGE: Final = "cursor:text limit:int"
SPAN: Final = f"{PAGE} inclusive:bool include_all_metadata:bool latest:text oldest:text"

# method | tier | token | scopes | arguments
TABLE: Final = f"""
auth.test | 0 | bot app | |
auth.revoke | 3 | bot | | test:bool
apps.connections.open | 1 | app | connections:write |
apps.uninstall | 1 | bot | | client_id:text! client_secret:text!
oauth.v2.access | 4 | none | | client_id:text! client_secret:text! code:text redirect_uri:text grant_type:text refresh_token:text
chat.postMessage | 0 | bot | chat:write | channel:text! {POSTED} {AS_WHOM} as_user:bool thread_ts:ts reply_broadcast:bool unfurl_links:bool unfurl_media:bool container_id:text mrkdwn:bool link_names:bool parse:text metadata:object
chat.update | 3 | bot | chat:write | channel:text! ts:ts! {POSTED} as_user:bool file_ids:list link_names:bool parse:text reply_broadcast:bool metadata:object
chat.delete | 3 | bot | chat:write | channel:text! ts:ts! as_user:bool
chat.postEphemeral | 4 | bot | chat:write | channel:text! user:text! {POSTED} {AS_WHOM} as_user:bool thread_ts:ts link_names:bool parse:text
chat.getPermalink | 0 | bot | | channel:text! message_ts:ts!
chat.startStream | 2 | bot | chat:write | channel:text! thread_ts:ts! markdown_text:text recipient_team_id:text recipient_user_id:text chunks:list task_display_mode:text {AS_WHOM}
chat.appendStream | 4 | bot | chat:write | channel:text! ts:ts! markdown_text:text chunks:list
chat.stopStream | 2 | bot | chat:write | channel:text! ts:ts! markdown_text:text blocks:blocks metadata:object chunks:list session_status:text
conversations.info | 3 | bot | *:read | channel:text! include_locale:bool include_num_members:bool
conversations.list | 2 | bot | *:read | {PAGE} exclude_archived:bool team_id:text types:list
conversations.members | 4 | bot | *:read | channel:text! {PAGE}
conversations.history | 3 | bot | *:history | channel:text! {SPAN}
conversations.replies | 3 | bot | *:history | channel:text! ts:ts! {SPAN}
conversations.open | 3 | bot | im:write mpim:write | channel:text return_im:bool users:list
conversations.join | 3 | bot | channels:join | channel:text!
conversations.leave | 3 | bot | channels:manage channels:write groups:write | channel:text!
users.info | 4 | bot | users:read | user:text! include_locale:bool
users.list | 2 | bot | users:read | {PAGE} include_locale:bool team_id:text
users.lookupByEmail | 3 | bot | users:read.email | email:text!
users.conversations | 3 | bot | *:read | {PAGE} exclude_archived:bool team_id:text types:list user:text
views.open | 4 | bot | | trigger_id:text interactivity_pointer:text view:view!
views.push | 4 | bot | | trigger_id:text interactivity_pointer:text view:view!
views.update | 4 | bot | | view:view! external_id:text view_id:text hash:text
views.publish | 4 | bot | | user_id:text! view:view! hash:text
files.info | 4 | bot | files:read | file:text! count:int page:int {PAGE}
reactions.add | 3 | bot | reactions:write | channel:text! name:text! timestamp:ts!
reactions.remove | 2 | bot | reactions:write | name:text! channel:text file:text file_comment:text timestamp:ts
assistant.threads.setStatus | 0 | bot | assistant:write chat:write | channel_id:text! thread_ts:ts! status:text! loading_messages:list {AS_WHOM}
assistant.threads.setTitle | 0 | bot | assistant:write | channel_id:text! thread_ts:ts! title:text!
assistant.threads.setSuggestedPrompts | 0 | bot | assistant:write | channel_id:text! thread_ts:ts title:text prompts:list!
bots.info | 3 | bot | users:read | bot:text team_id:text
team.info | 3 | bot | team:read | team:text domain:text include_slackbot_availability:bool
"""  # noqa: E501 - one method is one line

A_MINUTE: Final = {1: 1, 2: 20, 3: 50, 4: 100}


@dataclass(frozen=True, slots=True)
class Argument:
    name: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class Method:
    """`tokens` are the kinds of token that Slack takes, empty for a method that needs none."""

    name: str
    tier: int
    tokens: frozenset[str]
    scopes: tuple[str, ...]
    arguments: tuple[Argument, ...]


def _method(line: str) -> Method:
    name, tier, tokens, scopes, arguments = (part.strip() for part in line.split("|"))
    return Method(
        name=name,
        tier=int(tier),
        tokens=frozenset(tokens.split()) - {"none"},
        scopes=tuple(scopes.split()),
        arguments=tuple(_argument(each) for each in arguments.split()),
    )


def _argument(written: str) -> Argument:
    name, kind = written.split(":")
    return Argument(name, kind.rstrip("!"), kind.endswith("!"))


METHODS: Final = {
    method.name: method for method in (_method(line) for line in TABLE.strip().splitlines() if line.strip())
}
