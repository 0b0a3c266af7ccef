"""Policies for common rules, as data. Each is a start, not compliance: read it before you use it.

What is not named in a preset is redacted. Where something is kept, the preset says why.
"""

from collections.abc import Iterable
from types import MappingProxyType

from datavault.domain.errors import NotFound
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.policy import Policy, Residual, Rule, Threshold
from datavault.domain.privacy.strategy import (
    DatePart,
    Generalize,
    Hash,
    Keep,
    KeptAs,
    Mask,
    Redact,
    Replace,
    Strategy,
    Tokenize,
)

# Found at all is found; below an even chance somebody has to look.
_LOOK_BELOW_EVEN = Threshold(found_from=0.0, sure_from=0.5)


def _each(strategy: Strategy, *entities: Entity) -> Iterable[Rule]:
    return (Rule(entity, strategy) for entity in entities)


def _harmless(reason: str) -> Keep:
    return Keep(reason, kept_as=KeptAs.HARMLESS)


# Pseudonymisation (Art. 4(5)): direct identifiers become tokens under the subject's key, whose
# destruction is the erasure of Art. 17. Indirect ones become ranges. Legal persons are outside the
# regulation (recital 14). Special categories (Art. 9: health, belief, origin) are no entities
# here: where a field holds them, declare it in `fields`.
_GDPR = Policy(
    name="gdpr",
    rules=(
        *_each(
            Tokenize(),
            Entity.PERSON,
            Entity.EMAIL_ADDRESS,
            Entity.PHONE_NUMBER,
            Entity.STREET_ADDRESS,
            Entity.NATIONAL_ID,
            Entity.US_SSN,
            Entity.US_ITIN,
            Entity.PASSPORT,
            Entity.DRIVER_LICENSE,
            Entity.MEDICAL_RECORD,
            Entity.HEALTH_INSURANCE,
            Entity.LICENSE_PLATE,
            Entity.VIN,
            Entity.IBAN_CODE,
            Entity.US_BANK_NUMBER,
            Entity.CRYPTO,
            Entity.MAC_ADDRESS,
        ),
        *_each(Mask(keep_last=4), Entity.CREDIT_CARD),
        *_each(Generalize(), Entity.AGE, Entity.DATE_OF_BIRTH, Entity.IP_ADDRESS),
        *_each(Generalize(), Entity.COORDINATES),
        *_each(Generalize(date_part=DatePart.MONTH), Entity.DATE_TIME),
        *_each(_harmless("legal persons are outside the GDPR, recital 14"), Entity.ORGANIZATION),
    ),
    threshold=_LOOK_BELOW_EVEN,
    residual=Residual.QUARANTINE,
)

# The 18 identifiers of 45 CFR 164.514(b)(2)(i), and the entities that stand for them here:
#
#  A names                        PERSON
#  B places below a state         LOCATION, STREET_ADDRESS, COORDINATES; states go with the rest, as
#                                 nothing tells them from towns. A ZIP code by itself is no entity:
#                                 declare the field, `generalize` with form `postcode` knows the 17
#                                 areas that become 000
#  C dates but for the year       DATE_TIME, DATE_OF_BIRTH to years; AGE to bands, 90 and over one
#  D telephone numbers            PHONE_NUMBER
#  E fax numbers                  PHONE_NUMBER
#  F e-mail addresses             EMAIL_ADDRESS
#  G social security numbers      US_SSN
#  H medical record numbers       MEDICAL_RECORD, where the text says so
#  I health plan numbers          HEALTH_INSURANCE, where the text says so
#  J account numbers              CREDIT_CARD, IBAN_CODE, ROUTING_NUMBER, US_BANK_NUMBER, CRYPTO;
#                                 others are found where the text says so: declare the field
#  K certificates and licences    DRIVER_LICENSE, PASSPORT, NATIONAL_ID, US_ITIN; professional and
#                                 birth certificate numbers are not detected
#  L vehicles                     VIN, LICENSE_PLATE
#  M devices                      MAC_ADDRESS; serial numbers are not detected
#  N URLs                         URL
#  O IP addresses                 IP_ADDRESS
#  P biometrics                   not in text
#  Q photographs                  not in text
#  R anything else unique         SECRET; otherwise not detectable, nor is the actual knowledge of
#                                 (b)(2)(ii) that what is left could identify somebody
#
# A surrogate or a token derived from the value would itself be R (164.514(c)): so all is redacted.
_HIPAA = Policy(
    name="hipaa_safe_harbor",
    rules=(
        *_each(Generalize(age_band_years=5), Entity.AGE),
        *_each(Generalize(), Entity.DATE_TIME, Entity.DATE_OF_BIRTH),
        *_each(Redact(), *Entity),
    ),
    threshold=_LOOK_BELOW_EVEN,
    residual=Residual.QUARANTINE,
)

# PCI DSS 4.0: a card number that is stored or shown in part keeps its last four digits (3.4.1 would
# allow the issuer's too); a cardholder's name goes with it. Security codes and PINs (3.3) are no
# entities: whatever a detector takes for a SECRET is redacted, a field of them is to be declared.
_PCI = Policy(
    name="pci_dss",
    rules=(
        *_each(Mask(keep_last=4), Entity.CREDIT_CARD, Entity.IBAN_CODE, Entity.US_BANK_NUMBER),
        *_each(
            Keep("no account data as PCI DSS 4.0 defines it"),
            Entity.AGE,
            Entity.COORDINATES,
            Entity.DATE_TIME,
            Entity.IP_ADDRESS,
            Entity.LOCATION,
            Entity.MAC_ADDRESS,
            Entity.ORGANIZATION,
            Entity.URL,
        ),
    ),
    residual=Residual.QUARANTINE,
)

# Cal. Civ. Code 1798.140: (v) lists what is personal, (ak) unique identifiers, which become keyed
# hashes, so that records can still be counted by consumer; whoever holds the key can tell, so the
# result is pseudonymised (aa) and not deidentified (m).
_CCPA = Policy(
    name="ccpa",
    rules=(
        *_each(
            Hash(),
            Entity.EMAIL_ADDRESS,
            Entity.PHONE_NUMBER,
            Entity.IP_ADDRESS,
            Entity.MAC_ADDRESS,
            Entity.US_SSN,
            Entity.US_ITIN,
            Entity.NATIONAL_ID,
            Entity.PASSPORT,
            Entity.DRIVER_LICENSE,
            Entity.LICENSE_PLATE,
            Entity.VIN,
            Entity.MEDICAL_RECORD,
            Entity.HEALTH_INSURANCE,
            Entity.IBAN_CODE,
            Entity.US_BANK_NUMBER,
            Entity.CRYPTO,
        ),
        *_each(Mask(keep_last=4), Entity.CREDIT_CARD),
        # Precise geolocation is within 1,850 feet (w); a tenth of a degree is far more.
        *_each(Generalize(), Entity.AGE, Entity.DATE_OF_BIRTH, Entity.COORDINATES),
        *_each(_harmless("an organisation is no consumer"), Entity.ORGANIZATION),
        *_each(_harmless("says nothing of a consumer by itself"), Entity.DATE_TIME),
    ),
    threshold=_LOOK_BELOW_EVEN,
    residual=Residual.QUARANTINE,
)

# Text that still reads like text: people and their numbers become other ones, and a model learns no
# label. What could be misused or has no surrogate is redacted.
_NOT_REPLACED = {Entity.COORDINATES, Entity.CRYPTO, Entity.DATE_TIME, Entity.ORGANIZATION}
_NOT_REPLACED |= {Entity.SECRET}
_LLM_TRAINING = Policy(
    name="llm_training",
    rules=(
        *_each(
            Replace(),
            *(each for each in Entity if each not in _NOT_REPLACED),
        ),
        *_each(_harmless("facts of the world that a model is to learn"), Entity.ORGANIZATION),
        *_each(
            _harmless("dates of events are facts; dates of birth are replaced"), Entity.DATE_TIME
        ),
    ),
    threshold=_LOOK_BELOW_EVEN,
    residual=Residual.QUARANTINE,
)

PRESETS = MappingProxyType(
    {each.name: each for each in (_GDPR, _HIPAA, _PCI, _CCPA, _LLM_TRAINING)}
)


def preset(name: str) -> Policy:
    """The policy of that name; ``NotFound`` if there is none."""
    if name not in PRESETS:
        raise NotFound(f"there is no such preset; there are {', '.join(PRESETS)}", field="policy")
    return PRESETS[name]
