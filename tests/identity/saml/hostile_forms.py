"""What attackers make of XML itself, of its encodings, its size and its encryption."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime

from lxml import etree

from tests.identity.saml.hostile_case import Case, altered
from tests.identity.saml.made_messages import (
    DS,
    ENC11,
    FORMS,
    PLAIN,
    SAML,
    SAMLP,
    XENC,
    Encrypting,
    Made,
    Signing,
    encrypted,
    encrypted_assertion,
    encrypted_in_signed,
    keys,
    posted,
    signed,
    signed_assertion,
    signed_response,
)
from tests.identity.saml.wrapped_messages import VICTIM

MD = "urn:oasis:names:tc:SAML:2.0:metadata"
COMMENTED = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"


def form_cases(now: datetime) -> list[Case]:
    """All of them."""
    return [
        *_namespaces(now),
        *_ids(now),
        *_entities(now),
        *_encodings(now),
        *_sizes(now),
        *_encryption(now),
    ]


def _namespaces(now: datetime) -> Iterator[Case]:
    for form in ("signed assertion", "signed response"):
        text = FORMS[form](Made(now), PLAIN)
        forged = Made(now, assertion_id="_evil", name_id=VICTIM).assertion()
        for name, old, new in (
            ("an assertion without namespace", "<saml:Assertion ", '<Assertion ID="_evil"/><saml:Assertion '),
            (
                "an assertion of another namespace",
                "<saml:Assertion ",
                '<x:Assertion xmlns:x="urn:x"/><saml:Assertion ',
            ),
            (
                "an assertion of SAML 1.1",
                "<saml:Assertion ",
                '<Assertion xmlns="urn:oasis:names:tc:SAML:1.0:assertion"/><saml:Assertion ',
            ),
            (
                "an assertion of a look-alike namespace",
                "<saml:Assertion ",
                forged.replace(SAML, SAML + "/") + "<saml:Assertion ",
            ),
            ("a namespace in capitals", f'xmlns:samlp="{SAMLP}"', f'xmlns:samlp="{SAMLP.upper()}"'),
            ("a relative namespace", "<samlp:Response ", '<samlp:Response xmlns:x="1" '),
            ("a relative namespace in the assertion", "<saml:Assertion ", '<saml:Assertion xmlns:x="../x" '),
            ("a relative namespace in the signature", "<ds:SignedInfo", '<ds:SignedInfo xmlns:x="ns"'),
            ("an empty namespace", "<saml:Subject>", '<saml:Subject xmlns="">'),
            (
                "the prefix of signatures for something else",
                f'<ds:Signature xmlns:ds="{DS}">',
                '<ds:Signature xmlns:ds="urn:x">',
            ),
            (
                "a signature of another namespace beside it",
                "<ds:Signature ",
                '<x:Signature xmlns:x="urn:x"/><ds:Signature ',
            ),
            (
                "the prefix of assertions for something else",
                "<saml:Subject>",
                '<saml:Subject xmlns:saml="urn:x">',
            ),
            ("the prefix xml for something else", "<samlp:Response ", '<samlp:Response xmlns:xml="urn:x" '),
            ("the prefix xmlns declared", "<samlp:Response ", '<samlp:Response xmlns:xmlns="urn:x" '),
            ("a prefix without a declaration", "<saml:Subject>", "<x:Subject>"),
            ("a name that begins with a colon", "<saml:Subject>", "<:Subject>"),
            ("an empty prefix declared", "<samlp:Response ", '<samlp:Response xmlns:="urn:x" '),
            (
                "an attribute of the assertion's namespace",
                "<saml:Assertion ",
                '<saml:Assertion saml:Version="2.0" ',
            ),
            ("a base address", "<samlp:Response ", '<samlp:Response xml:base="https://evil.example/" '),
            (
                "a schema location",
                "<samlp:Response ",
                '<samlp:Response xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x https://evil.example/x.xsd" ',
            ),
            (
                "a nil name",
                "<saml:NameID ",
                '<saml:NameID xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true" ',
            ),
            (
                "an attribute twice by two prefixes",
                "<saml:Assertion ",
                '<saml:Assertion xmlns:a="urn:a" xmlns:b="urn:a" a:x="1" b:x="2" ',
            ),
            (
                "an inclusion",
                "<saml:Subject>",
                '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/><saml:Subject>',
            ),
        ):
            yield Case("namespaces", f"{name}, {form}", posted(altered(text, old, new)))
        renamed = text.replace("saml:", "s2:").replace("xmlns:saml=", "xmlns:s2=")
        yield Case("namespaces", f"another prefix for assertions, {form}", posted(renamed))


def _ids(now: datetime) -> Iterator[Case]:
    for form in ("signed assertion", "signed response"):
        text = FORMS[form](Made(now), PLAIN)
        own = "_assertion-1" if form == "signed assertion" else "_response-1"
        other = "<samlp:Status>" if form == "signed assertion" else "<saml:Subject>"
        for attribute in ("ID", "Id", "id", "xml:id", "iD"):
            marked = f'{other[:-1]} {attribute}="{own}">'
            yield Case(
                "ids",
                f"{attribute} of another element is that of the signed one, {form}",
                posted(altered(text, other, marked)),
            )
            value = "<ds:SignatureValue" + f' {attribute}="{own}">'
            yield Case(
                "ids",
                f"{attribute} of the signature's value is that of the signed one, {form}",
                posted(altered(text, "<ds:SignatureValue>", value)),
            )
    for form in ("signed assertion", "signed response", "both signed"):
        made = Made(now, assertion_id="_same", response_id="_same")
        yield Case(
            "ids", f"response and assertion have the same ID, {form}", posted(FORMS[form](made, PLAIN))
        )
    for name, ident in (("an ID with a space", "_a b"), ("an ID of a letter that is not seen", "_a\u200b")):
        yield Case("ids", name, posted(signed_response(Made(now, assertion_id=ident))))


def _entities(now: datetime) -> Iterator[Case]:
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    types = {
        "an empty document type": ("<!DOCTYPE x>", ""),
        "a billion laughs": (f'<!DOCTYPE x [<!ENTITY a0 "ha">{laughs}]>', "&a9;"),
        "quadratic entities": (f'<!DOCTYPE x [<!ENTITY a "{"a" * 10000}">]>', "&a;" * 1000),
        "an internal entity": (f'<!DOCTYPE x [<!ENTITY a "{VICTIM}">]>', "&a;"),
        "an external entity": ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "&a;"),
        "an external entity over HTTP": ('<!DOCTYPE x [<!ENTITY a SYSTEM "http://127.0.0.1:9/x">]>', "&a;"),
        "a parameter entity": ('<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x.dtd"> %a;]>', ""),
        "an external document type": ('<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">', ""),
        "a public document type": ('<!DOCTYPE x PUBLIC "-//X//EN" "http://127.0.0.1:9/x.dtd">', ""),
        "an ID by document type": ("<!DOCTYPE x [<!ATTLIST Subject Foo ID #IMPLIED>]>", ""),
        "an attribute by document type": ('<!DOCTYPE x [<!ATTLIST saml:NameID Format CDATA "urn:x">]>', ""),
        "a notation": ('<!DOCTYPE x [<!NOTATION n SYSTEM "x">]>', ""),
        "a document type with quotes that parsers disagree on": (
            "<!DOCTYPE x [<!ENTITY a '\">'><!-- ]><x>' -->]>",
            "",
        ),
    }
    text = signed_assertion(Made(now))
    for name, (doctype, inserted) in types.items():
        yield Case(
            "entities",
            name,
            posted(
                doctype
                + altered(text, ">ann@example.com</saml:NameID>", f">{inserted}ann@example.com</saml:NameID>")
            ),
        )
    yield Case(
        "entities",
        "an entity that nobody declared",
        posted(altered(text, ">ann@example.com</saml:NameID>", ">&x;ann@example.com</saml:NameID>")),
    )
    yield Case("entities", "a directive within a directive", posted("<!X <!-- x --> y>" + text))


def _encodings(now: datetime) -> Iterator[Case]:
    text = signed_assertion(Made(now))
    good = posted(text)
    fields = {
        "nothing": "",
        "only spaces": "   ",
        "no Base64": "not base64!",
        "Base64 cut short": good[:-5],
        "Base64 cut to half": good[: len(good) // 8 * 4],
        "a stray letter": good[:20] + "!" + good[20:],
        "a space within": good[:20] + " " + good[20:],
        "a null within": good[:20] + "\0" + good[20:],
        "the alphabet for addresses": base64.urlsafe_b64encode(
            text.encode() + b"<!--\xff\xff\xfe-->"
        ).decode(),
        "padding in the middle": posted(text[:100]) + posted(text[100:])
        if len(text[:100]) % 3
        else "=" + good,
        "Base64 of Base64": posted(good),
        "the text itself": text,
        "letters of another width": good.replace("A", "\uff21"),
        "compressed": base64.b64encode(zlib.compress(text.encode())[2:-4]).decode(),
        "bits left over": base64.b64encode(text.encode() + b" ").decode().replace("=", "")[:-1] + "/==",
    }
    for name, message in fields.items():
        yield Case("encodings", name, message)
    declared = '<?xml version="1.0" encoding="{}"?>'
    raw: dict[str, bytes] = {
        "UTF-16": text.encode("utf-16"),
        "UTF-16 that says so": (declared.format("UTF-16") + text).encode("utf-16"),
        "UTF-16 without a mark": text.encode("utf-16-le"),
        "UTF-32": text.encode("utf-32"),
        "UTF-7 that says so": (declared.format("UTF-7") + text).encode("utf-7"),
        "UTF-8 that says UTF-7": (declared.format("UTF-7") + text).encode(),
        "UTF-8 that says Latin 1": (declared.format("ISO-8859-1") + text).encode(),
        "UTF-8 that says UTF-16": (declared.format("UTF-16") + text).encode(),
        "UTF-8 that says EBCDIC": (declared.format("cp037") + text).encode(),
        "EBCDIC": text.encode("cp037"),
        "Latin 1": altered(text, ">ann@", ">\u00e4nn@").encode("latin-1"),
        "a byte order mark": b"\xef\xbb\xbf" + text.encode(),
        "an overlong letter": text.encode().replace(b">ann@", b">\xc1\xa1nn@"),
        "half a surrogate": text.encode().replace(b">ann@", b">\xed\xa0\x80ann@"),
        "a null": text.encode().replace(b">ann@", b">\0ann@"),
        "a control character": text.encode().replace(b">ann@", b">\x01ann@"),
        "a reference to a null": text.encode().replace(b">ann@", b">&#0;ann@"),
        "a reference to a control character": text.encode().replace(b">ann@", b">&#1;ann@"),
        "XML 1.1": b'<?xml version="1.1"?>' + text.encode(),
        "XML 2.0": b'<?xml version="2.0"?>' + text.encode(),
        "two declarations": (declared.format("UTF-8") * 2 + text).encode(),
        "a space before the declaration": (" " + declared.format("UTF-8") + text).encode(),
        "two roots": (text + text).encode(),
        "letters behind the root": (text + "admin").encode(),
        "bytes behind the root": text.encode() + b"\xff\xfe",
        "cut in the middle": text.encode()[: len(text) // 2],
        "an end tag missing": text.encode()[: -len("</samlp:Response>")],
        "a tag that overlaps": altered(text, "</saml:Subject>", "</saml:Conditions>").encode(),
        "an attribute twice": altered(
            text, 'ID="_assertion-1"', 'ID="_assertion-1" ID="_assertion-1"'
        ).encode(),
        "an attribute without quotes": altered(text, 'Version="2.0"', "Version=2.0").encode(),
        "JSON": b'{"NameID": "admin@example.com"}',
        "HTML": b"<!doctype html><html></html>",
    }
    for name, data in raw.items():
        yield Case("encodings", name, posted(data))


def _sizes(now: datetime) -> Iterator[Case]:
    text = signed_assertion(Made(now))
    value = "<saml:AttributeValue>x</saml:AttributeValue>"
    statement = (
        '<saml:AttributeStatement><saml:Attribute Name="x">{}</saml:Attribute></saml:AttributeStatement>'
    )
    deep = "<saml:AttributeValue>" * 100 + "x" + "</saml:AttributeValue>" * 100
    makings: dict[str, Callable[[], str]] = {
        "a megabyte in a value": lambda: signed_assertion(Made(now, attributes=statement.format(value.replace("x", "x" * 2**20)))),
        "5,000 letters in a value": lambda: signed_assertion(Made(now, attributes=statement.format(value.replace("x", "x" * 5_000, 1).replace(">x", ">" + "x" * 5_000, 1)))),
        "9,000 values": lambda: signed_assertion(Made(now, attributes=statement.format(value * 9_000))),
        "501 attributes": lambda: signed_assertion(Made(now, attributes="<saml:AttributeStatement>" + "".join(f'<saml:Attribute Name="a{n}"/>' for n in range(501)) + "</saml:AttributeStatement>")),
        "100 levels": lambda: signed_assertion(Made(now, attributes=statement.format(deep))),
        "100 attributes of an element": lambda: altered(text, "<saml:Attribute ", "<saml:Attribute xmlns:x='urn:x' " + "".join(f'x:a{n}="1" ' for n in range(100))),
        "1,000 namespaces": lambda: altered(text, "<saml:Subject", "<saml:Subject " + " ".join(f'xmlns:n{n}="urn:{n}"' for n in range(1_000))),
        "megabytes of spaces": lambda: text + " " * 2**21,
    }  # fmt: skip
    for name, make in makings.items():
        yield Case("sizes", name, posted(make()))


def _masks(text: str) -> Iterator[tuple[str, str, str]]:
    """What may be said of the mask of OAEP: the message was encrypted with SHA-1 and one by SHA-1."""
    old = text[text.index("<xenc:EncryptedKey") :]
    old = old[old.index("<xenc:EncryptionMethod") : old.index("<xenc:CipherData>")]
    mask = f'<e:MGF xmlns:e="{ENC11}" Algorithm="{{}}"/>'
    sha256 = f'<ds:DigestMethod xmlns:ds="{DS}" Algorithm="{XENC}sha256"/>'

    def method(algorithm: str, inside: str) -> str:
        return f'<xenc:EncryptionMethod Algorithm="{algorithm}">{inside}</xenc:EncryptionMethod>'

    newer, older = ENC11 + "rsa-oaep", XENC + "rsa-oaep-mgf1p"
    for name, algorithm, inside in (
        ("another mask than it was", newer, mask.format(ENC11 + "mgf1sha256")),
        ("another hash and mask than they were", newer, sha256 + mask.format(ENC11 + "mgf1sha256")),
        ("a mask by MD5", newer, mask.format(ENC11 + "mgf1md5")),
        ("a mask by SHA-224", newer, mask.format(ENC11 + "mgf1sha224")),
        ("a mask without a name", newer, mask.format("")),
        ("a mask that is a hash", newer, mask.format(XENC + "sha256")),
        ("two masks", newer, mask.format(ENC11 + "mgf1sha1") * 2),
        ("a mask of the older name", older, mask.format(ENC11 + "mgf1sha1")),
        ("a mask of another namespace", newer, mask.format(ENC11 + "mgf1sha1").replace(ENC11, XENC, 1)),
        (
            "a mask that holds something",
            newer,
            mask.format(ENC11 + "mgf1sha1").replace("/>", "><saml:Assertion/></e:MGF>"),
        ),
        (
            "a mask with an ID",
            newer,
            mask.format(ENC11 + "mgf1sha1").replace(" Algorithm", ' ID="_assertion-1" Algorithm'),
        ),
        ("parameters of OAEP", newer, "<xenc:OAEPparams>AAAA</xenc:OAEPparams>"),
        ("parameters of OAEP and a mask", newer, "<xenc:OAEPparams>AAAA</xenc:OAEPparams>" + mask.format(ENC11 + "mgf1sha1")),
    ):  # fmt: skip
        yield name, old, method(algorithm, inside)
    placed = mask.format(ENC11 + "mgf1sha1")
    for name, before in (
        ("a mask of the data", "<ds:KeyInfo>"),
        ("a mask beside the status", "<samlp:Status>"),
        ("a mask in the encrypted assertion", "<xenc:EncryptedData"),
    ):
        yield name, before, placed + before


def _encryption(now: datetime) -> Iterator[Case]:
    made = Made(now)
    pkcs = f'<xenc:EncryptionMethod Algorithm="{XENC}rsa-1_5"/>'
    hows = {
        "the key by PKCS #1 v1.5": Encrypting(key_method=pkcs),
        "AES-CBC that nobody signed": Encrypting(method=XENC + "aes256-cbc"),
        "AES-128-CBC that nobody signed": Encrypting(method=XENC + "aes128-cbc"),
        "for a key that is not ours": Encrypting(to="attacker"),
        "PKCS #1 v1.5 that names a mask": Encrypting(
            key_method=pkcs.replace(
                "/>", f'><e:MGF xmlns:e="{ENC11}" Algorithm="{ENC11}mgf1sha256"/></xenc:EncryptionMethod>'
            )
        ),
    }
    for name, how in hows.items():
        yield Case("encryption", name, posted(encrypted_assertion(made, PLAIN, how)))
    for name in ("the key by PKCS #1 v1.5", "for a key that is not ours"):
        yield Case(
            "encryption",
            f"{name}, in a signed response",
            posted(encrypted_in_signed(made, PLAIN, hows[name])),
        )
    good = encrypted_assertion(made)
    yield Case("encryption", "we have no key", posted(good), {"decryption_keys": ()})
    yield Case("encryption", "we have another key", posted(good), {"decryption_keys": (keys("old").private,)})
    for form in ("signed assertion", "signed response", "both signed"):
        yield Case(
            "encryption",
            f"not encrypted where it must be, {form}",
            posted(FORMS[form](made, PLAIN)),
            {"encrypted_only": True},
        )
    forged = Made(now, name_id=VICTIM)
    stranger = Signing(key="attacker")
    inner = {
        "unsigned": forged.assertion(),
        "signed by a stranger": signed(forged.assertion(stranger.template("_assertion-1")), stranger),
        "a response": signed_assertion(made),
        "another element": '<x xmlns="urn:x"/>',
        "an encrypted assertion in it": encrypted(
            signed(made.assertion(PLAIN.template("_assertion-1")), PLAIN), Encrypting()
        ),
        "with a comment": signed(made.assertion(PLAIN.template("_assertion-1")), PLAIN).replace(
            "ann@", "ann<!---->@", 1
        ),
        "with the ID of the response": signed(
            Made(now, assertion_id="_response-1").assertion(PLAIN.template("_response-1")), PLAIN
        ),
    }
    for name, content in inner.items():
        yield Case(
            "encryption",
            f"what is encrypted is wrong: {name}",
            posted(made.response(encrypted(content, Encrypting()))),
        )
    for place, ciphertext in (("key", 0), ("assertion", 1)):
        root = etree.fromstring(good.encode())
        value = list(root.iter(f"{{{XENC}}}CipherValue"))[ciphertext]
        data = bytearray(base64.b64decode(value.text))
        for what, changed in (
            ("a bit flipped at the end", bytes([*data[:-1], data[-1] ^ 1])),
            ("a bit flipped at the start", bytes([data[0] ^ 1, *data[1:]])),
            ("cut short", bytes(data[:-1])),
            ("cut to nothing", b""),
            ("longer", bytes(data) + b"\0"),
        ):
            value.text = base64.b64encode(changed).decode()
            yield Case("encryption", f"the {place}: {what}", posted(etree.tostring(root)))
    text = good
    key = text[
        text.index("<xenc:EncryptedKey") : text.index("</xenc:EncryptedKey>") + len("</xenc:EncryptedKey>")
    ]
    for name, old, new in (
        ("two keys", key, key + key.replace("_key-1", "_key-2")),
        ("no key", key, ""),
        (
            "a key to be fetched",
            key,
            f'<ds:RetrievalMethod Type="{XENC}EncryptedKey" URI="https://evil.example/key"/>',
        ),
        (
            "a cipher to be fetched",
            "<xenc:CipherValue>",
            '<xenc:CipherReference URI="https://evil.example/x"/><xenc:CipherValue>',
        ),
        *_masks(text),
        ("content instead of an element", f"{XENC}Element", f"{XENC}Content"),
        ("3DES", ENC11 + "aes256-gcm", XENC + "tripledes-cbc"),
        ("GCM called CBC", ENC11 + "aes256-gcm", XENC + "aes256-cbc"),
        ("a shorter key", ENC11 + "aes256-gcm", ENC11 + "aes128-gcm"),
        ("no algorithm", ENC11 + "aes256-gcm", ""),
        (
            "a plain assertion beside",
            "<saml:EncryptedAssertion",
            forged.assertion().replace("_assertion-1", "_evil") + "<saml:EncryptedAssertion",
        ),
    ):
        yield Case("encryption", name, posted(altered(text, old, new)))
    element = (
        text[text.index("<saml:EncryptedAssertion") : text.index("</saml:EncryptedAssertion>")]
        + "</saml:EncryptedAssertion>"
    )
    yield Case(
        "encryption",
        "two encrypted assertions",
        posted(altered(text, element, element + element.replace("_key-1", "_key-2"))),
    )
