"""The settings of a SAML provider."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assistant.common.told import said as said_of
from assistant.common.told import told
from assistant.common.types import Json
from assistant.identity.kinds import Field, FieldType
from assistant.identity.saml.certificates import BadCertificates, certificates_in
from assistant.identity.saml.metadata import BadMetadata, is_web_address, read_metadata
from assistant.identity.saml.party import by_hand

PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"

FIELDS: tuple[Field, ...] = (
    Field(
        "metadata_url",
        FieldType.URL,
        _("Address of the provider’s metadata"),
        help=_(
            "Entra ID: App Federation Metadata Url. Okta: Metadata URL. Keycloak: Realm settings, SAML 2.0 "
            "Identity Provider Metadata. It is read when you save and once a day, so that a new certificate "
            "is known in time."
        ),
        example="https://id.example.com/metadata.xml",
    ),
    Field(
        "metadata",
        FieldType.LONG_TEXT,
        _("Metadata of the provider"),
        help=_(
            "If it has no address, as with Google Workspace (Download metadata): the whole XML file. It is "
            "replaced by hand when a certificate changes."
        ),
    ),
    Field(
        "metadata_certificate",
        FieldType.LONG_TEXT,
        _("Certificate of the metadata"),
        help=_("If the metadata is signed: only what this certificate signed is believed (PEM)."),
        advanced=True,
    ),
    Field(
        "entity_id",
        FieldType.TEXT,
        _("Entity ID of the provider"),
        help=_("Without metadata: the name that the provider gives itself, also called issuer."),
        advanced=True,
    ),
    Field(
        "sign_in_url",
        FieldType.URL,
        _("Sign-in address of the provider"),
        help=_("Without metadata: the address for HTTP-Redirect."),
        advanced=True,
    ),
    Field(
        "logout_url",
        FieldType.URL,
        _("Logout address of the provider"),
        help=_("Without metadata: the address for HTTP-Redirect, if there is single logout."),
        advanced=True,
    ),
    Field(
        "certificates",
        FieldType.LONG_TEXT,
        _("Certificates of the provider"),
        help=_("Without metadata: all with which the provider may sign (PEM). Several may stand here."),
        advanced=True,
    ),
    Field(
        "email_attribute",
        FieldType.TEXT,
        _("Attribute of the e-mail address"),
        help=_("Empty: the usual names are tried. NameID: the identifier itself."),
        example="mail",
    ),
    Field(
        "name_attribute",
        FieldType.TEXT,
        _("Attribute of the name"),
        help=_("Empty: the usual names are tried."),
        example="displayName",
    ),
    Field(
        "groups_attribute",
        FieldType.TEXT,
        _("Attribute of the groups"),
        help=_("Empty: the usual names are tried. Only roles by group need it."),
        example="groups",
    ),
    Field(
        "subject_attribute",
        FieldType.TEXT,
        _("Attribute of the lasting identifier"),
        help=_("Empty: the NameID. It must never change, and never be given to another person."),
        advanced=True,
    ),
    Field(
        "name_id_format",
        FieldType.CHOICE,
        _("Form of the NameID"),
        help=_(
            "What is asked of the provider. A transient one needs an attribute of the lasting identifier."
        ),
        default=PERSISTENT,
        choices=(
            (PERSISTENT, _("persistent")),
            (UNSPECIFIED, _("as the provider likes")),
            (EMAIL, _("e-mail address")),
            (TRANSIENT, _("transient")),
        ),
        advanced=True,
    ),
    Field(
        "signs_requests",
        FieldType.SWITCH,
        _("Sign requests"),
        help=_("The provider can then tell that a sign-in was begun here."),
        default=True,
        advanced=True,
    ),
    Field(
        "encrypted_only",
        FieldType.SWITCH,
        _("Accept encrypted assertions only"),
        help=_("Encrypted ones are always accepted, with AES-GCM."),
        default=False,
        advanced=True,
    ),
    Field(
        "allows_unsolicited",
        FieldType.SWITCH,
        _("Allow sign-ins that the provider begins"),
        help=_(
            "From tiles of a portal. People are asked before they go on, since nothing proves who sent them."
        ),
        default=False,
        advanced=True,
    ),
)


def mistakes(settings: Mapping[str, Json], secrets: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG001 - those are ours
    """See `KindModule`."""
    said = {name: value.strip() if isinstance(value, str) else value for name, value in settings.items()}
    wrong: dict[str, str] = {}
    url, pasted, signed_by = (
        str(said["metadata_url"]),
        str(said["metadata"]),
        str(said["metadata_certificate"]),
    )
    if signed_by:
        try:
            if len(certificates_in(signed_by)) != 1:
                raise BadCertificates
        except BadCertificates:
            wrong["metadata_certificate"] = told("Enter one certificate as PEM.")
    if url and pasted:
        wrong["metadata"] = told("Enter either the address of the metadata or the metadata itself.")
    elif url and not (is_web_address(url) or (signed_by and url.startswith("http://"))):
        wrong["metadata_url"] = told(
            "Enter an https:// address. Over http:// anybody on the way could replace the certificates."
        )
    elif not url:
        wrong |= _mistakes_of_party(said, pasted, "" if wrong else signed_by)
    if said["name_id_format"] == TRANSIENT and not said["subject_attribute"]:
        wrong["subject_attribute"] = told(
            "A transient NameID is another one at each sign-in. Name the attribute that stays."
        )
    return wrong


def _mistakes_of_party(said: Mapping[str, Json], pasted: str, signed_by: str) -> dict[str, str]:
    if pasted:
        try:
            read_metadata(pasted, signed_by=signed_by, now=timezone.now())
        except BadMetadata as error:
            return {"metadata": said_of(error)}
        return {}
    names = ("entity_id", "sign_in_url", "certificates")
    if not any(said[name] for name in names):
        return {"metadata_url": told("Enter the provider’s metadata, or the address of it.")}
    wrong: dict[str, str] = {
        name: told("This is needed where there is no metadata.") for name in names if not said[name]
    }
    if not wrong:
        try:
            by_hand(said)
        except BadCertificates:
            wrong["certificates"] = told("This is no certificate. Enter the PEM file as text.")
        except BadMetadata as error:
            wrong["sign_in_url"] = said_of(error)
    return wrong
