"""Addresses of crypto wallets, by the checksums of Base58Check, Bech32 and Bech32m."""

import hashlib

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.rules import (
    CERTAIN,
    STRONG,
    Clue,
    Rule,
    always,
    checked,
)

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
# The checksum's generators and residues of BIP 173 and BIP 350.
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_RESIDUES = frozenset((1, 0x2BC830A3))


def base58_checked(value: str) -> bool:
    """Whether a payload of 21 bytes is followed by the first four of its double SHA-256."""
    number = 0
    for char in value:
        number = number * 58 + _BASE58.index(char)
    if number >= 1 << 200:
        return False
    content = number.to_bytes(25)
    double = hashlib.sha256(hashlib.sha256(content[:21]).digest()).digest()
    return double[:4] == content[21:]


def bech32_checked(value: str) -> bool:
    """Whether the last six characters are the checksum over all before, of either version."""
    prefix, _, rest = value.lower().rpartition("1")
    if value not in (value.lower(), value.upper()) or not all(char in _BECH32 for char in rest):
        return False
    check = 1
    expanded = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    for symbol in (*expanded, *map(_BECH32.index, rest)):
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ symbol
        for place, generator in enumerate(_GENERATORS):
            check ^= generator if top >> place & 1 else 0
    return check in _RESIDUES


_HRP = r"(?:bc|tb|ltc|addr|stake|cosmos|osmo|terra|bnb|nano|inj|celestia|thor|kava|erd)"

RULES = (
    Rule(
        "crypto.base58",
        Entity.CRYPTO,
        # Bitcoin, Litecoin, Dogecoin, Tron.
        r"\b[13LMDTA9][1-9A-HJ-NP-Za-km-z]{25}",
        r"\b[13LMDTA9][1-9A-HJ-NP-Za-km-z]{25,34}\b",
        checked(base58_checked, CERTAIN),
        clue=Clue.WORD,
    ),
    Rule(
        "crypto.bech32",
        Entity.CRYPTO,
        rf"(?i)\b{_HRP}1[02-9ac-hj-np-z]",
        rf"(?i)\b{_HRP}1[02-9ac-hj-np-z]{{11,110}}\b",
        checked(bech32_checked, CERTAIN),
    ),
    Rule(
        # EIP-55's checksum in the case of letters is not asked for: a wrong one tells of a
        # mistyped address, which is somebody's all the same.
        "crypto.ethereum",
        Entity.CRYPTO,
        "0x[0-9a-fA-F]{2}",
        r"\b0x[0-9a-fA-F]{40}\b",
        always(STRONG),
        clue=Clue.WORD,
    ),
)
