"""Tokens verify against what the cloud publishes, as a deployed authorizer does it."""

import base64
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote_plus

import jwt
import pytest

from datavault.local.cloud import LocalCloud
from datavault.local.grants import make_client
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


def test_a_service_gets_a_token_for_its_secret(cloud: LocalCloud) -> None:
    client = make_client(cloud.issuer, workspace="ws_1", roles=["writer"], subject="pipeline")
    found = request(f"{cloud.issuer.url}/.well-known/openid-configuration").json()
    reply = ask_for_token(found["token_endpoint"], client.id, client.secret)
    assert (reply["token_type"], reply["expires_in"]) == ("Bearer", 900)
    claims = verified(cloud, reply["access_token"])
    assert (claims["workspace"], claims["roles"]) == ("ws_1", ["writer"])
    assert claims["sub"] == "pipeline"


@pytest.mark.parametrize("secret", ["", "0" * 64, "é"])
def test_a_wrong_secret_gets_no_token(cloud: LocalCloud, secret: str) -> None:
    client = make_client(cloud.issuer, workspace="ws_1", roles=["admin"], subject="pipeline")
    other = make_client(cloud.issuer, workspace="ws_2", roles=["admin"], subject="pipeline")
    for name, given in [(client.id, secret), (client.id, other.secret), ("", secret)]:
        with pytest.raises(urllib.error.HTTPError) as raised:
            ask_for_token(cloud.issuer.token_url, name, given)
        with raised.value as refused:
            assert refused.code == 401


def ask_for_token(url: str, name: str, secret: str) -> Any:
    basic = base64.b64encode(f"{quote_plus(name)}:{quote_plus(secret)}".encode()).decode()
    asked = urllib.request.Request(
        url, data=b"grant_type=client_credentials", headers={"Authorization": f"Basic {basic}"}
    )
    with urllib.request.urlopen(asked) as reply:
        return json.load(reply)


def test_the_discovery_document_leads_to_the_keys(cloud: LocalCloud) -> None:
    found = request(f"{cloud.issuer.url}/.well-known/openid-configuration").json()
    assert found["issuer"] == cloud.issuer.url
    with urllib.request.urlopen(found["jwks_uri"]) as keys:
        assert keys.status == 200
