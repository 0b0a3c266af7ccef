"""FF1 against NIST's published samples, and what it refuses."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.crypto import ff1
from datavault.domain.errors import Invalid, TooLarge

KEY = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94")
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
TEN, MIXED = "0123456789", "0123456789abcdefghi"
TWEAK_10 = bytes.fromhex("39383736353433323130")
TWEAK_36 = bytes.fromhex("3737373770717273373737")

# NIST, "Block Cipher Modes of Operation: FF1 Method for Format-Preserving Encryption",
# samples 1 to 9 (csrc.nist.gov, FF1samples.pdf): key bytes, radix, plaintext, tweak, ciphertext.
SAMPLES = [
    (16, 10, TEN, b"", "2433477484"),
    (16, 10, TEN, TWEAK_10, "6124200773"),
    (16, 36, MIXED, TWEAK_36, "a9tv40mll9kdu509eum"),
    (24, 10, TEN, b"", "2830668132"),
    (24, 10, TEN, TWEAK_10, "2496655549"),
    (24, 36, MIXED, TWEAK_36, "xbj3kv35jrawxv32ysr"),
    (32, 10, TEN, b"", "6657667009"),
    (32, 10, TEN, TWEAK_10, "1001623463"),
    (32, 36, MIXED, TWEAK_36, "xs8a0azh2avyalyzuwd"),
]


@pytest.mark.parametrize(("size", "radix", "plain", "tweak", "cipher"), SAMPLES)
def test_nists_samples(size: int, radix: int, plain: str, tweak: bytes, cipher: str) -> None:
    key = KEY[:size]
    numerals = [DIGITS.index(each) for each in plain]
    found = ff1.encrypt(numerals, radix=radix, key=key, tweak=tweak)
    assert "".join(DIGITS[each] for each in found) == cipher
    assert ff1.decrypt(found, radix=radix, key=key, tweak=tweak) == numerals


@settings(deadline=None)
@given(st.data(), st.sampled_from([2, 10, 26, 36, 62, 65536]), st.binary(max_size=40))
def test_decryption_is_the_inverse(data: st.DataObject, radix: int, tweak: bytes) -> None:
    numeral = st.integers(0, radix - 1)
    numerals = data.draw(st.lists(numeral, min_size=20, max_size=120))
    found = ff1.encrypt(numerals, radix=radix, key=KEY, tweak=tweak)
    assert len(found) == len(numerals)
    assert ff1.decrypt(found, radix=radix, key=KEY, tweak=tweak) == numerals


@pytest.mark.parametrize(("radix", "size"), [(10, 5), (26, 4), (36, 3), (2, 19), (65536, 1)])
def test_a_domain_below_a_million_is_refused(radix: int, size: int) -> None:
    with pytest.raises(Invalid, match="1000000"):
        ff1.encrypt([1] * size, radix=radix, key=KEY, tweak=b"")
    with pytest.raises(Invalid, match="1000000"):
        ff1.decrypt([1] * size, radix=radix, key=KEY, tweak=b"")


@pytest.mark.parametrize(("radix", "size"), [(10, 6), (26, 5), (36, 4), (2, 20), (65536, 2)])
def test_a_domain_of_a_million_will_do(radix: int, size: int) -> None:
    found = ff1.encrypt([1] * size, radix=radix, key=KEY, tweak=b"")
    assert ff1.decrypt(found, radix=radix, key=KEY, tweak=b"") == [1] * size


def test_too_many_numerals_and_what_is_no_numeral_are_refused() -> None:
    with pytest.raises(TooLarge, match="1024"):
        ff1.encrypt([1] * 1025, radix=10, key=KEY, tweak=b"")
    with pytest.raises(Invalid, match="below the radix"):
        ff1.encrypt([10] * 10, radix=10, key=KEY, tweak=b"")
    with pytest.raises(Invalid, match="radix"):
        ff1.encrypt([0] * 100, radix=65537, key=KEY, tweak=b"")
