"""Which host is spoken to, and never in clear text beyond this machine."""

import pytest

from datavault.adapters.aws.connections import Connections
from datavault.adapters.aws.endpoints import custom_endpoint, endpoint, is_loopback


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, "https://kms.eu-west-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": "http://localhost:4566/"}, "http://localhost:4566"),
        (
            {"AWS_ENDPOINT_URL": "http://localhost:1", "AWS_ENDPOINT_URL_KMS": "https://kms.local"},
            "https://kms.local",
        ),
        ({"AWS_ENDPOINT_URL_DYNAMODB": "http://x"}, "https://kms.eu-west-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": ""}, "https://kms.eu-west-1.amazonaws.com"),
    ],
)
def test_the_environment_comes_before_the_region(environment: dict[str, str], url: str) -> None:
    assert endpoint(environment, "kms", "eu-west-1") == url


def test_china_has_a_domain_of_its_own() -> None:
    assert endpoint({}, "dynamodb", "cn-north-1") == "https://dynamodb.cn-north-1.amazonaws.com.cn"


@pytest.mark.parametrize(
    "url", ["http://example.org", "http://10.0.0.1:4566", "ftp://localhost", "localhost:4566"]
)
def test_other_endpoints_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"clear text|an endpoint is"):
        custom_endpoint({"AWS_ENDPOINT_URL": url}, "s3")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("s3.localhost", True),
        ("127.0.0.1.example.org", False),
        ("localhost.example.org", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine(host: str, *, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://kms.eu-west-1.amazonaws.com", "kms.eu-west-1.amazonaws.com"),
        ("https://kms.local:443", "kms.local"),
        ("http://localhost:80", "localhost"),
        ("http://[::1]:4566", "[::1]:4566"),
    ],
)
def test_a_host_header_has_a_port_only_if_it_is_unusual(url: str, host: str) -> None:
    assert Connections(url).host == host
