"""Options that the offline commands share, parsed into words of the domain."""

from pathlib import Path

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.domain.errors import VaultError
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.policy import Allowed

ANY = "any"

jobs_option = click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Processes that work side by side; as many as there are cores, if not given.",
)


class Entities(click.ParamType[frozenset[Entity]]):
    """Names of entities with commas between them, or ``any``."""

    name = "entities"

    def __init__(self, known: frozenset[Entity]) -> None:
        self._known = known

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[Entity]:
        """The entities; fails for one that needs the model of names, or is none."""
        if isinstance(value, frozenset):
            return value
        found: set[Entity] = set()
        for word in str(value).upper().replace(" ", "").split(","):
            if word == ANY.upper():
                found |= self._known
            elif word not in Entity.__members__:
                self.fail(f"one of {', '.join(sorted(Entity))}", param, ctx)
            elif (entity := Entity(word)) not in self._known:
                self.fail(f"{entity} needs the model of names, which is not there", param, ctx)
            else:
                found.add(entity)
        return frozenset(found)


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
