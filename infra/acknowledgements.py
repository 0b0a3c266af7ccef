"""The findings of cdk-nag that we know of and keep, each with the reason why.

One table for each kind of construct. ``when`` is a word of the construct's own: a finding is
acknowledged only where its cause is, so that an acknowledgement never hides what it was not meant
for. ``{name}`` in a finding is filled in by the construct.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One finding, when it comes up, and why it stays."""

    when: str
    finding: str
    reason: str


FUNCTION: tuple[Acknowledged, ...] = ()


def acknowledge(
    construct: IConstruct,
    table: Iterable[Acknowledged],
    *,
    applies: Iterable[str],
    **names: str,
) -> None:
    """Acknowledge those findings of ``table`` whose ``when`` applies to ``construct``."""
    applying = set(applies)
    stack = Stack.of(construct)
    for row in table:
        if row.when in applying:
            filled = {name: str(stack.resolve(value)) for name, value in names.items()}
            finding = row.finding.format(**filled)
            Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=row.reason))
