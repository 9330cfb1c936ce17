"""What attackers make of signatures: comments, algorithms, references, keys, moves."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from tests.identity.saml.hostile_case import Case, altered
from tests.identity.saml.made_messages import (
    DS,
    ENVELOPED,
    EXCLUSIVE,
    FORMS,
    IDP,
    MORE,
    PLAIN,
    SP,
    XENC,
    Made,
    Signing,
    keys,
    posted,
    signed,
    signed_assertion,
    signed_both,
)
from tests.identity.saml.wrapped_messages import VICTIM

MD = "urn:oasis:names:tc:SAML:2.0:metadata"
COMMENTED = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"


def signature_cases(now: datetime) -> list[Case]:
    """All of them."""
    return [
        *_comments(now),
        *_algorithms(now),
        *_references(now),
        *_signatures(now),
        *_keys(now),
    ]


def _comments(now: datetime) -> Iterator[Case]:
    """What exclusive canonicalization drops or hides, put into a signed message."""
    made = Made(now, name_id="admin@example.com.evil.example")
    inserted = {
        "a comment in the name identifier": ("admin@example.com.evil", "admin@example.com<!---->.evil"),
        "a comment at the start of the name identifier": (
            ">admin@example.com.evil",
            "><!--x-->admin@example.com.evil",
        ),
        "an instruction in the name identifier": ("admin@example.com.evil", "admin@example.com<?x?>.evil"),
        "CDATA in the name identifier": ("admin@example.com.evil", "<![CDATA[admin@example.com]]>.evil"),
        "empty CDATA in the name identifier": (
            "admin@example.com.evil",
            "admin@example.com<![CDATA[]]>.evil",
        ),
        "a comment in an attribute's value": (">staff<", ">sta<!---->ff<"),
        "a comment in the audience": (f"{SP}<", f"{SP}<!-- --><"),
        "a comment in the issuer": (f"{IDP}</saml:Issuer>", f"{IDP}<!-- --></saml:Issuer>"),
        "a comment between elements": ("<saml:Subject>", "<!-- --><saml:Subject>"),
        "a comment in the digest": ("</ds:DigestValue>", "<!-- --></ds:DigestValue>"),
        "a comment in the signature's value": ("</ds:SignatureValue>", "<!-- --></ds:SignatureValue>"),
        "a comment in the signed info": ("<ds:SignedInfo>", "<ds:SignedInfo><!-- -->"),
        "an instruction before the root": ("<samlp:Response", "<?xml-stylesheet href='x'?><samlp:Response"),
        "a comment before the root": ("<samlp:Response", "<!-- --><samlp:Response"),
        "a comment behind the root": ("</samlp:Response>", "</samlp:Response><!-- -->"),
    }
    for form in ("signed assertion", "signed response"):
        text = FORMS[form](made, PLAIN)
        for name, (old, new) in inserted.items():
            yield Case("comments", f"{name}, {form}", posted(altered(text, old, new)))
    digest = "<ds:DigestValue>"
    for form in ("signed assertion", "both signed"):
        text = FORMS[form](made, PLAIN)
        forged = base64.b64encode(bytes(32)).decode()
        yield Case(
            "comments",
            f"a second digest in a comment before the first, {form}",
            posted(altered(text, digest, f"{digest}<!--{forged}-->")),
        )


def _algorithms(now: datetime) -> Iterator[Case]:
    methods = {
        "RSA with SHA-1": Signing(method=DS + "rsa-sha1"),
        "RSA with SHA-224": Signing(method=MORE + "rsa-sha224"),
        "a digest by SHA-1": Signing(digest=DS + "sha1"),
        "a digest by SHA-224": Signing(digest=MORE + "sha224"),
    }
    for form in ("signed assertion", "signed response"):
        for name, signing in methods.items():
            yield Case("algorithms", f"{name}, {form}", posted(FORMS[form](Made(now), signing)))
        for hashed in ("sha1", "sha256", "sha512"):
            base = DS if hashed == "sha1" else MORE
            for what, secret in _public_bytes().items():
                signing = Signing(method=f"{base}hmac-{hashed}", shared_secret=secret)
                yield Case(
                    "algorithms",
                    f"HMAC with {hashed} by the provider's {what}, {form}",
                    posted(FORMS[form](Made(now), signing)),
                )
        text = FORMS[form](Made(now), PLAIN)
        for name in (
            "",
            "none",
            "http://www.w3.org/2000/09/xmldsig#none",
            MORE + "rsa-md5",
            DS + "dsa-sha1",
            "rsa-sha256",
            MORE + "RSA-SHA256",
            MORE + "ecdsa-sha256",
        ):
            yield Case(
                "algorithms",
                f"the method is said to be '{name}', {form}",
                posted(altered(text, MORE + "rsa-sha256", name)),
            )
        for name in ("", MORE + "md5", XENC + "sha384", XENC + "ripemd160"):
            yield Case(
                "algorithms",
                f"the digest is said to be by '{name}', {form}",
                posted(altered(text, XENC + "sha256", name)),
            )
        yield Case(
            "algorithms",
            f"a key of 1,024 bits, {form}",
            posted(FORMS[form](Made(now), Signing(key="weak"))),
            {"certificates": (keys("weak").certificate,)},
        )
        yield Case(
            "algorithms",
            f"a key that does not fit the method, {form}",
            posted(FORMS[form](Made(now), PLAIN)),
            {"certificates": (keys("p256").certificate,)},
        )


def _public_bytes() -> dict[str, bytes]:
    """What an attacker knows of the provider's key and may try as a shared secret."""
    pair = keys("rsa")
    return {
        "certificate as PEM": pair.certificate.encode(),
        "certificate as DER": base64.b64decode(pair.certificate_body),
        "certificate in Base64": pair.certificate_body.encode(),
    }


def _references(now: datetime) -> Iterator[Case]:
    """What the signature says that it covers, and how."""
    enveloped, exclusive = (
        f'<ds:Transform Algorithm="{ENVELOPED}"/>',
        f'<ds:Transform Algorithm="{EXCLUSIVE}"/>',
    )

    def xpath(words: str) -> str:
        return f'<ds:Transform Algorithm="{XPATH}"><ds:XPath>{words}</ds:XPath></ds:Transform>'

    second = (
        f'<ds:Reference URI=""><ds:Transforms>{enveloped}{exclusive}</ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{XENC}sha256"/><ds:DigestValue/></ds:Reference>'
    )
    sheet = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><x/></xsl:template></xsl:stylesheet>'
    signings = {
        "a reference to the whole document": Signing(uri=""),
        "two references": Signing(more_references=second),
        "inclusive canonicalization of the content": Signing(
            transforms=enveloped
            + '<ds:Transform Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>'
        ),
        "canonicalization 1.1 of the content": Signing(
            transforms=enveloped + '<ds:Transform Algorithm="http://www.w3.org/2006/12/xml-c14n11"/>'
        ),
        "content with its comments": Signing(
            transforms=enveloped + f'<ds:Transform Algorithm="{COMMENTED}"/>'
        ),
        "only the enveloped transform": Signing(transforms=enveloped),
        "three transforms": Signing(transforms=enveloped + exclusive * 2),
        "an XPath that keeps all": Signing(transforms=enveloped + xpath("true()") + exclusive),
        "an XPath that keeps nothing of the subject": Signing(
            transforms=enveloped + xpath("not(ancestor-or-self::*[local-name()='Subject'])") + exclusive
        ),
        "an XPath in the place of canonicalization": Signing(transforms=enveloped + xpath("true()")),
        "inclusive canonicalization of the signed info": Signing(
            canonical='<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>'
        ),
        "signed info with its comments": Signing(
            canonical=f'<ds:CanonicalizationMethod Algorithm="{COMMENTED}"/>'
        ),
        "an object in the signature": Signing(objects='<ds:Object Id="_object">x</ds:Object>'),
    }
    for form in ("signed assertion", "signed response"):
        for name, signing in signings.items():
            yield Case("references", f"{name}, {form}", posted(FORMS[form](Made(now), signing)))
        text = FORMS[form](Made(now), PLAIN)
        own = "#_assertion-1" if form == "signed assertion" else "#_response-1"
        for uri in (
            "",
            "#",
            "#xpointer(/)",
            f"#xpointer(id('{own[1:]}'))",
            "#_another",
            "https://evil.example/x",
            "file:///etc/passwd",
            own + " ",
            own[1:],
            own + "#x",
        ):
            yield Case(
                "references",
                f"a reference altered to '{uri}', {form}",
                posted(altered(text, f'URI="{own}"', f'URI="{uri}"')),
            )
        yield Case("references", f"no URI, {form}", posted(altered(text, f' URI="{own}"', "")))
        for name, old, new in (
            ("the transforms in the other order", enveloped + exclusive, exclusive + enveloped),
            (
                "an XSLT transform added",
                exclusive,
                f'<ds:Transform Algorithm="{XSLT}">{sheet}</ds:Transform>{exclusive}',
            ),
            (
                "an XSLT transform instead",
                exclusive,
                f'<ds:Transform Algorithm="{XSLT}">{sheet}</ds:Transform>',
            ),
            ("a Base64 transform instead", exclusive, f'<ds:Transform Algorithm="{DS}base64"/>'),
            (
                "an XPath filter instead",
                exclusive,
                '<ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"/>',
            ),
            (
                "a decryption transform instead",
                exclusive,
                '<ds:Transform Algorithm="http://www.w3.org/2002/07/decrypt#XML"/>',
            ),
            ("no transforms", f"<ds:Transforms>{enveloped}{exclusive}</ds:Transforms>", ""),
            (
                "an object with a manifest",
                "</ds:KeyInfo></ds:Signature>",
                f'</ds:KeyInfo><ds:Object><ds:Manifest><ds:Reference URI="#x"><ds:DigestMethod Algorithm="{XENC}sha256"/><ds:DigestValue>eA==</ds:DigestValue></ds:Reference></ds:Manifest></ds:Object></ds:Signature>',
            ),
            (
                "kept prefixes added",
                exclusive,
                f'<ds:Transform Algorithm="{EXCLUSIVE}"><ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="samlp"/></ds:Transform>',
            ),
        ):
            yield Case("references", f"{name}, {form}", posted(altered(text, old, new)))
    nested = Made(now).assertion().replace("<saml:Assertion", "<saml:Assertion", 1)
    signing = Signing(
        uri="#_object",
        objects=f'<ds:Object Id="_object">{nested.replace("_assertion-1", "_inner")}</ds:Object>',
    )
    for form in ("signed assertion", "signed response"):
        with_object = replace(signing, uri=None)
        text = FORMS[form](Made(now, name_id=VICTIM), with_object)
        yield Case("references", f"an assertion in an object of the signature, {form}", posted(text))


def _signatures(now: datetime) -> Iterator[Case]:
    """Signatures that are missing, moved, doubled or altered."""
    for form in ("signed assertion", "signed response", "both signed"):
        text = FORMS[form](Made(now), PLAIN)
        start, end = text.index("<ds:Signature "), text.index("</ds:Signature>") + len("</ds:Signature>")
        signature = text[start:end]
        if form != "both signed":
            moved = text[:start] + text[end:]
            for name, place in (
                ("in the subject", "</saml:Subject>"),
                ("at the end of the response", "</samlp:Response>"),
                ("at the end of the assertion", "</saml:Assertion>"),
                ("in the status", "</samlp:Status>"),
                ("in the conditions", "</saml:Conditions>"),
            ):
                yield Case(
                    "signatures",
                    f"the signature {name}, {form}",
                    posted(altered(moved, place, signature + place)),
                )
            first = "</saml:Issuer>"
            other = moved.rindex(first) if form == "signed response" else moved.index(first)
            other += len(first)
            yield Case(
                "signatures",
                f"the signature in the other element, {form}",
                posted(moved[:other] + signature + moved[other:]),
            )
        yield Case("signatures", f"the signature twice, {form}", posted(text[:end] + signature + text[end:]))
        for name, old, new in (
            ("another name identifier", ">ann@example.com</saml:NameID>", f">{VICTIM}</saml:NameID>"),
            ("another attribute", ">staff<", ">admins<"),
            (
                "a group more",
                "<saml:AttributeValue>staff",
                "<saml:AttributeValue>admins</saml:AttributeValue><saml:AttributeValue>staff",
            ),
            ("another end", 'NotOnOrAfter="20', 'NotOnOrAfter="21'),
            (
                "signed info twice",
                "<ds:SignatureValue>",
                signature[signature.index("<ds:SignedInfo>") : signature.index("<ds:SignatureValue>")]
                + "<ds:SignatureValue>",
            ),
            ("a forged signed info first", "<ds:SignedInfo>", "<ds:SignedInfo/><ds:SignedInfo>"),
            ("two digests", "</ds:DigestValue>", "</ds:DigestValue><ds:DigestValue>AAAA</ds:DigestValue>"),
            ("an element in the digest", "</ds:DigestValue>", "<x/></ds:DigestValue>"),
            (
                "a digest of nothing",
                signature[signature.index("<ds:DigestValue>") : signature.index("</ds:DigestValue>")],
                "<ds:DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            ),
            (
                "an empty digest",
                signature[signature.index("<ds:DigestValue>") : signature.index("</ds:DigestValue>")],
                "<ds:DigestValue>",
            ),
            (
                "an empty signature",
                signature[signature.index("<ds:SignatureValue>") : signature.index("</ds:SignatureValue>")],
                "<ds:SignatureValue>",
            ),
            ("a signature of another length", "</ds:SignatureValue>", "AAAA</ds:SignatureValue>"),
            (
                "two signature values",
                "<ds:KeyInfo>",
                "<ds:SignatureValue>AAAA</ds:SignatureValue><ds:KeyInfo>",
            ),
            (
                "no signed info",
                signature[signature.index("<ds:SignedInfo>") : signature.index("<ds:SignatureValue>")],
                "",
            ),
            (
                "an empty signature element before it",
                "<ds:Signature ",
                f'<ds:Signature xmlns:ds="{DS}"/><ds:Signature ',
            ),
        ):
            yield Case("signatures", f"{name}, {form}", posted(altered(text, old, new)))
    stolen = signed_assertion(Made(now, assertion_id="_assertion-9", name_id="eve@example.com"))
    stolen = stolen[stolen.index("<saml:Assertion") : stolen.index("</samlp:Response>")]
    forged = Made(now, name_id=VICTIM).assertion()
    for name, body in (("before", forged + stolen), ("behind", stolen + forged)):
        yield Case(
            "signatures", f"an unsigned assertion {name} a signed one", posted(Made(now).response(body))
        )
    yield Case(
        "signatures",
        "two signed assertions",
        posted(Made(now).response(stolen + stolen.replace("_assertion-9", "_assertion-8"))),
    )
    yield Case("signatures", "an unsigned assertion alone", posted(Made(now).response(forged)))
    yield Case("signatures", "no assertion", posted(Made(now).response("")))
    yield Case(
        "signatures",
        "a signed response without assertion",
        posted(signed(Made(now).response("", PLAIN.template("_response-1")), PLAIN)),
    )
    both = signed_both(Made(now))
    yield Case(
        "signatures",
        "the response's signature is wrong, the assertion's right",
        posted(
            altered(
                both,
                'Consent="' if 'Consent="' in both else 'Version="2.0" IssueInstant',
                'Consent="urn:x" Version="2.0" IssueInstant',
            )
        ),
    )
    attacker = Signing(key="attacker")
    inner = Made(now, name_id=VICTIM).assertion(attacker.template("_assertion-1"))
    yield Case(
        "signatures",
        "the assertion by a stranger within a response by the provider",
        posted(signed(Made(now).response(inner, PLAIN.template("_response-1")), attacker, PLAIN)),
    )


def _keys(now: datetime) -> Iterator[Case]:
    """Keys that come with the message."""
    stranger = keys("attacker")
    infos = {
        "its certificate in the message": None,
        "nothing on its key": "",
        "the provider's certificate in the message": f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{keys('rsa').certificate_body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
        "both certificates in the message": f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{keys('rsa').certificate_body}</ds:X509Certificate><ds:X509Certificate>{stranger.certificate_body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
        "the provider's key by name": "<ds:KeyInfo><ds:KeyName>rsa</ds:KeyName></ds:KeyInfo>",
    }
    for form in ("signed assertion", "signed response", "both signed", "encrypted"):
        for name, info in infos.items():
            signing = Signing(key="attacker", key_info=info)
            yield Case(
                "keys",
                f"signed by a stranger, {name}, {form}",
                posted(FORMS[form](Made(now, name_id=VICTIM), signing)),
            )
    value = "<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo>"
    method = (
        f'<ds:KeyInfo><ds:RetrievalMethod URI="https://evil.example/key" Type="{DS}X509Data"/></ds:KeyInfo>'
    )
    for form in ("signed assertion", "signed response"):
        text = FORMS[form](Made(now), Signing(key_info=""))
        for name, info in (("a bare key", value), ("a key to be fetched", method)):
            yield Case(
                "keys",
                f"{name} in the message, {form}",
                posted(altered(text, "</ds:SignatureValue>", "</ds:SignatureValue>" + info)),
            )
        yield Case("keys", f"no certificate is configured, {form}", posted(text), {"certificates": ()})
        yield Case(
            "keys",
            f"the certificate is no certificate, {form}",
            posted(text),
            {"certificates": ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",)},
        )
        yield Case(
            "keys",
            f"only the next certificate is configured, {form}",
            posted(text),
            {"certificates": (keys("next").certificate,)},
        )
