"""Outputs of the presets stay byte for byte; and tokens open as their docstring says.

The second half is another implementation of tokens and hashes, written from the docstrings of
``crypto.tokens``, ``privacy.values`` and ``privacy.stand_ins``, of RFC 5297, 5869 and 4648; of
ours it uses nothing.
"""

import base64
import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from datavault.domain.crypto.tokens import detokenize
from datavault.domain.privacy.entities import Entity
from tests.golden import make_privacy as made
from tests.support.privacy import KEYS


@pytest.mark.parametrize("name", made.files())
def test_outputs_are_as_they_were(name: str) -> None:
    assert made.files()[name] == (made.HERE / name).read_text()


def golden_tokens() -> list[str]:
    return (made.HERE / "privacy_tokens_v1.txt").read_text().split()


def test_golden_tokens_open() -> None:
    opened = [detokenize(each, key=made.TOKEN_KEY, store="store-1") for each in golden_tokens()]
    assert opened == made.TOKEN_VALUES


def test_golden_tokens_open_by_hand() -> None:
    for token, value in zip(golden_tokens(), made.TOKEN_VALUES, strict=True):
        text = token.removeprefix("[PERSON:v1:").removesuffix("]").upper()
        sealed = base64.b32decode(text + "=" * (-len(text) % 8))
        key = hkdf(made.TOKEN_KEY, b"io.llm-data-vault/1/token", 64)
        padded = siv_open(key, sealed, [b"v1", b"store-1", b"PERSON"])
        assert len(padded) in {32, 64, 128, 256}
        assert padded.rstrip(b"\0") == value.encode("utf-8", "surrogatepass") + b"\x80"


def test_a_golden_hash_by_hand() -> None:
    assert KEYS.hash is not None
    key = hkdf(KEYS.hash, b"io.llm-data-vault/1/keyed hash of a value", 32)
    parts = (b"US_SSN", b"078051120")
    said = b"".join(len(part).to_bytes(4) + part for part in parts)
    digest = base64.b32encode(hmac.digest(key, said, hashlib.sha256)[:16]).decode()
    golden = (made.HERE / "privacy_presets_v1.txt").read_text()
    assert f"us_ssn: see [US_SSN:h1:{digest.rstrip('=').lower()}] ü" in golden


@pytest.mark.parametrize("name", ["gdpr", "hipaa_safe_harbor", "pci_dss", "ccpa", "llm_training"])
def test_no_preset_shows_what_it_does_not_keep(name: str) -> None:
    golden = (made.HERE / "privacy_presets_v1.txt").read_text()
    block = golden[golden.index(f"{name} ") :].split("\n")[1 : len(Entity) + 1]
    shown = {
        entity for entity, line in zip(Entity, block, strict=True) if made.VALUES[entity] in line
    }
    public = {Entity.ORGANIZATION, Entity.DATE_TIME}
    no_account = public | {Entity.AGE, Entity.COORDINATES, Entity.IP_ADDRESS, Entity.LOCATION}
    kept = {
        "gdpr": {Entity.ORGANIZATION},
        "hipaa_safe_harbor": set[Entity](),
        "pci_dss": no_account | {Entity.MAC_ADDRESS, Entity.URL},
        "ccpa": public,
        "llm_training": public,
    }
    assert shown == kept[name]


def test_the_record_has_every_entity() -> None:
    assert set(made.VALUES) == set(Entity)
    assert list(json.loads(made.RECORD)) == [each.lower() for each in Entity]


def hkdf(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand of RFC 5869 with SHA-256."""
    block, stream = b"", b""
    for counter in range(1, (length + 31) // 32 + 1):
        block = hmac.digest(key, block + info + bytes([counter]), hashlib.sha256)
        stream += block
    return stream[:length]


def siv_open(key: bytes, sealed: bytes, associated: list[bytes]) -> bytes:
    """AES-SIV of RFC 5297, sections 2.4 and 2.7."""
    iv, ciphertext = sealed[:16], sealed[16:]
    counter = bytearray(iv)
    counter[8] &= 0x7F
    counter[12] &= 0x7F
    stream = Cipher(algorithms.AES(key[32:]), modes.CTR(bytes(counter))).decryptor()
    plain = stream.update(ciphertext) + stream.finalize()
    assert s2v(key[:32], [*associated, plain]) == iv
    return plain


def s2v(key: bytes, strings: list[bytes]) -> bytes:
    mixed = cmac(key, bytes(16))
    for each in strings[:-1]:
        mixed = xor(doubled(mixed), cmac(key, each))
    last = strings[-1]
    assert len(last) >= 16, "padded to 32 at least"
    return cmac(key, last[:-16] + xor(last[-16:], mixed))


def doubled(block: bytes) -> bytes:
    number = int.from_bytes(block) << 1
    return (number ^ 0x87 if number >> 128 else number).to_bytes(17)[1:]


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def cmac(key: bytes, message: bytes) -> bytes:
    code = CMAC(algorithms.AES(key))
    code.update(message)
    return code.finalize()
