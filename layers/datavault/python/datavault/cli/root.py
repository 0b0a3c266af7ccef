"""The root of the command: help in groups, and one place where failures become words and codes."""

import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click

from datavault.cli.exits import Exit, exit_codes_help, failure_of


@dataclass(frozen=True, slots=True)
class Section:
    """Commands that stand together in the help of the root."""

    title: str
    commands: tuple[click.Command, ...]


class Root(click.Group):
    """A group whose commands may be shown in sections, and fail in words."""

    sections: Sequence[Section] = ()

    def take(self, sections: Sequence[Section]) -> None:
        """Have the commands of ``sections``, shown so."""
        self.sections = sections
        for section in sections:
            for command in section.commands:
                self.add_command(command)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; what goes wrong is told in a line or a few."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            result: object = super().invoke(ctx)
            # Here rather than at the exit of the interpreter, which would tell of a closed pipe.
            sys.stdout.flush()
            return result
        except (click.ClickException, click.exceptions.Exit):
            raise
        except BrokenPipeError:
            _let_go_of_stdout()
            ctx.exit(Exit.PIPE_CLOSED)
        except KeyboardInterrupt:
            click.echo("\nInterrupted.", err=True)
            ctx.exit(Exit.INTERRUPTED)
        except click.Abort as abort:
            # Ctrl-C at a question; else somebody said no, or there was nobody to ask.
            stopped = isinstance(abort.__context__, KeyboardInterrupt)
            click.echo("\nInterrupted." if stopped else "Not done.", err=True)
            ctx.exit(Exit.INTERRUPTED if stopped else Exit.FAILED)
        except Exception as error:  # noqa: BLE001  # Whatever it is: no stack trace.
            self._fail(ctx, error)
        return None

    def _fail(self, ctx: click.Context, error: Exception) -> None:
        failure = failure_of(error)
        if failure is None:
            if os.environ.get("DATAVAULT_DEBUG"):
                raise error
            # Its message may quote anything, and so it is not shown.
            kind = type(error).__name__
            click.echo(
                f"datavault: a defect of the command: {kind}; DATAVAULT_DEBUG=1 shows where",
                err=True,
            )
            ctx.exit(Exit.FAILED)
        first, *others = failure.lines
        click.echo("\n".join([f"datavault: {first}", *others]), err=True)
        ctx.exit(failure.exit_code)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands, section by section."""
        width = max(
            len(command.name or "") for section in self.sections for command in section.commands
        )
        for section in self.sections:
            with formatter.section(section.title):
                formatter.write_dl(
                    [
                        ((command.name or "").ljust(width), command.get_short_help_str(70))
                        for command in section.commands
                    ]
                )

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """How a command can end."""
        with formatter.section("Exit codes"):
            formatter.write(exit_codes_help() + "\n")


def _let_go_of_stdout() -> None:
    """Write what is still buffered to nowhere: nobody reads it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError):
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
