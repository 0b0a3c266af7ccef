"""What each preset makes of one record, and tokens of some values; see ``privacy.md``."""

import json
from pathlib import Path

from datavault.domain.crypto.tokens import TokenPlace, tokenize
from datavault.domain.privacy.anonymizer import Anonymizer
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.presets import PRESETS
from tests.support.privacy import KEYS, SETTING, TableDetector

HERE = Path(__file__).parent
VALUES = {
    Entity.AGE: "37",
    Entity.COORDINATES: "52.51627, 13.37770",
    Entity.CREDIT_CARD: "4111 1111 1111 1111",
    Entity.CRYPTO: "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    Entity.DATE_OF_BIRTH: "1984-03-09",
    Entity.DATE_TIME: "November 26, 2026",
    Entity.DRIVER_LICENSE: "D123-4567-8901",
    Entity.EMAIL_ADDRESS: "ada@lovelace.example",
    Entity.HEALTH_INSURANCE: "A123456780",
    Entity.IBAN_CODE: "GB82 WEST 1234 5698 7654 32",
    Entity.IP_ADDRESS: "203.0.113.77",
    Entity.LICENSE_PLATE: "B-XY 123",
    Entity.LOCATION: "Springfield",
    Entity.MAC_ADDRESS: "00:00:5E:00:53:AF",
    Entity.MEDICAL_RECORD: "MRN 00412345",
    Entity.NATIONAL_ID: "12345678Z",
    Entity.ORGANIZATION: "Analytical Engines Ltd",
    Entity.PASSPORT: "C01X00T47",
    Entity.PERSON: "Ada Lovelace",
    Entity.PHONE_NUMBER: "+44 20 7946 0958",
    Entity.ROUTING_NUMBER: "011000015",
    Entity.SECRET: "hunter2-canary",
    Entity.STREET_ADDRESS: "12 St James Square",
    Entity.URL: "https://lovelace.example/ada",
    Entity.US_BANK_NUMBER: "000123456789",
    Entity.US_ITIN: "912-71-1234",
    Entity.US_SSN: "078-05-1120",
    Entity.VIN: "1M8GDM9AXKP042788",
}
RECORD = json.dumps({each.lower(): f"see {VALUES[each]} ü" for each in Entity}).encode()
TOKEN_KEY = bytes(range(32))
TOKEN_VALUES = ["", "Ada Lovelace", "Zoë 😀", "a" * 31, "a" * 32, "\ud800", "é" * 100]


def presets() -> str:
    """For each preset its policy's hash, its verdict, and the record, a line for each entity."""
    table = {value: entity for entity, value in VALUES.items()}
    lines: list[str] = []
    for name, policy in PRESETS.items():
        found = Anonymizer(TableDetector(table), policy, KEYS, SETTING).records([RECORD])[0]
        lines.append(f"{name} {policy.hash} {found.verdict}")
        lines += [f"  {key}: {text}" for key, text in json.loads(found.output).items()]
    return "\n".join(lines) + "\n"


def tokens() -> str:
    """A token a line, of ``TOKEN_VALUES``."""
    place = TokenPlace("store-1", Entity.PERSON)
    made = [tokenize(value, key=TOKEN_KEY, place=place) for value in TOKEN_VALUES]
    return "\n".join(made) + "\n"


def files() -> dict[str, str]:
    """The files by their names."""
    return {"privacy_presets_v1.txt": presets(), "privacy_tokens_v1.txt": tokens()}


if __name__ == "__main__":
    for name, text in files().items():
        (HERE / name).write_text(text)
