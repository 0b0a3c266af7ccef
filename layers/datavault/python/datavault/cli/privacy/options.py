"""Options that the offline commands share, parsed into words of the domain."""

from enum import StrEnum
from pathlib import Path

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.domain.errors import VaultError
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.policy import Allowed
from datavault.domain.privacy.tiers import Tier

ANY = "any"


class Header(StrEnum):
    """Whether the first row of a table has the names of its columns."""

    AUTO = "auto"
    """The row tells."""
    YES = "yes"
    NO = "no"


tier_option = click.option(
    "--tier",
    type=click.Choice([each.value for each in Tier]),
    default=Tier.FAST.value,
    show_default=True,
    help="patterns: by form, check digits and labels, some ten times as fast. fast: also names of"
    " people, places and organizations and street addresses. thorough: misses fewer of them, and"
    " takes some eight times as long.",
)

jobs_option = click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Processes that work side by side; as many as there are cores, if not given.",
)


class Entities(click.ParamType[frozenset[Entity]]):
    """Names of entities with commas between them, or ``any``."""

    name = "entities"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[Entity]:
        """The entities; fails for a name that is none's."""
        if isinstance(value, frozenset):
            return value
        found: set[Entity] = set()
        for word in str(value).upper().replace(" ", "").split(","):
            if word == ANY.upper():
                found |= frozenset(Entity)
            elif word not in Entity.__members__:
                self.fail(f"one of {', '.join(sorted(Entity))}", param, ctx)
            else:
                found.add(Entity(word))
        return frozenset(found)


def require_found_by(tier: Tier, entities: frozenset[Entity], option: str) -> None:
    """Refuse (``UsageError``) what another tier would look for, rather than find nothing of it."""
    for entity in sorted(entities - tier.entities):
        finding = " or ".join(each for each in Tier if entity in each.entities)
        raise click.UsageError(
            f"{option} {entity}: --tier {tier} does not look for it; --tier {finding} does"
        )


class AllowList(click.ParamType["tuple[Allowed, ...]"]):
    """A file of allowed values."""

    name = "file"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> "tuple[Allowed, ...]":
        """Its entries, expired ones too."""
        from datavault.domain.privacy.policy_text import parse_allow_list

        if isinstance(value, tuple):
            return value
        path = Path(str(value))
        try:
            content = path.read_bytes()
        except OSError as error:
            self.fail(f"{click.format_filename(path)}: {error.strerror}", param, ctx)
        try:
            return parse_allow_list(content)
        except VaultError as error:
            where = f" ({error.field})" if error.field else ""
            told = f"invalid: {click.format_filename(path)}: {error}{where}"
        raise CommandFailed(Exit.USAGE, told)
