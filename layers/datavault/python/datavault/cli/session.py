"""What users' commands share: a profile's vault, datasets by name, and the words of options."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.output import Form, Output

if TYPE_CHECKING:
    from datavault.client import Credentials, Vault


_PROFILE, _FORM = "datavault.profile", "datavault.form"
_DATASET_ID = re.compile(r"ds_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Session:
    """A vault, and where results go."""

    vault: "Vault"
    output: Output

    def dataset_id(self, named: str) -> str:
        """The id of the dataset that has this id or this name, be it archived.

        Raises:
            CommandFailed: there is none.
        """
        if _DATASET_ID.fullmatch(named):
            return named
        found = self.vault.iter_datasets(name_prefix=named, state="any", page_size=100)
        dataset_id = next((each.id for each in found if each.name == named), None)
        if dataset_id is None:
            raise CommandFailed(
                Exit.NOT_FOUND,
                "not found: there is no dataset of this name in your workspace",
                hint='"datavault dataset list" shows what there is.',
            )
        return dataset_id


def takes_vault[**Given](
    command: Callable[Concatenate[Session, Given], None],
) -> Callable[Given, None]:
    """Give ``command`` a session, and the options ``--profile`` and ``--output``."""

    @functools.wraps(command)
    def with_vault(*args: Given.args, **kwargs: Given.kwargs) -> None:
        context = click.get_current_context()
        output = chosen_output()
        with connect(context, profile=chosen_profile()) as vault:
            command(Session(vault, output), *args, **kwargs)

    return profile_option(output_option(with_vault))


def profile_option[F: Callable[..., object]](command: F) -> F:
    """``--profile``, kept for whoever connects."""
    return click.option(
        "--profile",
        metavar="NAME",
        expose_value=False,
        callback=lambda context, _, value: context.meta.__setitem__(_PROFILE, value),
        help="The profile to use, instead of DATAVAULT_PROFILE's or default.",
    )(command)


def output_option[F: Callable[..., object]](command: F) -> F:
    """``--output``, kept for the session."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice([form.value for form in Form]),
        envvar="DATAVAULT_OUTPUT",
        expose_value=False,
        callback=lambda context, _, value: context.meta.__setitem__(
            _FORM, None if value is None else Form(value)
        ),
        help="table, json or jsonl; a table on a terminal, else jsonl.",
    )(command)


def chosen_profile() -> str | None:
    """What ``--profile`` says."""
    found: str | None = click.get_current_context().meta.get(_PROFILE)
    return found


def chosen_output() -> Output:
    """What ``--output`` says."""
    return Output(click.get_current_context().meta.get(_FORM))


def connect(
    context: click.Context,
    *,
    profile: str | None = None,
    endpoint: str | None = None,
    credentials: "Credentials | None" = None,
) -> "Vault":
    """A client; tests have a transport of their own in the context's ``obj``."""
    from datavault.client import Vault

    return Vault(profile=profile, endpoint=endpoint, credentials=credentials, transport=context.obj)


dataset_argument = click.argument("dataset")
branch_option = click.option(
    "-b", "--branch", default="main", show_default=True, help="The branch to change."
)
ref_option = click.option(
    "-r",
    "--ref",
    default="main",
    show_default=True,
    help="Where to read: a branch, a tag, a commit id, or 8 characters of one at least.",
)
message_option = click.option("-m", "--message", default="", help="What this version is.")
limit_option = click.option(
    "-n", "--limit", type=click.IntRange(1), help="At most so many; all without it."
)
