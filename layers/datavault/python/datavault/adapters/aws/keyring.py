"""The keyring on KMS: a KEK is a symmetric KMS key and its name the key's ARN.

No error names the ARN: it holds an account's id, and messages reach the API's callers.

Access that is refused is ``KekUnavailable``: whoever owns a KEK may turn us away, and a revoked
grant looks no different from a disabled key to those whose data is under it.
"""

from collections.abc import Mapping

from datavault.adapters.aws.answers import (
    CreateKeyAnswer,
    DataKeyAnswer,
    DecryptAnswer,
    Nothing,
)
from datavault.adapters.aws.client import Json, JsonClient
from datavault.adapters.aws.errors import AwsError, translated
from datavault.domain.errors import Corrupt, KekUnavailable, Unavailable

_KEY_BYTES = 32
_ROTATION_DAYS = 90
_WRAPPED_BYTES_MAX = 6144
_KEK = "the workspace's key"
_NEW_KEK = "a new key of a workspace"
# No key has this name. That KMS says so, or that we may not ask, is an answer; and asking needs
# no grant.
_PING_KEY = "alias/datavault-ping"
_PING_ANSWERS = frozenset({"NotFoundException", "AccessDeniedException"})


class KmsKeyring:
    """Keeps ``ports.Keyring``."""

    def __init__(self, client: JsonClient) -> None:
        self._client = client

    def create(self, *, description: str, tags: Mapping[str, str]) -> str:
        """Not repeated safely: an answer that is lost leaves a KEK that nobody uses.

        Its material rotates by itself; old material goes on opening what it wrapped.
        """
        request = {
            "Description": description,
            "KeySpec": "SYMMETRIC_DEFAULT",
            "KeyUsage": "ENCRYPT_DECRYPT",
            "Tags": [{"TagKey": name, "TagValue": value} for name, value in tags.items()],
        }
        kek = self._call("CreateKey", request, CreateKeyAnswer, _NEW_KEK).KeyMetadata.Arn
        rotation = {"KeyId": kek, "RotationPeriodInDays": _ROTATION_DAYS}
        self._call("EnableKeyRotation", rotation, Nothing, _NEW_KEK)
        return kek

    def generate(self, kek: str, context: Mapping[str, str]) -> tuple[bytes, bytes]:
        request = {
            "KeyId": kek,
            "NumberOfBytes": _KEY_BYTES,
            "EncryptionContext": dict(context),
        }
        answer = self._call("GenerateDataKey", request, DataKeyAnswer, _KEK)
        return answer.Plaintext, answer.CiphertextBlob

    def unwrap(self, kek: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        if not 1 <= len(wrapped) <= _WRAPPED_BYTES_MAX:
            raise Corrupt(f"a wrapped key of {len(wrapped)} bytes")
        request = {"KeyId": kek, "CiphertextBlob": wrapped, "EncryptionContext": dict(context)}
        return self._call("Decrypt", request, DecryptAnswer, _KEK).Plaintext

    def ping(self) -> None:
        try:
            self._client.call("DescribeKey", {"KeyId": _PING_KEY}, Nothing)
        except AwsError as error:
            if error.code not in _PING_ANSWERS:
                raise Unavailable(f"KMS answered {error.code}") from error

    def _call[T](self, operation: str, request: Json, answer: type[T], subject: str) -> T:
        try:
            return self._client.call(operation, request, answer)
        except AwsError as error:
            if error.code == "AccessDeniedException":
                raise KekUnavailable(f"{subject} is not ours to use") from error
            raise translated(error, subject) from error
