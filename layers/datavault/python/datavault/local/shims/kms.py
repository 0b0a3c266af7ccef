"""Symmetric KMS keys that really encrypt, and the operations of key rotation.

A ciphertext is AES-256-GCM under one version of a key's material, bound to the key, the
version and the encryption context:

    mark 0x01 | key id, 36 bytes | material version, 2 bytes | nonce, 12 | sealed | tag, 16

The first 39 bytes and the canonical context are the additional data, so a changed byte,
another context or another key is refused. Versions are kept on the key's record, which
the emulator persists; multi-region replicas share the list.
"""

import base64
import binascii
import hashlib
import json
import os
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from ministack.core.responses import error_response_json, json_response
from ministack.services import kms

from datavault.local.shims.misfit import replace

PLAINTEXT_BYTES_MAX = 4096
DATA_KEY_BYTES_MAX = 1024
KEY_BYTES = 32
NONCE_BYTES = 12
MARK = b"\x01"
KEY_ID_BYTES = 36
HEAD = struct.Struct(f">c{KEY_ID_BYTES}sH")
CIPHERTEXT_BYTES_MIN = HEAD.size + NONCE_BYTES + 16
ON_DEMAND_ROTATIONS_MAX = 25

type Record = dict[str, Any]
type Request = Mapping[str, Any]
type Response = tuple[int, dict[str, str], bytes]
type Handler = Callable[[Request], Response]


class Refused(Exception):
    """Carries the response of a request that fails."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.response: Response = error_response_json(code, message, 400)


def install() -> None:
    """Replace what the emulator does with symmetric keys; asymmetric and HMAC keys stay."""
    encrypt_other = replace(kms, "_encrypt", None)
    decrypt_other = replace(kms, "_decrypt", None)
    replace(kms, "_encrypt", _answering(lambda request: _encrypt(request, encrypt_other)))
    replace(kms, "_decrypt", _answering(lambda request: _decrypt(request, decrypt_other)))
    replace(kms, "_generate_data_key_common", _generate_data_key)
    replace(kms, "_key_material_id", _material_id)
    generate_pair = replace(kms, "_generate_data_key_pair_common", None)
    replace(
        kms,
        "_generate_data_key_pair_common",
        lambda request, action: _sealed_pair(request, *generate_pair(request, action)),
    )
    added: dict[str, Handler] = {
        "ReEncrypt": _answering(_reencrypt),
        "RotateKeyOnDemand": _answering(_rotate_on_demand),
        "ListKeyRotations": _answering(_list_rotations),
    }
    handle_other = replace(kms, "handle_request", None)

    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Request
    ) -> Response:
        handler = added.get(headers.get("x-amz-target", "").rpartition(".")[2])
        if handler is not None:
            return handler(json.loads(body or b"{}"))
        response: Response = await handle_other(method, path, headers, body, query)
        return response

    replace(kms, "handle_request", handle_request)


def _answering(handler: Handler) -> Handler:
    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except Refused as refusal:
            return refusal.response

    return answer


def _encrypt(request: Request, encrypt_other: Handler) -> Response:
    record = kms._resolve_key(request.get("KeyId", ""))
    if record is not None and "_symmetric_key" not in record:
        return encrypt_other(request)
    record = _usable(request.get("KeyId", ""))
    plaintext = _blob(request, "Plaintext")
    if not 1 <= len(plaintext) <= PLAINTEXT_BYTES_MAX:
        raise Refused(
            "ValidationException",
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
            f"Member must have length between 1 and {PLAINTEXT_BYTES_MAX}",
        )
    sealed = _seal(record, plaintext, request.get("EncryptionContext"))
    return _reply(KeyId=record["Arn"], CiphertextBlob=sealed, EncryptionAlgorithm=_SYMMETRIC)


def _decrypt(request: Request, decrypt_other: Handler) -> Response:
    named = request.get("KeyId")
    record = kms._resolve_key(named) if named else None
    if record is not None and "_symmetric_key" not in record:
        return decrypt_other(request)
    ciphertext = _blob(request, "CiphertextBlob")
    record, version, plaintext = _unseal(ciphertext, request.get("EncryptionContext"), named)
    return _reply(
        KeyId=record["Arn"],
        Plaintext=plaintext,
        EncryptionAlgorithm=_SYMMETRIC,
        KeyMaterialId=_version_id(record, version),
    )


def _generate_data_key(
    request: Request, action: str = "GenerateDataKey"
) -> tuple[Record | None, bytes | None, bytes | Response]:
    try:
        record = _usable(request.get("KeyId", ""))
        length = request.get("NumberOfBytes")
        spec = request.get("KeySpec")
        if (length is None) == (spec is None):
            raise Refused(
                "ValidationException", "Please specify either number of bytes or key spec."
            )
        if length is None:
            length = {"AES_128": 16, "AES_256": 32}.get(str(spec), 0)
        if not 1 <= length <= DATA_KEY_BYTES_MAX:
            raise Refused("ValidationException", f"NumberOfBytes {length} of {action}")
        data_key = os.urandom(length)
        return record, data_key, _seal(record, data_key, request.get("EncryptionContext"))
    except Refused as refusal:
        return None, None, refusal.response


def _sealed_pair(
    request: Request,
    pair: dict[str, str] | None,
    private_key: bytes | None,
    refusal: Response | None,
) -> tuple[dict[str, str] | None, bytes | None, Response | None]:
    """A generated pair whose private key is sealed as everything else is."""
    if pair is not None and private_key is not None:
        record = _symmetric(request["KeyId"])
        sealed = _seal(record, private_key, request.get("EncryptionContext"))
        pair["PrivateKeyCiphertextBlob"] = base64.b64encode(sealed).decode()
    return pair, private_key, refusal


def _reencrypt(request: Request) -> Response:
    source, source_version, plaintext = _unseal(
        _blob(request, "CiphertextBlob"),
        request.get("SourceEncryptionContext"),
        request.get("SourceKeyId"),
    )
    target = _usable(request.get("DestinationKeyId", ""))
    return _reply(
        CiphertextBlob=_seal(target, plaintext, request.get("DestinationEncryptionContext")),
        SourceKeyId=source["Arn"],
        KeyId=target["Arn"],
        SourceEncryptionAlgorithm=_SYMMETRIC,
        DestinationEncryptionAlgorithm=_SYMMETRIC,
        SourceKeyMaterialId=_version_id(source, source_version),
        DestinationKeyMaterialId=_material_id(target),
    )


def _rotate_on_demand(request: Request) -> Response:
    record = _usable(request.get("KeyId", ""))
    rotations = record.setdefault("_rotations", [])
    if len(rotations) >= ON_DEMAND_ROTATIONS_MAX:
        raise Refused("LimitExceededException", f"{record['Arn']} was rotated too often")
    materials = _materials(record)
    materials.append(base64.b64encode(os.urandom(KEY_BYTES)).decode())
    rotations.append(
        {
            "KeyId": record["KeyId"],
            "KeyMaterialId": _version_id(record, len(materials) - 1),
            "RotationDate": time.time(),
            "RotationType": "ON_DEMAND",
        }
    )
    for _, member in kms._mrk_members(record) if record.get("MultiRegion") else ():
        member["_materials"], member["_rotations"] = materials, rotations
    return _reply(KeyId=record["KeyId"])


def _list_rotations(request: Request) -> Response:
    rotations = _symmetric(request.get("KeyId", "")).get("_rotations", [])
    return _reply(Rotations=list(rotations), Truncated=False)


_SYMMETRIC = "SYMMETRIC_DEFAULT"


def _seal(record: Record, plaintext: bytes, context: Mapping[str, str] | None) -> bytes:
    materials = _materials(record)
    version = len(materials) - 1
    head = HEAD.pack(MARK, record["KeyId"].encode(), version)
    nonce = os.urandom(NONCE_BYTES)
    cipher = AESGCM(base64.b64decode(materials[version]))
    return head + nonce + cipher.encrypt(nonce, plaintext, head + _canonical(context))


def _unseal(
    ciphertext: bytes, context: Mapping[str, str] | None, named: str | None
) -> tuple[Record, int, bytes]:
    """Return the key, the material version and the plaintext."""
    invalid = Refused("InvalidCiphertextException", "")
    if len(ciphertext) < CIPHERTEXT_BYTES_MIN:
        raise invalid
    head = ciphertext[: HEAD.size]
    mark, key_id, version = HEAD.unpack(head)
    record = kms._resolve_key(key_id.rstrip(b"\0").decode("ascii", "replace"))
    if mark != MARK or record is None:
        raise invalid
    if named is not None and _symmetric(named)["KeyId"] != record["KeyId"]:
        raise Refused(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        )
    _usable(record["KeyId"])
    materials = _materials(record)
    if version >= len(materials):
        raise invalid
    nonce, sealed = ciphertext[HEAD.size :][:NONCE_BYTES], ciphertext[HEAD.size + NONCE_BYTES :]
    cipher = AESGCM(base64.b64decode(materials[version]))
    try:
        return record, version, cipher.decrypt(nonce, sealed, head + _canonical(context))
    except InvalidTag:
        raise invalid from None


def _canonical(context: Mapping[str, str] | None) -> bytes:
    """Each name and value with its length, sorted: no two contexts share an encoding."""
    parts = (text.encode() for pair in sorted((context or {}).items()) for text in pair)
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def _symmetric(key: str) -> Record:
    record: Record | None = kms._resolve_key(key)
    if record is None:
        raise Refused("NotFoundException", f"Key {key} not found")
    if "_symmetric_key" not in record:
        raise Refused("InvalidKeyUsageException", f"{record['Arn']} is not a symmetric key")
    return record


def _usable(key: str) -> Record:
    record = _symmetric(key)
    if record["KeyState"] == "Disabled":
        raise Refused("DisabledException", f"{record['Arn']} is disabled.")
    if record["KeyState"] != "Enabled":
        raise Refused(
            "KMSInvalidStateException", f"{record['Arn']} is {_words(record['KeyState'])}."
        )
    return record


def _words(state: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in state).strip()


def _materials(record: Record) -> list[str]:
    """The key's material by version, base64, oldest first; imported material restarts it."""
    first = base64.b64encode(record["_symmetric_key"]).decode()
    materials: list[str] = record.setdefault("_materials", [first])
    if materials[0] != first:
        materials[:] = [first]
    return materials


def _material_id(record: Record) -> str:
    return _version_id(record, len(_materials(record)) - 1)


def _version_id(record: Record, version: int) -> str:
    material = base64.b64decode(_materials(record)[version])
    return hashlib.sha256(b"key-material-id:" + record["KeyId"].encode() + material).hexdigest()


def _blob(request: Request, name: str) -> bytes:
    try:
        return base64.b64decode(request.get(name) or "", validate=True)
    except binascii.Error as error:
        raise Refused("SerializationException", f"{name} is not base64") from error


def _reply(**fields: object) -> Response:
    encoded = {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in fields.items()
    }
    response: Response = json_response(encoded)
    return response
