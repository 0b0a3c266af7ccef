"""Only what the configured issuer signed, for this vault and now, opens the API."""

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from datavault.contracts.operations import OPERATIONS
from datavault.local.issuer import Issuer
from tests.e2e.calls import call, furnish
from tests.e2e.deployment import API, Person, Tenant
from tests.support.http import Call, Reply, send

CANARY = f"canary-{os.urandom(4).hex()}"
PROTECTED = [row for row in OPERATIONS if row.action is not None]
DATASETS = Call("GET", f"{API}/datasets")


@dataclass(frozen=True)
class Forge:
    """What a forger has: the issuer's public things, and keys of their own."""

    tenant: Tenant
    issuer: Issuer
    own: ec.EllipticCurvePrivateKey

    def claims(self, **other: Any) -> dict[str, Any]:
        """Good claims, some replaced; ``None`` leaves one out."""
        now = int(time.time())
        good = {
            "iss": self.issuer.url,
            "aud": self.issuer.audience,
            "iat": now,
            "nbf": now,
            "exp": now + 900,
            "sub": CANARY,
            "workspace": self.tenant.id,
            "roles": ["admin"],
        }
        return {name: value for name, value in (good | other).items() if value is not None}

    def signed(self, **other: Any) -> str:
        """A token that the issuer signed, with some claims replaced."""
        good = {"workspace": self.tenant.id, "roles": ["admin"], "subject": CANARY}
        return self.issuer.token(**(good | other))

    def forged(self, *, key_id: str | None = None, **header: str) -> str:
        """A token of good claims under a key of one's own."""
        headers = {"kid": key_id or self.issuer.key_id, **header}
        return jwt.encode(self.claims(), self.own, algorithm="ES256", headers=headers)

    def unsigned(self) -> str:
        headers = {"kid": self.issuer.key_id}
        return jwt.encode(self.claims(), None, algorithm="none", headers=headers)  # type: ignore[arg-type]

    def with_hmac(self) -> str:
        """HS256 with the issuer's public key, as published in PEM, for the secret."""
        (document,) = (
            text for path, text in self.issuer.documents().items() if path.endswith("jwks.json")
        )
        public = jwt.PyJWK(json.loads(document)["keys"][0]).key
        pem = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        head = _part({"alg": "HS256", "typ": "JWT", "kid": self.issuer.key_id})
        signing_input = f"{head}.{_part(self.claims())}"
        mac = hmac.digest(pem, signing_input.encode(), hashlib.sha256)
        return f"{signing_input}.{_text(mac)}"

    def tampered(self) -> str:
        """A good token of which somebody else's roles are written into the claims."""
        head, _, signature = self.signed(roles=["reader"]).split(".")
        return f"{head}.{_part(self.claims())}.{signature}"


TOKENS: dict[str, Callable[[Forge], str]] = {
    "expired": lambda forge: forge.signed(lifetime_s=-3600),
    "not yet in force": lambda forge: forge.signed(nbf=int(time.time()) + 3600),
    "of a foreign issuer": lambda forge: forge.signed(iss="https://issuer.example"),
    "for somebody else": lambda forge: forge.signed(aud="another-api"),
    "for nobody": lambda forge: forge.signed(aud=[]),
    "of no workspace": lambda forge: forge.signed(workspace=""),
    "of a workspace in another form": lambda forge: forge.signed(workspace=f"ws_{CANARY}"),
    "of a workspace that is no text": lambda forge: forge.signed(workspace=["ws"]),
    "of no subject": lambda forge: forge.signed(subject=""),
    "that never ends": lambda forge: forge.signed(exp=None),
    "under a key of one's own": lambda forge: forge.forged(),
    "under a key that is not published": lambda forge: forge.forged(key_id=CANARY),
    "that brings its own key": lambda forge: forge.forged(jku=f"https://{CANARY}.example"),
    "that is no access token": lambda forge: forge.forged(typ="logout+jwt"),
    "not signed": lambda forge: forge.unsigned(),
    "signed with the public key": lambda forge: forge.with_hmac(),
    "with other claims put in": lambda forge: forge.tampered(),
    "with its signature cut": lambda forge: forge.signed()[:-4],
    "that is none": lambda _: f"{CANARY}.{CANARY}.{CANARY}",
    "of one part": lambda _: CANARY,
    "too long": lambda forge: forge.signed(padding="x" * 8192),
}


@pytest.fixture
def forge(tenant: Tenant) -> Forge:
    return Forge(tenant, tenant.deployment.cloud.issuer, ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_is_refused(name: str, forge: Forge) -> None:
    assert_unauthenticated(Person(forge.tenant, TOKENS[name](forge)).send(DATASETS))


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", f"Basic {CANARY}", CANARY],
    ids=["empty", "no token", "space", "basic", "no scheme"],
)
def test_what_is_no_bearer_token_is_refused(header: str, tenant: Tenant) -> None:
    reply = send(tenant.deployment.api_url, DATASETS.with_headers(Authorization=header))
    assert_unauthenticated(reply)


def test_without_a_good_token_nothing_is_done(tenant: Tenant, forge: Forge) -> None:
    place = furnish(tenant.admin)
    before = len(tenant.requests())
    for row in PROTECTED:
        for token in (None, forge.tampered()):
            reply = Person(tenant, token).send(call(row, place))
            assert reply.status == 401, row.name
            assert_unauthenticated(reply)
    assert len(tenant.requests()) == before


def test_a_token_of_a_workspace_that_was_never_made_finds_nothing(forge: Forge) -> None:
    stranger = Person(
        forge.tenant, forge.signed(workspace="ws_0190a6b2-0000-7000-8000-000000000000")
    )
    for reply in (stranger.send(DATASETS), stranger.post("/datasets", {"name": "any"})):
        # The gateway knows no such workspace to count for.
        assert (reply.status, reply.code) == (403, "denied")


def test_tokens_are_not_logged(forge: Forge) -> None:
    for made in TOKENS.values():
        Person(forge.tenant, made(forge)).send(DATASETS)
    logged = forge.tenant.deployment.logs()
    assert b'"operation":"authorize"' in logged
    assert CANARY.encode() not in logged
    assert forge.signed().split(".")[1][:40].encode() not in logged


def assert_unauthenticated(reply: Reply) -> None:
    assert (reply.status, reply.code) == (401, "unauthenticated")
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.headers["x-correlation-id"] == reply.json()["correlation_id"]
    assert CANARY.encode() not in reply.content


def _part(value: object) -> str:
    return _text(json.dumps(value).encode())


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
