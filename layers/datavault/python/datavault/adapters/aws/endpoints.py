"""Where AWS is: an endpoint of the environment, else the region's.

``AWS_ENDPOINT_URL_<SERVICE>`` comes before ``AWS_ENDPOINT_URL``. Clear text is spoken to
loopback addresses only.
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit


def endpoint(environment: Mapping[str, str], service: str, region: str, *, host: str = "") -> str:
    """The URL of ``service``, without a slash at its end; ``host`` stands before AWS's name."""
    url = custom_endpoint(environment, service)
    return url or f"https://{host}{service}.{region}.{domain(region)}"


def custom_endpoint(environment: Mapping[str, str], service: str) -> str | None:
    """The URL that the environment gives ``service``, if it does."""
    specific = environment.get(f"AWS_ENDPOINT_URL_{service.upper()}")
    url = (specific or environment.get("AWS_ENDPOINT_URL") or "").rstrip("/")
    if not url:
        return None
    check_endpoint(url)
    return url


def check_endpoint(url: str) -> None:
    """Refuse clear text beyond this machine."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"an endpoint is an http or https URL, not {url}")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(f"clear text is spoken to loopback addresses only, not to {url}")


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def domain(region: str) -> str:
    """The domain of AWS's hosts in ``region``."""
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
