"""A development OpenID Connect issuer, so that the deployed authorizer verifies real tokens.

The key pair (ES256) lives in the cloud's state directory: the emulator serves its public
half under ``PATH``, and whoever holds the directory can sign. Never for anything but a
local cloud.
"""

import base64
import hashlib
import json
import os
import time
import uuid
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

PATH = "/_datavault/issuer"
DISCOVERY_PATH = f"{PATH}/.well-known/openid-configuration"
JWKS_PATH = f"{PATH}/.well-known/jwks.json"
TOKEN_PATH = f"{PATH}/token"
ALGORITHM = "ES256"
COORDINATE_BYTES = 32
DEFAULT_AUDIENCE = "datavault"


class Issuer:
    """Signs access tokens that verify against the keys at ``jwks_url``."""

    def __init__(self, *, endpoint: str, key_file: Path) -> None:
        self._endpoint = endpoint
        self._key = _load_or_create(key_file)
        self.key_id = hashlib.sha256(self._public_point()).hexdigest()[:16]

    @property
    def url(self) -> str:
        """The ``iss`` of every token."""
        return self._endpoint + PATH

    @property
    def jwks_url(self) -> str:
        return self._endpoint + JWKS_PATH

    @property
    def token_url(self) -> str:
        """Where services get tokens (``datavault.local.grants``)."""
        return self._endpoint + TOKEN_PATH

    @property
    def client_key(self) -> bytes:
        """The key of the secrets of clients; whoever can sign has it."""
        private = self._key.private_numbers().private_value.to_bytes(COORDINATE_BYTES, "big")
        return hashlib.sha256(b"io.llm-data-vault/local/clients/v1" + private).digest()

    @property
    def audience(self) -> str:
        return DEFAULT_AUDIENCE

    def token(
        self,
        *,
        workspace: str,
        roles: list[str],
        subject: str,
        lifetime_s: int = 900,
        **claims: object,
    ) -> str:
        """Sign an access token; ``claims`` are added to, or replace, the usual ones."""
        now = int(time.time())
        payload = {
            "iss": self.url,
            "aud": self.audience,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime_s,
            "jti": str(uuid.uuid4()),
            "sub": subject,
            "workspace": workspace,
            "roles": roles,
            **claims,
        }
        return jwt.encode(payload, self._key, algorithm=ALGORITHM, headers={"kid": self.key_id})

    def documents(self) -> dict[str, bytes]:
        """What the issuer publishes, by path."""
        discovery = {
            "issuer": self.url,
            "jwks_uri": self.jwks_url,
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint": self.token_url,
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
        }
        point = self._public_point()
        key = {
            "kty": "EC",
            "crv": "P-256",
            "use": "sig",
            "alg": ALGORITHM,
            "kid": self.key_id,
            "x": _base64url(point[:COORDINATE_BYTES]),
            "y": _base64url(point[COORDINATE_BYTES:]),
        }
        return {
            DISCOVERY_PATH: json.dumps(discovery).encode(),
            JWKS_PATH: json.dumps({"keys": [key]}).encode(),
        }

    def _public_point(self) -> bytes:
        numbers = self._key.public_key().public_numbers()
        return b"".join(
            coordinate.to_bytes(COORDINATE_BYTES, "big") for coordinate in (numbers.x, numbers.y)
        )


def _load_or_create(key_file: Path) -> ec.EllipticCurvePrivateKey:
    if not key_file.exists():
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        key_file.parent.mkdir(parents=True, exist_ok=True)
        with open(key_file, "xb", opener=_owner_only) as file:
            file.write(pem)
    key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{key_file} holds no elliptic curve key")
    return key


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
