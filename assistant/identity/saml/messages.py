"""What we send: requests to sign in and to log out, and answers to logouts, all by HTTP-Redirect.

python3-saml writes and signs them. It puts addresses into XML as they are, so it is given them escaped.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from onelogin.saml2.authn_request import OneLogin_Saml2_Authn_Request
from onelogin.saml2.constants import OneLogin_Saml2_Constants
from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request
from onelogin.saml2.logout_response import OneLogin_Saml2_Logout_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from assistant.identity.saml.metadata import Party
from assistant.identity.saml.party import OwnAddresses


@dataclass(frozen=True, slots=True)
class Sent:
    """A message on its way: its ID, and the address to which the browser goes with it."""

    id: str
    to: str


@dataclass(frozen=True, slots=True)
class Correspondence:
    """Who writes to whom. `key`: PEM of the private key that signs; empty: nothing is signed."""

    party: Party
    own: OwnAddresses
    key: str


def sign_in_request(between: Correspondence, *, name_id_format: str, force: bool) -> Sent:
    """Ask who somebody is; `force`: they must show it anew, even if they are signed in there."""
    request = OneLogin_Saml2_Authn_Request(_settings(between, name_id_format), force_authn=force)
    to = _address(between.party.sign_in_url, "SAMLRequest", request.get_request(), between.key)
    return Sent(request.get_id(), to)


def logout_request(between: Correspondence, *, name_id: str, name_id_format: str, session_index: str) -> Sent:
    """Tell the provider that somebody signed out here."""
    request = OneLogin_Saml2_Logout_Request(
        _settings(between, name_id_format),
        name_id=name_id,
        name_id_format=name_id_format,
        session_index=escape(session_index),
    )
    to = _address(between.party.logout_url, "SAMLRequest", request.get_request(), between.key)
    return Sent(request.id, to)


def logout_answer(between: Correspondence, *, answers: str, relay_state: str) -> str:
    """The address to go to with the word that somebody is signed out here. `answers`: the request's ID."""
    response = OneLogin_Saml2_Logout_Response(_settings(between, ""))
    response.build(escape(answers, {'"': "&quot;"}))
    return _address(
        between.party.logout_answer_url, "SAMLResponse", response.get_response(), between.key, relay_state
    )


def _settings(between: Correspondence, name_id_format: str) -> OneLogin_Saml2_Settings:
    def written(text: str) -> str:
        return escape(text, {'"': "&quot;"})

    party, own = between.party, between.own
    return OneLogin_Saml2_Settings(
        {
            "strict": True,
            "sp": {
                "entityId": written(own.entity_id),
                "assertionConsumerService": {"url": written(own.consumer)},
                "NameIDFormat": name_id_format or OneLogin_Saml2_Constants.NAMEID_UNSPECIFIED,
            },
            "idp": {
                "entityId": written(party.entity_id),
                "singleSignOnService": {"url": written(party.sign_in_url)},
                "singleLogoutService": {
                    "url": written(party.logout_url),
                    "responseUrl": written(party.logout_answer_url),
                },
            },
            "security": {"requestedAuthnContext": False, "allowSingleLabelDomains": True},
        }
    )


def _address(url: str, name: str, message: str, key: str, relay_state: str = "") -> str:
    """The URL with the message, signed as the binding wants it: over the query as it is sent (saml-bindings
    3.4.4.1)."""
    said = [(name, message)]
    if relay_state:
        said.append(("RelayState", relay_state))
    if not key:
        return f"{url}{'&' if '?' in url else '?'}{urlencode(said)}"
    query = urlencode([*said, ("SigAlg", OneLogin_Saml2_Constants.RSA_SHA256)])
    signature = b64encode(OneLogin_Saml2_Utils.sign_binary(query, key)).decode("ascii")
    return f"{url}{'&' if '?' in url else '?'}{query}&{urlencode({'Signature': signature})}"
