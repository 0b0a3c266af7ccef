"""Addresses of machines: IPv4, IPv6 and MAC."""

import ipaddress
import re

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.labels import labels
from datavault.domain.privacy.recognizers.rules import (
    CERTAIN,
    FAINT,
    STRONG,
    Candidate,
    Finding,
    Rule,
    checked,
)

_IP = labels("ip ips ipv4 ipv6 addr address host server client remote")
_VERSION = re.compile(
    r"(?:\b(?:v|rfc|section|version|release|build|firmware|kernel)[\s:.=_-]*|[=<>~!]=\s?)$",
    re.IGNORECASE,
)


def _version_four(candidate: Candidate) -> Finding | None:
    text, start, end = candidate.text, candidate.start, candidate.end
    # 1.2.3.4.5 is the number of a section.
    if text[start - 1 : start] == "." or (
        text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit()
    ):
        return None
    address, _, prefix = candidate.value.partition("/")
    parts = address.split(".")
    if not all(int(part) < 256 and (part == "0" or part[0] != "0") for part in parts):
        return None
    if prefix and int(prefix) > 32:
        return Finding(start, start + len(address), STRONG)
    # Nobody in particular: this machine, no machine, every machine, a mask.
    if parts[0] in ("0", "127", "255"):
        return candidate.found(FAINT)
    if _VERSION.search(text, max(0, start - 12), start) and not candidate.near(_IP):
        return candidate.found(FAINT)
    # The number of a section as well.
    if not candidate.near(_IP) and all(len(part) == 1 for part in parts):
        return candidate.found(FAINT)
    return candidate.found(STRONG)


def _version_six(candidate: Candidate) -> Finding | None:
    value = candidate.value
    address = value.split("/")[0].split("%")[0]
    while address.endswith(":") and not address.endswith("::"):
        address, value = address[:-1], address[:-1]
    if address.count(":") < 2 or len(address) > 45:
        return None
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return None
    end = candidate.start + len(value)
    if parsed.is_loopback or parsed.is_unspecified:
        return Finding(candidate.start, end, FAINT)
    # "dead::beef" may be a name in a program, "1::2" every second of a row.
    groups = [group for group in address.split(":") if group]
    plain = (
        not any(map(str.isdigit, address))
        or len(groups) < 2
        or (len(groups) == 2 and max(map(len, groups)) < 3)
    )
    return Finding(candidate.start, end, FAINT if plain else CERTAIN)


def _machine(value: str) -> bool:
    """Not the address of all machines or of none, and one separator throughout."""
    octets = value.replace(".", "").replace("-", "").replace(":", "").lower()
    return len(set(octets)) > 1 and not ("-" in value and ":" in value)


RULES = (
    Rule(
        "ip.version_4",
        Entity.IP_ADDRESS,
        r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",
        r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?:/[0-9]{1,2})?",
        _version_four,
    ),
    Rule(
        "ip.version_6",
        Entity.IP_ADDRESS,
        r":[0-9a-fA-F]{0,4}:",
        r"[0-9a-fA-F]{0,4}:[0-9a-fA-F]{0,4}:[0-9a-fA-F:]*(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3})?"
        r"(?:%[0-9A-Za-z]+)?(?:/[0-9]{1,3})?",
        _version_six,
    ),
    Rule(
        "mac.octets",
        Entity.MAC_ADDRESS,
        r"[0-9a-fA-F]{2}[:-][0-9a-fA-F]{2}[:-][0-9a-fA-F]{2}[:-]",
        r"(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}",
        checked(_machine, CERTAIN),
    ),
    Rule(
        "mac.words",
        Entity.MAC_ADDRESS,
        r"[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.",
        r"[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}",
        checked(lambda value: _machine(value) and not value.replace(".", "").isdigit(), STRONG),
    ),
)
