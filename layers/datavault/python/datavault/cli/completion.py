"""``datavault completion``: completion of commands and options by the shell."""

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_DATAVAULT_COMPLETE"


@click.command(short_help="Let your shell complete these words.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete this command's words.

    \b
    Example:
      datavault completion bash >> ~/.bashrc
      datavault completion zsh >> ~/.zshrc
      datavault completion fish > ~/.config/fish/completions/datavault.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None, "one of the shells that click knows"
    root = context.find_root().command
    click.echo(kind(root, {}, "datavault", _VARIABLE).source())
