"""All rules, and the entities that they find: structured values, and no names."""

from typing import Literal

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers import (
    age,
    bank,
    card,
    coordinates,
    date,
    document,
    email,
    health,
    iban,
    national_id,
    network,
    password,
    phone,
    token,
    url,
    us_tax_id,
    vehicle,
    wallet,
)
from datavault.domain.privacy.recognizers.rules import Rule, entities_of

RULES: tuple[Rule, ...] = (
    *email.RULES,
    *url.RULES,
    *network.RULES,
    *card.RULES,
    *iban.RULES,
    *us_tax_id.RULES,
    *national_id.RULES,
    *phone.RULES,
    *wallet.RULES,
    *coordinates.RULES,
    *date.RULES,
    *age.RULES,
    *document.RULES,
    *bank.RULES,
    *vehicle.RULES,
    *health.RULES,
    *token.RULES,
    *password.RULES,
)

# What form, checksum or a label can decide. Persons, places, organizations and street addresses
# need a model: a type checker refuses them where this is asked for.
type StructuredEntity = Literal[
    Entity.AGE,
    Entity.COORDINATES,
    Entity.CREDIT_CARD,
    Entity.CRYPTO,
    Entity.DATE_OF_BIRTH,
    Entity.DATE_TIME,
    Entity.DRIVER_LICENSE,
    Entity.EMAIL_ADDRESS,
    Entity.HEALTH_INSURANCE,
    Entity.IBAN_CODE,
    Entity.IP_ADDRESS,
    Entity.LICENSE_PLATE,
    Entity.MAC_ADDRESS,
    Entity.MEDICAL_RECORD,
    Entity.NATIONAL_ID,
    Entity.PASSPORT,
    Entity.PHONE_NUMBER,
    Entity.ROUTING_NUMBER,
    Entity.SECRET,
    Entity.URL,
    Entity.US_BANK_NUMBER,
    Entity.US_ITIN,
    Entity.US_SSN,
    Entity.VIN,
]
ENTITIES = entities_of(RULES)


def rules_for(entities: frozenset[Entity], regions: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules for these entities, telephone numbers taken for those of ``regions``."""
    rules = (rule for rule in RULES if rule not in phone.RULES)
    return tuple(rule for rule in (*rules, *phone.rules(regions)) if rule.entity in entities)
