"""Numbers of patients and of the insured, with their labels, and some with a form of their own."""

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.document import figured
from datavault.domain.privacy.recognizers.number_checks import number_check
from datavault.domain.privacy.recognizers.rules import (
    CERTAIN,
    STRONG,
    Clue,
    Rule,
    always,
    announced,
    checked,
)

_VALUE = r"[A-Z]{0,4}-?[0-9][0-9A-Z-]{3,14}"
_RECORD = (
    r"\bmrn\b|med(?:ical)?\.? rec(?:ord)?s?|medical_record|\bpatient.?(?:id|no\b|num|#)|"
    r"chart (?:no|num|#)|hospital (?:no|num|id)|patientennummer|fallnummer|historia cl[íi]nica|"
    r"\bnhc\b|num[ée]ro de (?:dossier|patient)|cartella clinica|prontu[áa]rio|pati[ëe]ntnummer"
)
_INSURANCE = (
    r"insurance.{0,12}(?:id|no\b|num|#|policy)|health.?plan|\b(?:member|subscriber|beneficiary).?"
    r"(?:id|no\b|num|#)|policy.?(?:id|no\b|num|#)|\bmedicare\b|\bmedicaid\b|\bmbi\b|"
    r"versicherten(?:nummer|nr)|krankenversicherung|tarjeta sanitaria|num[ée]ro (?:de )?s[ée]cu|"
    r"carte vitale|tessera sanitaria|cart[ãa]o de sa[úu]de|utente|cart[ãa]o sns|zorgverzekering|"
    r"polisnummer|p[óo]liza|polizza|ap[óo]lice"
)
# Without what may stand within a label: counting is dear in a gate.
_INSURANCE_GATE = _INSURANCE.replace(r".{0,12}(?:id|no\b|num|#|policy)", "")
_NHS = r"\bnhs\b"
# Medicare's identifier leaves out letters that look like digits: S, L, O, I, B, Z.
_A, _N = "[AC-HJKMNP-RT-Y]", "[0-9]"
_M = "[0-9AC-HJKMNP-RT-Y]"
_MBI = rf"[1-9]{_A}{_M}{_N}-?{_A}{_M}{_N}-?{_A}{{2}}{_N}{{2}}"

RULES = (
    Rule(
        "medical_record.labelled",
        Entity.MEDICAL_RECORD,
        f"(?i){_RECORD}",
        announced(_RECORD, _VALUE),
        checked(figured(4), STRONG),
    ),
    Rule(
        "health_insurance.labelled",
        Entity.HEALTH_INSURANCE,
        f"(?i){_INSURANCE_GATE}",
        announced(_INSURANCE, _VALUE),
        checked(figured(4), STRONG),
    ),
    Rule(
        "health_insurance.nhs",
        Entity.HEALTH_INSURANCE,
        f"(?i){_NHS}",
        announced(_NHS, r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}"),
        checked(number_check("gb", "nhs"), CERTAIN),
    ),
    Rule(
        "health_insurance.medicare",
        Entity.HEALTH_INSURANCE,
        rf"[1-9]{_A}{_M}{_N}-?{_A}{_M}{_N}",
        rf"\b{_MBI}\b",
        always(STRONG),
        clue=Clue.DIGITS,
    ),
)
