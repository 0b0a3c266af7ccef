"""``datavault settings``, and the options that come before them all: ``--set`` and ``--config``.

A setting comes from the command line, else from ``VAULT_SECTION__FIELD`` in the environment, else
from the stage's TOML file, else it has a default.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import click

_PREFIX = "VAULT_"
_NESTED = "__"


def setting_options[F: Callable[..., Any]](command: F) -> F:
    """Let ``command`` take settings, which then hold for everything below it."""
    for option in (
        click.option(
            "--config",
            type=click.Path(exists=True, dir_okay=False),
            expose_value=False,
            callback=_use_file,
            help="A TOML file of settings, instead of VAULT_FILE's.",
        ),
        click.option(
            "--set",
            metavar="SECTION.FIELD=VALUE",
            multiple=True,
            expose_value=False,
            callback=_use_values,
            help='A setting; see "datavault settings". May be given several times.',
        ),
    ):
        command = option(command)
    return command


@click.command(short_help="List all settings and their defaults.")
def settings() -> None:
    """List all settings, their defaults and what they are, as README has them."""
    click.echo(settings_table(), nl=False)


def settings_table() -> str:
    """A Markdown table of every setting, made of the model."""
    lines = ["| setting | default | what |", "|---|---|---|"]
    lines += [f"| `{name}` | {default} | {text} |" for name, default, text in _rows()]
    return "\n".join(lines) + "\n"


def _rows() -> Iterator[tuple[str, str, str]]:
    import msgspec.inspect

    from datavault.wiring import Settings

    yield "VAULT_FILE", "", "a TOML file of the settings below, `[section]` and `field = value`"
    yield from _fields(_PREFIX, msgspec.inspect.type_info(Settings))


def _fields(prefix: str, struct: Any) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401
    import msgspec

    for field in struct.fields:
        name, kind = f"{prefix}{field.name.upper()}", field.type
        # An optional section is one all the same.
        section = next((each for each in getattr(kind, "types", (kind,)) if _is_struct(each)), None)
        if section is not None:
            yield from _fields(f"{name}{_NESTED}", section)
            continue
        text = (kind.extra_json_schema or {})["description"]
        default = "" if field.default is msgspec.NODEFAULT else f"`{field.default:}`"
        yield name, default, text


def _is_struct(kind: object) -> bool:
    import msgspec.inspect

    return isinstance(kind, msgspec.inspect.StructType)


def _use_file(_context: object, _option: object, path: str | None) -> None:
    if path is not None:
        os.environ["VAULT_FILE"] = path


def _use_values(_context: object, _option: object, given: tuple[str, ...]) -> None:
    """Over what the environment says; whether there is such a setting, ``wiring`` finds out."""
    for each in given:
        path, separator, value = each.partition("=")
        if not separator or not path:
            # Not the text itself: it may be a value that went astray.
            raise click.BadParameter("a setting is given as SECTION.FIELD=VALUE")
        os.environ[f"{_PREFIX}{path.replace('.', _NESTED).upper()}"] = value
