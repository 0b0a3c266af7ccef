"""Tokens verify against what the cloud publishes, as a deployed authorizer does it."""

import urllib.request

import jwt
import pytest

from datavault.local.cloud import LocalCloud
from tests.local.rig import request


def verified(cloud: LocalCloud, token: str) -> dict[str, object]:
    key = jwt.PyJWKClient(cloud.issuer.jwks_url).get_signing_key_from_jwt(token)
    claims: dict[str, object] = jwt.decode(
        token,
        key.key,
        algorithms=["ES256"],
        audience=cloud.issuer.audience,
        issuer=cloud.issuer.url,
    )
    return claims


def test_a_token_verifies_and_carries_its_claims(cloud: LocalCloud) -> None:
    token = cloud.issuer.token(
        workspace="ws_1", roles=["reader", "writer"], subject="alice", mfa=True
    )
    claims = verified(cloud, token)
    assert claims["workspace"] == "ws_1"
    assert claims["roles"] == ["reader", "writer"]
    assert (claims["sub"], claims["mfa"]) == ("alice", True)
    lifetime = int(str(claims["exp"])) - int(str(claims["iat"]))
    assert lifetime == 900
    assert jwt.get_unverified_header(token)["kid"] == cloud.issuer.key_id


def test_an_expired_token_does_not_verify(cloud: LocalCloud) -> None:
    token = cloud.issuer.token(workspace="ws_1", roles=[], subject="alice", lifetime_s=-1)
    with pytest.raises(jwt.ExpiredSignatureError):
        verified(cloud, token)


def test_another_clouds_token_does_not_verify(cloud: LocalCloud) -> None:
    with LocalCloud.start() as other:
        token = other.issuer.token(workspace="ws_1", roles=[], subject="alice")
    with pytest.raises(jwt.PyJWKClientError):
        verified(cloud, token)


def test_the_discovery_document_leads_to_the_keys(cloud: LocalCloud) -> None:
    found = request(f"{cloud.issuer.url}/.well-known/openid-configuration").json()
    assert found["issuer"] == cloud.issuer.url
    with urllib.request.urlopen(found["jwks_uri"]) as keys:
        assert keys.status == 200
