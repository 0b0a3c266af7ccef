"""The kinds of personal data and secrets that are looked for, by Presidio's names."""

from enum import StrEnum


class Entity(StrEnum):
    """A kind of value; its name is what results, policies and commands say."""

    AGE = "AGE"
    COORDINATES = "COORDINATES"
    CREDIT_CARD = "CREDIT_CARD"
    CRYPTO = "CRYPTO"
    DATE_OF_BIRTH = "DATE_OF_BIRTH"
    DATE_TIME = "DATE_TIME"
    DRIVER_LICENSE = "DRIVER_LICENSE"
    EMAIL_ADDRESS = "EMAIL_ADDRESS"
    HEALTH_INSURANCE = "HEALTH_INSURANCE"
    IBAN_CODE = "IBAN_CODE"
    IP_ADDRESS = "IP_ADDRESS"
    LICENSE_PLATE = "LICENSE_PLATE"
    LOCATION = "LOCATION"
    MAC_ADDRESS = "MAC_ADDRESS"
    MEDICAL_RECORD = "MEDICAL_RECORD"
    NATIONAL_ID = "NATIONAL_ID"
    ORGANIZATION = "ORGANIZATION"
    PASSPORT = "PASSPORT"
    PERSON = "PERSON"
    PHONE_NUMBER = "PHONE_NUMBER"
    ROUTING_NUMBER = "ROUTING_NUMBER"
    SECRET = "SECRET"  # noqa: S105 - the kind, not a value
    STREET_ADDRESS = "STREET_ADDRESS"
    URL = "URL"
    US_BANK_NUMBER = "US_BANK_NUMBER"
    US_ITIN = "US_ITIN"
    US_SSN = "US_SSN"
    VIN = "VIN"
