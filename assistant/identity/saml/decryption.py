"""An encrypted assertion becomes a plain one, or one and the same refusal whatever went wrong.

The key must come by RSA-OAEP. AES-GCM is decrypted wherever it stands. AES-CBC tells, by how it fails, what
it held, to whoever may alter it again and again; it is decrypted only where the signature over the response
around it has been verified, so that nobody but the identity provider can have altered it.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from assistant.identity.saml.bounded import Element
from assistant.identity.saml.reasons import Reason, Rejected
from assistant.identity.saml.structure import only, text_of
from assistant.identity.saml.vocabulary import DS, MASK, XENC, XENC11, ds, xenc

_GCM: Final[Mapping[str, int]] = {f"{XENC11}aes{bits}-gcm": bits // 8 for bits in (128, 192, 256)}
_CBC: Final[Mapping[str, int]] = {f"{XENC}aes{bits}-cbc": bits // 8 for bits in (128, 192, 256)}
_OAEP_MGF1P: Final = f"{XENC}rsa-oaep-mgf1p"
_OAEP: Final = f"{XENC11}rsa-oaep"
_BLOCK, _NONCE, _TAG = 16, 12, 16
# SHA-1 as a hash or mask of OAEP does not rest on collisions, and it is what most identity providers send.
_HASHES: Final[Mapping[str, Callable[[], hashes.HashAlgorithm]]] = {
    f"{DS}sha1": hashes.SHA1,
    f"{XENC}sha256": hashes.SHA256,
    f"{XENC}sha512": hashes.SHA512,
}
_MASKS: Final[Mapping[str, Callable[[], hashes.HashAlgorithm]]] = {
    f"{XENC11}mgf1sha1": hashes.SHA1,
    f"{XENC11}mgf1sha256": hashes.SHA256,
    f"{XENC11}mgf1sha512": hashes.SHA512,
}


def decrypted(encrypted: Element, keys: Sequence[str], *, is_signed: bool) -> tuple[bytes, str]:
    """What an EncryptedAssertion holds, and which of `keys` (PEM, newest first) opened it.

    `is_signed` says that a verified signature covers the ciphertext.

    Raises:
        Rejected: an algorithm that is not allowed, or DECRYPTION for everything else.
    """
    data = only(encrypted, xenc("EncryptedData"))
    method = only(data, xenc("EncryptionMethod")).get("Algorithm")
    if data.get("Type") != f"{XENC}Element" or method not in {**_GCM, **_CBC}:
        raise Rejected(Reason.ENCRYPTION_ALGORITHM, method)
    if method in _CBC and not is_signed:
        raise Rejected(Reason.UNSIGNED_CIPHERTEXT)
    key_element = _encrypted_key(encrypted, data)
    scheme = _padding(only(key_element, xenc("EncryptionMethod")))
    size = {**_GCM, **_CBC}[method]
    try:
        wrapped, content = _cipher_value(key_element), _cipher_value(data)
        opened = _unwrapped(wrapped, keys, scheme, size)
        # Without a key, a random one fails where a wrong one would, after the same work.
        session_key, pem = opened or (secrets.token_bytes(size), "")
        plain = _gcm(session_key, content) if method in _GCM else _cbc(session_key, content)
    except (ValueError, InvalidTag):
        raise Rejected(Reason.DECRYPTION) from None
    if not opened:
        raise Rejected(Reason.DECRYPTION)
    return plain, pem


def _encrypted_key(encrypted: Element, data: Element) -> Element:
    """The one encrypted key: in the data's KeyInfo, or beside the data and named there."""
    info = only(data, ds("KeyInfo"))
    inside, beside = info.findall(xenc("EncryptedKey")), encrypted.findall(xenc("EncryptedKey"))
    named = info.find(ds("RetrievalMethod"))
    if len(inside) + len(beside) != 1 or (named is None) != bool(inside):
        raise Rejected(Reason.DECRYPTION)
    key = (inside or beside)[0]
    if named is not None and (
        named.get("URI") != f"#{key.get('Id')}" or named.get("Type") != f"{XENC}EncryptedKey"
    ):
        raise Rejected(Reason.DECRYPTION)
    return key


def _padding(method: Element) -> padding.OAEP:
    """OAEP as the message describes it. PKCS #1 v1.5 is refused: it tells attackers too much.

    The older name means a mask by SHA-1, and no element may say otherwise; the newer one tells its mask.
    """
    algorithm, digest, mask = method.get("Algorithm"), method.find(ds("DigestMethod")), method.find(MASK)
    hashed = _HASHES.get(f"{DS}sha1" if digest is None else digest.get("Algorithm"))
    masked = _MASKS.get(f"{XENC11}mgf1sha1" if mask is None else mask.get("Algorithm"))
    if algorithm not in (_OAEP_MGF1P, _OAEP) or hashed is None or masked is None:
        raise Rejected(Reason.ENCRYPTION_ALGORITHM, algorithm)
    if algorithm == _OAEP_MGF1P and mask is not None:
        raise Rejected(Reason.ENCRYPTION_ALGORITHM, mask.get("Algorithm"))
    return padding.OAEP(padding.MGF1(masked()), hashed(), None)


def _unwrapped(
    wrapped: bytes, keys: Sequence[str], scheme: padding.OAEP, size: int
) -> tuple[bytes, str] | None:
    for pem in keys:
        # Our own key was checked when it was made; checking it anew costs more than all the rest.
        key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey):
            continue
        try:
            opened = key.decrypt(wrapped, scheme)
        except ValueError:
            continue
        if len(opened) == size:
            return opened, pem
    return None


def _cipher_value(element: Element) -> bytes:
    text = text_of(only(only(element, xenc("CipherData")), xenc("CipherValue")))
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError from error


def _gcm(key: bytes, content: bytes) -> bytes:
    if len(content) <= _NONCE + _TAG:
        raise ValueError
    return AESGCM(key).decrypt(content[:_NONCE], content[_NONCE:], None)


def _cbc(key: bytes, content: bytes) -> bytes:
    if len(content) < 2 * _BLOCK or len(content) % _BLOCK:
        raise ValueError
    decryptor = Cipher(algorithms.AES(key), modes.CBC(content[:_BLOCK])).decryptor()
    padded = decryptor.update(content[_BLOCK:]) + decryptor.finalize()
    if not 1 <= padded[-1] <= _BLOCK:
        raise ValueError
    return padded[: -padded[-1]]
