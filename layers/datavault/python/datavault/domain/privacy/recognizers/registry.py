"""All rules, and the entities that they find: structured values, and no names."""

from typing import Literal

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers import (
    card,
    email,
    iban,
    network,
    password,
    phone,
    token,
    url,
    us_tax_id,
)
from datavault.domain.privacy.recognizers.rules import Rule, entities_of

RULES: tuple[Rule, ...] = (
    *email.RULES,
    *url.RULES,
    *network.RULES,
    *card.RULES,
    *iban.RULES,
    *us_tax_id.RULES,
    *phone.RULES,
    *token.RULES,
    *password.RULES,
)

# What form, checksum or a label can decide. Persons, places, organizations and street addresses
# need a model: a type checker refuses them where this is asked for.
type StructuredEntity = Literal[
    Entity.CREDIT_CARD,
    Entity.EMAIL_ADDRESS,
    Entity.IBAN_CODE,
    Entity.IP_ADDRESS,
    Entity.MAC_ADDRESS,
    Entity.PHONE_NUMBER,
    Entity.SECRET,
    Entity.URL,
    Entity.US_ITIN,
    Entity.US_SSN,
]
ENTITIES = entities_of(RULES)


def rules_for(entities: frozenset[Entity], regions: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules for these entities, telephone numbers taken for those of ``regions``."""
    rules = (rule for rule in RULES if rule not in phone.RULES)
    return tuple(rule for rule in (*rules, *phone.rules(regions)) if rule.entity in entities)
