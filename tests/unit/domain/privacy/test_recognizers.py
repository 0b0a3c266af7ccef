"""What each rule finds and what it leaves: as many misses as hits.

A value in [[brackets]] is to be found, whole and as that entity; nothing else is.
All values are made up or are the examples of a standard.
"""

import re

import pytest

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.registry import ENTITIES, RULES, StructuredEntity
from datavault.privacy import Scanner

CASES: dict[Entity, tuple[str, ...]] = {
    Entity.AGE: (
        "a [[34 years old]] man; the mother, aged [[61]]",
        "eine [[45-jährige]] Frau, ihr Bruder ist [[12 Jahre alt]]",
        "tiene [[29 años]]; elle a [[30 ans]]; ha [[44 anni]]; tem [[51 anos]]; [[8 jaar oud]]",
        "user_age: [[34]]",
        "hace 20 años, il y a 20 ans, 20 anni fa, for 20 years, page 34, max-age=100",
    ),
    Entity.COORDINATES: (
        "at [[48.85837, 2.29448]], latitude: [[48.85]], [[48°51'29.6\"N 2°17'40.2\"E]]",
        "rose from 48.85 to 2.29, 1.50, 2.50; 91.23456, 2.34567",
        "loss 0.123456, 0.234567; rows [31.41592, 27.18281, 14.14213]",
    ),
    Entity.CREDIT_CARD: (
        "[[4111 1111 1111 1111]], [[5555-5555-5555-4444]], [[378282246310005]], [[4222222222222]]",
        "cvv after it: [[4111 1111 1111 1111]] 123",
        "my card [[4111 1111 1111 1112]]",
        "4111 1111 1111 1112, 1234567890123456, 0000 0000 0000 0000",
        "ratio 0.4586867288508787, -573763426263223372",
    ),
    Entity.CRYPTO: (
        "[[1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa]] [[bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq]]",
        "[[0x52908400098527886E0F7030069857D2E4169EE7]]",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdr 0x52908400",
    ),
    Entity.DATE_OF_BIRTH: (
        "born on [[3/23/1940]], DOB: [[1987-03-15]], geboren am [[23. März 1940]]",
        "née le [[2 juin 1971]], nacido el [[5 de mayo de 1980]], nato il [[12/11/1990]]",
        "she was born in [[1978]]",
        "it opened in 1978",
    ),
    Entity.DATE_TIME: (
        "on [[1993-01-04 14:56:41]] and [[4/17/1986]], [[March 3rd, 2021]], [[12. Oktober 2020]]",
        "le [[14 juillet 1989]], [[3 de octubre de 2019]], [[2024-01-02T03:04:05Z]]",
        "version 3.4.5, 13/45/2020, 99-99-99, march on, may be",
        "4 out of 5, the 13th gen, you may 3 times, [[4 May]], [[2 out 2020]]",
    ),
    Entity.DRIVER_LICENSE: (
        "driver's license number is [[U62928788557186]]; Führerschein: [[B072RRE2I55]]",
        "[[MORGA657054SM9IJ]]",
        "a driver's license is needed for 12 years",
    ),
    Entity.EMAIL_ADDRESS: (
        "<[[jo.o'neil+tag@mail.example.co.uk]]>, mailto:[[a_b@example.org]].",
        "[[josé@exämple.de]] and [[jo [at] example [dot] org]]",
        "git@github.com:team/repo lodash@4.17.21 @handle jo@localhost a@b",
    ),
    Entity.HEALTH_INSURANCE: (
        "NHS number: [[943 476 5919]], Medicare [[1EG4-TE5-MK73]], member ID [[XYZ123456789]]",
        "NHS number: 943 476 5918, arn:aws:sns:us-east-1:123456789012:topic",
    ),
    Entity.IBAN_CODE: (
        "[[GB29 NWBK 6016 1331 9268 19]] is it, [[DE89370400440532013000]]",
        "[[gb29nwbk60161331926819]]",
        "GB29 NWBK 6016 1331 9268 18, XX29 NWBK 6016 1331 9268 19",
    ),
    Entity.IP_ADDRESS: (
        "[[86.231.85.193]] [[2001:db8:85a3::8a2e:370:7334]], [[fe80::1ff:fe23:4567:890a]]",
        "[[10.20.30.0/24]].",
        "version 10.2.3.4, 1.2.3.4.5, 256.1.1.1, 12:30:45, std::vector, 127.0.0.1, ::1",
        "row[1::2], tool>=1.20.2.1, section 4.5.3.1, mask 255.255.255.0, server [[8.8.8.8]]",
    ),
    Entity.LICENSE_PLATE: (
        "license plate: [[7ABC123]], Kennzeichen [[B-MW 1234]]",
        "a plate of 12 cakes",
    ),
    Entity.MAC_ADDRESS: (
        "[[00:1b:44:11:3a:b7]] [[00-1B-44-11-3A-B7]] [[001b.4411.3ab7]]",
        "ff:ff:ff:ff:ff:ff 00:1b:44:11:3a",
    ),
    Entity.MEDICAL_RECORD: (
        "MRN: [[4309634]], Med Rec No: [[62839762]]",
        "medical records are kept 10 years",
    ),
    Entity.NATIONAL_ID: (
        "[[12345678Z]], [[X1234567L]], [[RSSMRA80A01H501U]], [[756.1234.5678.97]]",
        "[[390.533.447-05]] [[131052-308T]] NINO [[AB 12 34 56 C]] NPI: [[1043321813]]",
        "PESEL [[44051401359]] BSN [[111222333]]",
        "12345678A, X1234567A, 390.533.447-06, 131052-308U, 111222333",
    ),
    Entity.PASSPORT: (
        "passport no. [[C01X00T47]], Reisepass [[C4J3G62R1]], pasaporte: [[AAA123456]]",
        "her passport expires in 2031",
    ),
    Entity.PHONE_NUMBER: (
        "[[+44 20 7946 0958]], [[(978)645-9740x11144]], [[001-748-088-2851x818]], [[166-684-7899]]",
        "[[089 72 63 41]], [[+49 (0)30 1234567]], [[030/1234567]], call [[5551234567]]",
        "Tel. [[612 345 678]]; [[785 8949]] (office)",
        "my number is [[2125550123]], | [[2125550123]] | and | [[030 1234567]] |",
        "order 5551234567, 1990-1995, $1 234 567 890, 3.14159265, 20240102 103000",
        "x = [3644798167, 2147483647]; h ^= 2147483647; 740070851 bytes; 1819 - 1890",
        "-0.3931 (0.0076), 1.0.3 (2026-01-09), +000000120, 2.71828 - 3.0 - 2.0, 0 1 2 3 4 5 6",
        "tel. [[3093-8395]], call me in 2020-12",
        "| 3093-8395 | ok |",
        "count: 2125550123, n: [[2125550123]] and total 212555012345",
    ),
    Entity.ROUTING_NUMBER: (
        "routing number [[021000021]], sort code [[20-00-00]], BIC: [[DEUTDEFF500]]",
        "routing number 021000022",
    ),
    Entity.SECRET: (
        "AWS [[AKIAIOSFODNN7EXAMPLE]] [[ghp_16C7e42F292c6912E7710c838347Ae178B4a]]",
        "password: [[hunter2!]] and my password is [[Tr0ub4dor&3]]",
        "[[postgres://u:p4ss@db.example.com:5432/x]]",
        "[[-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----]] done",
        "PASSWORD=[[swordfish]] TOKEN='[[swordfish]]' authorization: token [[0a1b2c3d4e5f]]",
        'secret = "[[correct horse battery staple]]", pwd: \'[[the, "quick" brown fox]]\' or not',
        'password: "[[two words]]", x: "y"; {"password":"[[say \\"hi\\" to them]]","n":"x y"}',
        'pwd = "one, two and \'three\'; password: "password or token", token="", a="b c"',
        "the token is expired, password: required, password is wrong, token = os.environ['T']",
        'the pass is 74,000 long, credentials: "Credentials | None", my password is [[74000]]',
        "credentials: Source, token = other, passwd=acct), password: PasswordType | None",
        "f(password=password, token=held.token); service_token=topic.topic_arn; key=YOUR_SECRET",
        "secret AWS_DEFAULT_REGION=us-east-1, ECS_CONTAINER_METADATA_URI_V4",
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b, id 123e4567-e89b-12d3-a456-426614174000",
    ),
    Entity.URL: (
        "see [[https://example.com/a_(b)]], ([[www.example.org]]). [[example.de/x?y=1]]!",
        "main.py, README.md, e.g. this, end.It goes on, node.js",
    ),
    Entity.US_BANK_NUMBER: (
        "bank account [[000123456789]], acct no. [[1234-5678-90]], Kontonummer: [[648489890]]",
        "checking account number is [[12345678]], numéro de compte [[12345678901]]",
        "order 000123456789 for account 2 of 3, account number 0000000000, acct no. 1234",
    ),
    Entity.US_ITIN: ("ITIN [[912-70-1234]]", "912-10-1234"),
    Entity.US_SSN: (
        "[[308-63-0237]]; SSN: [[5 5 5 - 1 2 - 3 4 5 6]], social security number is [[123456789]]",
        "000-12-3456, 666-12-3456, 123-00-4567, 123-45-0000, 555-XX-1234, 123456789",
    ),
    Entity.VIN: ("[[1M8GDM9AXKP042788]]", "1M8GDM9A1KP042788"),
}
MARK = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)


@pytest.mark.parametrize(
    ("entity", "marked"), [(entity, text) for entity, texts in CASES.items() for text in texts]
)
def test_an_entity_is_found_where_it_is_and_nowhere_else(entity: Entity, marked: str) -> None:
    text = MARK.sub(r"\1", marked)
    found = Scanner(entities=[entity]).find(text)  # type: ignore[list-item]
    assert [text[span.start : span.end] for span in found] == MARK.findall(marked)


def test_every_entity_has_its_cases() -> None:
    assert set(CASES) == ENTITIES
    assert frozenset(StructuredEntity.__value__.__args__) == ENTITIES


def test_rules_have_names_of_their_own() -> None:
    doubled = [rule.name for rule in RULES]
    assert sorted({name for name in doubled if doubled.count(name) > 1}) == []
