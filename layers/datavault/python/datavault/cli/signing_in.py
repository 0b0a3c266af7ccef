"""``datavault login`` and ``datavault token``."""

import base64
import json
import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.output import say
from datavault.cli.session import (
    chosen_output,
    chosen_profile,
    connect,
    output_option,
    profile_option,
)

if TYPE_CHECKING:
    from datavault.client.profiles import Profile

# What people copy from a browser or from "datavault local" rather than the root of the API.
_BELOW_THE_ROOT = ("/api/v1", "/docs", "/openapi.json")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SECRET_CHARS_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says of its bearer; the vault verifies it, this does not."""

    subject: str | None
    workspace: str | None
    roles: tuple[str, ...]
    issuer: str | None
    expires_at: datetime | None


@click.command(short_help="Keep where the vault is and who you are.")
@profile_option
@click.option("--endpoint", metavar="URL", help="The root of the API; asked for when absent.")
@click.option("--client-id", metavar="ID", help="Sign in by the client-credentials flow.")
@click.option("--token-url", metavar="URL", help="With --client-id: where tokens come from.")
@click.option("--scope", help="With --client-id: the scope to ask for.")
@click.option("--audience", help="With --client-id: the audience to ask for.")
@click.pass_context
def login(
    context: click.Context,
    endpoint: str | None,
    client_id: str | None,
    token_url: str | None,
    scope: str | None,
    audience: str | None,
) -> None:
    """Keep where the vault is and who you are in a profile, once a first call has succeeded.

    The token, or with --client-id the client's secret, is asked for without showing it, or read
    from stdin when that is no terminal. It is never an argument, where others would see it.
    Profiles are in ~/.config/datavault/profiles.toml, which only you can read.

    \b
    Example:
      datavault login --endpoint https://vault.example
      datavault login --profile staging --endpoint https://vault.example < token.txt
      datavault login --endpoint https://vault.example \\
          --client-id pipeline --token-url https://login.example/oauth2/token
    """
    from datavault.client.profiles import (
        DEFAULT_PROFILE,
        Profile,
        profiles_file,
        read_profiles,
        write_profile,
    )

    if (client_id is None) != (token_url is None):
        raise click.UsageError("--client-id and --token-url go together")
    if client_id is None and (scope or audience):
        raise click.UsageError("--scope and --audience go with --client-id")
    path = profiles_file(os.environ)
    name = chosen_profile() or os.environ.get("DATAVAULT_PROFILE") or DEFAULT_PROFILE
    known = read_profiles(path).get(name, Profile())
    profile = Profile(endpoint=_root(endpoint or _asked_endpoint(known.endpoint)))
    if client_id is None:
        profile = replace(profile, token=_secret("Token"))
    else:
        profile = replace(
            profile,
            token_url=token_url,
            client_id=client_id,
            client_secret=_secret("Client secret"),
            scope=scope,
            audience=audience,
        )
    who = _verified(context, profile)
    write_profile(path, name, profile)
    say(f"Signed in to {profile.endpoint}{who}.")
    say(f"Profile {name} is in {click.format_filename(path)}.")
    over = [
        each for each in ("ENDPOINT", "TOKEN", "TOKEN_URL") if os.environ.get(f"DATAVAULT_{each}")
    ]
    if over:
        told = " and ".join(f"DATAVAULT_{each}" for each in over)
        say(f"But {told} in the environment comes first, unless you give --profile.")


@click.command(short_help="Print the access token, or whose it is.")
@click.option("--who", is_flag=True, help="Say whose it is and until when, instead of the token.")
@output_option
@profile_option
def token(who: bool) -> None:
    """Print the access token that commands use now, for other programs; or say whose it is.

    \b
    Example:
      datavault token --who
      curl -H "Authorization: Bearer $(datavault token)" https://vault.example/api/v1/datasets
    """
    from datavault.client.errors import NotConfigured
    from datavault.client.profiles import connection

    found = connection(profile=chosen_profile())
    if found.credentials is None:
        raise NotConfigured("no credentials in the environment or the profile")
    value = found.credentials.token()
    if not who:
        click.echo(value)
        return
    claims = claims_of(value)
    if claims is None:
        raise CommandFailed(Exit.FAILED, "this token does not say whose it is: it is no JWT")
    ended = claims.expires_at is not None and claims.expires_at < datetime.now(UTC)
    chosen_output().fields(
        {
            "endpoint": found.endpoint,
            "subject": claims.subject,
            "workspace": claims.workspace,
            "roles": claims.roles,
            "issuer": claims.issuer,
            "expires_at": claims.expires_at,
            "expired": ended,
        },
        (
            ("endpoint", found.endpoint),
            ("subject", claims.subject),
            ("workspace", claims.workspace),
            ("roles", " ".join(claims.roles) or "none"),
            ("issuer", claims.issuer),
            ("expires", claims.expires_at),
            ("", "It has expired." if ended else None),
        ),
    )


def claims_of(token: str) -> Claims | None:
    """What a JWT says; ``None`` for any other token."""
    parts = token.split(".")
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        found = json.loads(base64.urlsafe_b64decode(padded))
    except (IndexError, ValueError):
        return None
    if not isinstance(found, dict):
        return None
    expires, roles = found.get("exp"), found.get("roles")
    return Claims(
        subject=_text(found.get("sub")),
        workspace=_text(found.get("workspace")),
        roles=tuple(map(str, roles)) if isinstance(roles, list) else (),
        issuer=_text(found.get("iss")),
        expires_at=datetime.fromtimestamp(expires, UTC)
        if isinstance(expires, int | float)
        else None,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _asked_endpoint(known: str | None) -> str:
    if not sys.stdin.isatty():
        if known is not None:
            return known
        raise click.UsageError("--endpoint is needed: stdin is for the token")
    answer: str = click.prompt("Endpoint (the root URL of the API)", default=known, err=True)
    return answer


def _root(endpoint: str) -> str:
    """The root of the API, from what was given for it."""
    url = endpoint.strip().rstrip("/")
    for end in _BELOW_THE_ROOT:
        url = url.removesuffix(end)
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise click.BadParameter("is a URL such as https://vault.example", param_hint="--endpoint")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise click.BadParameter(
            "begins with https://, but on this machine: a token must not travel in the clear",
            param_hint="--endpoint",
        )
    return url


def _secret(what: str) -> str:
    if sys.stdin.isatty():
        value: str = click.prompt(what, hide_input=True, err=True)
    else:
        value = sys.stdin.read(SECRET_CHARS_MAX)
    value = value.strip()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise CommandFailed(Exit.USAGE, f"{what.lower()}: one line of visible characters")
    return value


def _verified(context: click.Context, profile: "Profile") -> str:
    """Make a call that every role may; who makes it, as far as the token says."""
    credentials = profile.credentials()
    assert credentials is not None, "a token or a flow"
    with connect(context, endpoint=profile.endpoint, credentials=credentials) as vault:
        vault.list_datasets(limit=1)
    claims = claims_of(credentials.token())
    if claims is None:
        return ""
    until = f", until {claims.expires_at:%Y-%m-%d %H:%MZ}" if claims.expires_at else ""
    if profile.token is None:
        until = ""  # The flow gets another one.
    return f" as {claims.subject} ({' '.join(claims.roles)} of {claims.workspace}{until})"
