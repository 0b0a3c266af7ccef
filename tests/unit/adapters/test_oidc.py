"""Tokens: what one issuer signed for us verifies, and nothing else does."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from datavault.adapters.oidc.jwks import (
    FRESH_S,
    JWKS_BYTES_MAX,
    REFRESH_EVERY_S,
    STALE_S,
    PublishedKeys,
    fetch_jwks,
    parse_jwks,
)
from datavault.adapters.oidc.tokens import (
    LEEWAY_S,
    LIFETIME_S_MAX,
    TOKEN_CHARS_MAX,
    OidcTokens,
)
from datavault.domain.errors import Unauthenticated, Unavailable

URL = "https://issuer.example"
JWKS_URL = "https://issuer.example/jwks.json"
AUDIENCE = "datavault"
WORKSPACE = "ws_019b76da-a800-726a-9e3a-53ce41d29686"
EC = ec.generate_private_key(ec.SECP256R1())
OTHER_EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)

type PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def jwk(key: PrivateKey, kid: str, **members: Any) -> dict[str, Any]:
    algorithm: Any = (
        jwt.algorithms.ECAlgorithm
        if isinstance(key, ec.EllipticCurvePrivateKey)
        else jwt.algorithms.RSAAlgorithm
    )
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, **members}


class Issuer:
    """Publishes keys, counts how often it is asked, and can be out."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.is_out = False
        self.now_s = 1000.0

    def fetch(self, url: str) -> bytes:
        assert url == JWKS_URL
        self.asked += 1
        if self.is_out:
            raise OSError("no route")
        return json.dumps({"keys": self.keys}).encode()

    def tokens(self, *, lifetime_s_max: int = LIFETIME_S_MAX, **claim_names: str) -> OidcTokens:
        return OidcTokens(
            URL,
            AUDIENCE,
            JWKS_URL,
            claim_names,
            lifetime_s_max=lifetime_s_max,
            fetch=self.fetch,
            now_s=lambda: self.now_s,
        )


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(jwk(EC, "ec", use="sig", alg="ES256"), jwk(RSA, "rsa"))


def claims(**said: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {
        "iss": URL,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 900,
        "sub": "ada",
        "workspace": WORKSPACE,
        "roles": ["writer"],
    }
    return {name: value for name, value in (usual | said).items() if value is not None}


def sign(
    key: PrivateKey = EC,
    kid: str | None = "ec",
    algorithm: str = "ES256",
    *,
    header: dict[str, Any] | None = None,
    **said: Any,
) -> str:
    headers = ({} if kid is None else {"kid": kid}) | (header or {})
    return jwt.encode(claims(**said), key, algorithm=algorithm, headers=headers)


def forge(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def seal(key: ec.EllipticCurvePrivateKey, header: dict[str, Any], payload: dict[str, Any]) -> str:
    """A token with a good ES256 signature, also of what PyJWT would not sign."""
    algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
    signing_input = forge(header, payload).rpartition(".")[0]
    signature = algorithm.sign(signing_input.encode(), key)
    return f"{signing_input}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_a_sealed_token_of_the_usual_kind_verifies(issuer: Issuer) -> None:
    token = seal(EC, {"alg": "ES256", "kid": "ec"}, claims())
    assert issuer.tokens().verify(token).subject == "ada"


@pytest.mark.parametrize(("key", "kid", "algorithm"), [(EC, "ec", "ES256"), (RSA, "rsa", "RS256")])
def test_a_token_of_the_issuer_verifies(
    issuer: Issuer, key: PrivateKey, kid: str, algorithm: str
) -> None:
    verified = issuer.tokens().verify(sign(key, kid, algorithm, mfa=True))
    assert (verified.subject, verified.workspace) == ("ada", WORKSPACE)
    assert (verified.roles, verified.mfa) == (("writer",), True)
    assert verified.expires_s > time.time()


def test_claims_are_found_under_the_issuers_names(issuer: Issuer) -> None:
    tokens = issuer.tokens(
        subject="username", workspace="custom:workspace", roles="cognito:groups", mfa="amr"
    )
    said: dict[str, Any] = {
        "username": "ada l",
        "custom:workspace": "ws_other",
        "cognito:groups": ["admin", 5, "reader"],
        "amr": ["pwd", "mfa"],
    }
    verified = tokens.verify(sign(**said))
    assert (verified.subject, verified.workspace) == ("ada l", "ws_other")
    assert (verified.roles, verified.mfa) == (("admin", "reader"), True)


@pytest.mark.parametrize("username", [None, "", 5, ["ada"]])
def test_a_subject_under_another_name_is_a_name_too(issuer: Issuer, username: Any) -> None:
    with pytest.raises(Unauthenticated):
        issuer.tokens(subject="username").verify(sign(username=username))


@pytest.mark.parametrize(
    ("roles", "parsed"),
    [("reader writer", ("reader", "writer")), ([], ()), (None, ()), (5, ()), ({"a": 1}, ())],
)
def test_roles_are_names_in_a_list_or_a_string(
    issuer: Issuer, roles: Any, parsed: tuple[str, ...]
) -> None:
    assert issuer.tokens().verify(sign(roles=roles)).roles == parsed


@pytest.mark.parametrize("mfa", [None, False, "true", 1, ["pwd"]])
def test_mfa_is_not_assumed(issuer: Issuer, mfa: Any) -> None:
    assert issuer.tokens().verify(sign(mfa=mfa)).mfa is False


NOW = int(time.time())


@pytest.mark.parametrize(
    "said",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": URL + "/"},
        {"iss": None},
        {"aud": "another"},
        {"aud": []},
        {"aud": None},
        {"exp": NOW - LEEWAY_S - 5},
        {"exp": None},
        {"exp": "never"},
        {"nbf": NOW + 3600},
        {"iat": NOW + 3600},
        {"iat": None},
        {"iat": "then"},
        {"exp": NOW + LIFETIME_S_MAX + 3600},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"workspace": None},
        {"workspace": 5},
        {"workspace": [WORKSPACE]},
    ],
    ids=lambda said: next(iter(said)),
)
def test_a_token_that_says_something_else_is_refused(issuer: Issuer, said: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        issuer.tokens().verify(seal(EC, {"alg": "ES256", "kid": "ec"}, claims(**said)))


def test_clocks_may_differ_a_little(issuer: Issuer) -> None:
    now = int(time.time())
    token = sign(exp=now - LEEWAY_S + 10, nbf=now + LEEWAY_S - 10)
    assert issuer.tokens().verify(token).subject == "ada"


@pytest.mark.parametrize(("age_s", "left_s"), [(0, 900), (600, 300), (880, 20)])
def test_a_token_lasts_no_longer_than_is_allowed_however_old_it_is(
    issuer: Issuer, age_s: int, left_s: int
) -> None:
    tokens = issuer.tokens(lifetime_s_max=900)
    now = int(time.time())
    verified = tokens.verify(sign(iat=now - age_s, exp=now + left_s))
    assert verified.expires_s == now + left_s
    with pytest.raises(Unauthenticated, match="lasts 901 s, at most 900 allowed"):
        tokens.verify(sign(iat=now - age_s - 1, exp=now + left_s))


def test_an_unsigned_token_is_refused(issuer: Issuer) -> None:
    for algorithm in ("none", "None", "NONE", ""):
        token = forge({"alg": algorithm, "kid": "ec", "typ": "JWT"}, claims())
        with pytest.raises(Unauthenticated):
            issuer.tokens().verify(token)


@pytest.mark.parametrize("kid", ["ec", "rsa"])
def test_a_public_key_is_no_secret_for_an_hmac(issuer: Issuer, kid: str) -> None:
    key: PrivateKey = EC if kid == "ec" else RSA
    secret = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signing_input = forge({"alg": "HS256", "kid": kid}, claims()).rpartition(".")[0]
    mac = hmac.digest(secret, signing_input.encode(), hashlib.sha256)
    token = f"{signing_input}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    with pytest.raises(Unauthenticated):
        issuer.tokens().verify(token)


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://evil.example/jwks.json"},
        {"jwk": jwk(OTHER_EC, "ec")},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"]},
        {"typ": "logout+jwt"},
        {"kid": 5},
    ],
    ids=lambda header: next(iter(header)),
)
def test_a_token_does_not_choose_its_key(issuer: Issuer, header: dict[str, Any]) -> None:
    for key in (EC, OTHER_EC):
        with pytest.raises(Unauthenticated):
            issuer.tokens().verify(seal(key, {"alg": "ES256", "kid": "ec"} | header, claims()))
    assert issuer.asked <= 1


@pytest.mark.parametrize(
    ("key", "kid", "algorithm"),
    [
        (OTHER_EC, "ec", "ES256"),
        (EC, "rsa", "ES256"),
        (RSA, "ec", "RS256"),
        (RSA, "rsa", "PS256"),
        (RSA, "rsa", "RS512"),
        (EC, None, "ES256"),
    ],
)
def test_another_key_or_algorithm_is_refused(
    issuer: Issuer, key: PrivateKey, kid: str | None, algorithm: str
) -> None:
    with pytest.raises(Unauthenticated):
        issuer.tokens().verify(sign(key, kid, algorithm))


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "x" * (TOKEN_CHARS_MAX + 1),
        "\ud800.a.b",
        "é.é.é",
        base64.urlsafe_b64encode(b"[" * 5000).decode() + ".e30.",
        base64.urlsafe_b64encode(b"[]").decode() + ".e30.",
        base64.urlsafe_b64encode(b'{"alg":["ES256"],"kid":"ec"}').decode().rstrip("=") + ".e30.",
    ],
    ids=range(10),
)
def test_what_is_no_token_is_refused(issuer: Issuer, token: str) -> None:
    with pytest.raises(Unauthenticated):
        issuer.tokens().verify(token)


def test_no_refusal_quotes_the_token(issuer: Issuer) -> None:
    for token in (sign(sub="canary", aud="canary"), sign(OTHER_EC, sub="canary"), "canary"):
        with pytest.raises(Unauthenticated) as raised:
            issuer.tokens().verify(token)
        assert "canary" not in str(raised.value)
        assert token not in str(raised.value)


def test_keys_are_fetched_once_while_they_are_fresh(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    for _ in range(3):
        tokens.verify(sign())
        issuer.now_s += FRESH_S / 3
    assert issuer.asked == 1
    issuer.now_s += 1
    tokens.verify(sign())
    assert issuer.asked == 2


def test_a_new_key_is_found_and_an_unknown_one_asked_for_once_a_minute(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    tokens.verify(sign())
    issuer.keys.append(jwk(OTHER_EC, "new"))
    issuer.now_s += REFRESH_EVERY_S
    assert tokens.verify(sign(OTHER_EC, "new")).subject == "ada"
    for number in range(5):
        with pytest.raises(Unauthenticated):
            tokens.verify(sign(OTHER_EC, f"made-up-{number}"))
    assert issuer.asked == 2


def test_a_withdrawn_key_is_trusted_no_longer_than_it_is_fresh(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    tokens.verify(sign())
    issuer.keys = [jwk(RSA, "rsa")]
    issuer.now_s += FRESH_S + 1
    with pytest.raises(Unauthenticated):
        tokens.verify(sign())


def test_keys_age_while_their_process_is_frozen() -> None:
    """A monotonic clock stands still then: only the one on the wall goes on."""
    assert (OidcTokens.__init__.__kwdefaults__ or {})["now_s"] is time.time
    assert (PublishedKeys.__init__.__kwdefaults__ or {})["now_s"] is time.time


def test_after_a_clock_was_set_back_keys_are_fetched_anew(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    tokens.verify(sign())
    issuer.keys = [jwk(RSA, "rsa")]
    issuer.now_s -= 1
    with pytest.raises(Unauthenticated):
        tokens.verify(sign())
    assert issuer.asked == 2


def test_an_issuer_that_is_out_is_bridged_for_some_hours(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    tokens.verify(sign())
    issuer.is_out = True
    issuer.now_s += STALE_S - 1
    assert tokens.verify(sign()).subject == "ada"
    issuer.now_s += 2
    with pytest.raises(Unavailable):
        tokens.verify(sign())


def test_without_any_keys_the_issuer_is_to_blame_and_not_the_token(issuer: Issuer) -> None:
    issuer.is_out = True
    with pytest.raises(Unavailable):
        issuer.tokens().verify(sign())


@pytest.mark.parametrize(
    "entry",
    [
        jwk(EC, "k", use="enc"),
        jwk(EC, "k", key_ops=["sign"]),
        jwk(EC, "k", alg="ES384"),
        jwk(RSA, "k", alg="PS256"),
        jwk(ec.generate_private_key(ec.SECP384R1()), "k"),
        jwk(rsa.generate_private_key(public_exponent=65537, key_size=1024), "k"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "k"},
        {"kty": "EC", "kid": "k"},
        {**jwk(EC, "k"), "kid": None},
        "text",
    ],
    ids=["use", "ops", "alg", "pss", "p384", "rsa1024", "hmac", "no-point", "no-id", "text"],
)
def test_keys_of_another_kind_are_passed_over(entry: Any) -> None:
    assert parse_jwks(json.dumps({"keys": [entry, jwk(EC, "good")]}).encode()).keys() == {"good"}


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"keys": 5}', b"[" * 100_000])
def test_what_is_no_key_set_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError):
        parse_jwks(document)


@pytest.mark.parametrize(
    ("url", "jwks_url"),
    [(URL, "http://issuer.example/jwks"), (URL, "file:///etc/keys"), ("http://a", "ftp://a/b")],
)
def test_keys_come_by_no_weaker_way_than_the_issuer(url: str, jwks_url: str) -> None:
    with pytest.raises(ValueError):
        OidcTokens(url, AUDIENCE, jwks_url, {})


class _Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/jwks")
            self.end_headers()
            return
        body = b"x" * (JWKS_BYTES_MAX + 1) if self.path == "/large" else b'{"keys": []}'
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Pages) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def test_keys_are_fetched_from_where_they_are_published(server: str) -> None:
    assert fetch_jwks(f"{server}/jwks") == b'{"keys": []}'


def test_a_redirect_is_not_followed(server: str) -> None:
    with pytest.raises(OSError):
        fetch_jwks(f"{server}/moved")


def test_a_document_without_end_is_refused(server: str) -> None:
    with pytest.raises(ValueError):
        fetch_jwks(f"{server}/large")
