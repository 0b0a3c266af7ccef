"""Texts that a model of names in Latin letters is not to be asked about, however sure it is."""

import re

# Blocks of Unicode whose letters are Latin: up to the extensions and the phonetic letters, those
# with marks, more extensions, and the full-width ones.
_OTHER_LETTERS = re.compile(
    r"[^\W\d_\u0000-\u02ff\u1d00-\u1eff\u2c60-\u2c7f\ua720-\ua7ff\uab30-\uab6f\uff21-\uff5a]"
)
_LETTERS = re.compile(r"[^\W\d_]")
# What stands before a name, and before a number: by itself, nobody is called so.
_TITLES = frozenset(
    """mr mrs ms miss dr prof sir madam herr frau hr fr sr sra señor señora dña don doña mme mlle
    monsieur madame sig sigra dott dhr mevr mevrouw pan pani""".split()  # noqa: SIM905 - a list of words.
)
_LABELS = frozenset(
    """BIC BSN CNP CNPJ CPF CUIT CURP CVC CVV DNI DOB EIN IBAN ID IP ITIN MAC MRN NHS NIE NIF NINO
    NIP NIR PAN PIN RFC SIN SSN TIN URL VAT VIN""".split()  # noqa: SIM905 - a list of words.
)
_CHARS_MAX = 16


def never_names(value: str) -> bool:
    """Whether ``value`` is no name: a title, a label, or mostly in letters that are not Latin.

    The models were taught on Latin letters. Of lines in Japanese, Chinese, Korean, Arabic or Hindi
    they make addresses and persons at 0.97, and what they make of Cyrillic and Greek was never
    measured; so of all these they say nothing.
    """
    if not value.isascii():
        others = len(_OTHER_LETTERS.findall(value))
        if others and 2 * others >= len(_LETTERS.findall(value)):
            return True
    if len(value) > _CHARS_MAX:
        return False
    plain = value.replace(".", "").strip()
    return plain in _LABELS or plain.lower() in _TITLES
