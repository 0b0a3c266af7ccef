"""The development issuer's token URL: the OAuth2 client-credentials flow (RFC 6749, 4.4).

Nothing is registered: a client's id says who it is (workspace, roles, subject), and its secret is
a MAC of the id under the issuer's key. Whoever holds the cloud's state directory makes clients,
as they make tokens.
"""

import base64
import hashlib
import hmac
import json
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote_plus

from datavault.local.issuer import Issuer

LIFETIME_S = 900


@dataclass(frozen=True, slots=True)
class Client:
    """What a service signs in with."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Granted:
    """A token URL's answer."""

    status: int
    document: bytes


def make_client(issuer: Issuer, *, workspace: str, roles: list[str], subject: str) -> Client:
    """A client that gets tokens with these claims."""
    claims = json.dumps({"workspace": workspace, "roles": roles, "subject": subject})
    name = base64.urlsafe_b64encode(claims.encode()).rstrip(b"=").decode()
    return Client(name, _secret(issuer, name))


def grant(issuer: Issuer, *, authorization: str, form: bytes) -> Granted:
    """Answer a request for a token: of HTTP Basic, or of the form, as the RFC allows both."""
    asked = {name: values[0] for name, values in parse_qs(form.decode("latin-1")).items()}
    if asked.get("grant_type") != "client_credentials":
        return _refused(400, "unsupported_grant_type")
    name, secret = _basic(authorization) or (
        asked.get("client_id", ""),
        asked.get("client_secret", ""),
    )
    if not hmac.compare_digest(_secret(issuer, name).encode(), secret.encode()):
        return _refused(401, "invalid_client")
    claims = json.loads(base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)))
    token = issuer.token(
        workspace=claims["workspace"],
        roles=claims["roles"],
        subject=claims["subject"],
        lifetime_s=LIFETIME_S,
    )
    document = {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_S}
    return Granted(200, json.dumps(document).encode())


def _secret(issuer: Issuer, name: str) -> str:
    return hmac.new(issuer.client_key, name.encode(), hashlib.sha256).hexdigest()


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (NotBase64, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def _refused(status: int, code: str) -> Granted:
    return Granted(status, json.dumps({"error": code}).encode())
