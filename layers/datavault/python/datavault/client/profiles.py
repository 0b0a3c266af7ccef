"""Where the vault is and who calls: from arguments, the environment, or a profile file.

The first source that says something wins, for the endpoint and for the credentials. But the
credentials of a profile that has an endpoint go to that endpoint and to no other.

1. arguments of ``Vault``;
2. ``DATAVAULT_ENDPOINT``; ``DATAVAULT_TOKEN``, or ``DATAVAULT_TOKEN_URL`` with
   ``DATAVAULT_CLIENT_ID`` and ``DATAVAULT_CLIENT_SECRET`` (and ``DATAVAULT_SCOPE``,
   ``DATAVAULT_AUDIENCE``);
3. the profile called by the argument ``profile``, by ``DATAVAULT_PROFILE``, or ``default``.

Profiles are tables of a TOML file, ``~/.config/datavault/profiles.toml`` or where
``XDG_CONFIG_HOME`` or ``DATAVAULT_PROFILES`` say::

    [default]
    endpoint = "https://vault.example"
    token_url = "https://login.example/oauth2/token"
    client_id = "pipeline"
    client_secret = "..."

    [laptop]
    endpoint = "http://127.0.0.1:4566/_aws/execute-api/abc123/live"
    token = "..."

It holds secrets, so it has to be readable by its owner alone (mode 0600); otherwise it is refused.
"""

import json
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from datavault.client.credentials import ClientCredentials, Credentials, StaticToken
from datavault.client.errors import NotConfigured

DEFAULT_PROFILE = "default"
ENVIRONMENT_PREFIX = "DATAVAULT_"
FLOW = ("token_url", "client_id", "client_secret")


@dataclass(frozen=True, slots=True)
class Profile:
    """What one source says; every field may be absent."""

    endpoint: str | None = None
    token: str | None = field(default=None, repr=False)
    token_url: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    scope: str | None = None
    audience: str | None = None

    def credentials(self) -> Credentials | None:
        """The token, or the flow; ``None`` when this source has neither.

        Raises:
            NotConfigured: a part of the flow is missing.
        """
        if self.token is not None:
            return StaticToken(self.token)
        given = {name: getattr(self, name) for name in FLOW}
        missing = [name for name, value in given.items() if value is None]
        if len(missing) == len(FLOW):
            return None
        if missing:
            raise NotConfigured(f"the client-credentials flow also needs {' and '.join(missing)}")
        return ClientCredentials(
            str(self.token_url),
            str(self.client_id),
            str(self.client_secret),
            scope=self.scope,
            audience=self.audience,
        )


@dataclass(frozen=True, slots=True)
class Connection:
    """An endpoint without a slash at its end, and the caller's credentials if there are any."""

    endpoint: str
    credentials: Credentials | None


def connection(
    *,
    endpoint: str | None = None,
    credentials: Credentials | None = None,
    profile: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Connection:
    """What the sources come to.

    Raises:
        NotConfigured: no source names an endpoint, a named profile is not there, or the profile
            file cannot be used.
    """
    environment = os.environ if environment is None else environment
    # An explicit profile beats the environment: who names one means all of it.
    told = from_environment(environment) if profile is None else Profile()
    url = endpoint or told.endpoint
    who = credentials or told.credentials()
    if url is None or who is None:
        named = profile or environment.get(f"{ENVIRONMENT_PREFIX}PROFILE")
        found = read_profile(named, environment)
        url = url or found.endpoint
        if who is None and _belong_together(found, url):
            who = found.credentials()
    if url is None:
        raise NotConfigured(
            f"no endpoint: give one, set {ENVIRONMENT_PREFIX}ENDPOINT, or write one into a"
            f" profile in {profiles_file(environment)}"
        )
    if not url.startswith(("http://", "https://")):
        raise NotConfigured("an endpoint is a URL that begins with https:// or http://")
    return Connection(url.rstrip("/"), who)


def _belong_together(profile: Profile, url: str | None) -> bool:
    """Whether a profile's credentials may go to ``url``: not to another vault than its own."""
    return profile.endpoint is None or profile.endpoint.rstrip("/") == (url or "").rstrip("/")


def from_environment(environment: Mapping[str, str]) -> Profile:
    """What the environment says; an empty variable says nothing."""
    return Profile(
        **{
            name: environment.get(f"{ENVIRONMENT_PREFIX}{name.upper()}") or None
            for name in Profile.__dataclass_fields__
        }
    )


def profiles_file(environment: Mapping[str, str]) -> Path:
    """Where profiles are, whether or not there are any."""
    named = environment.get(f"{ENVIRONMENT_PREFIX}PROFILES")
    if named:
        return Path(named)
    config = environment.get("XDG_CONFIG_HOME")
    return Path(config or Path.home() / ".config") / "datavault" / "profiles.toml"


def read_profile(name: str | None, environment: Mapping[str, str]) -> Profile:
    """The profile of that name; ``None`` is the default one, which need not be there."""
    path = profiles_file(environment)
    profiles = read_profiles(path)
    table = profiles.get(name or DEFAULT_PROFILE)
    if table is None:
        if name is None:
            return Profile()
        raise NotConfigured(f"there is no profile {name!r} in {path}")
    return table


def read_profiles(path: Path) -> dict[str, Profile]:
    """All profiles of a file, by name; none when there is no file.

    Raises:
        NotConfigured: others may read it, it is not TOML, or a setting is unknown or no text.
    """
    try:
        with path.open("rb") as file:
            if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise NotConfigured(f"{path} holds secrets and others may use it: chmod 600 it")
            tables = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        tables = None
    if tables is None:
        # Outside the ``except``: a parser's message may quote what it does not understand.
        raise NotConfigured(f"{path} is not TOML")
    return {name: _profile(name, table, path) for name, table in tables.items()}


def write_profile(path: Path, name: str, profile: Profile) -> None:
    """Put a profile into the file, in place of one of its name; the others stay as they stand.

    The file appears whole, for its owner alone; whoever reads meanwhile reads the one before. Of
    two that write at once the later one wins.

    Raises:
        NotConfigured: the file that is there cannot be used.
    """
    import tempfile

    expected = read_profiles(path) | {name: profile}
    before = path.read_text() if path.exists() else ""
    text = _replaced(before, name, _table(name, profile))
    if _parsed(text, path) != expected:
        # Something in it looks like a heading and is none: then comments are lost.
        text = "\n".join(_table(each, found) for each, found in expected.items())
    path = path.resolve()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # ``mkstemp`` makes it with mode 0600.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


def _table(name: str, profile: Profile) -> str:
    given = {each: getattr(profile, each) for each in Profile.__dataclass_fields__}
    lines = [f"{key} = {_quoted(value)}" for key, value in given.items() if value is not None]
    heading = name if re.fullmatch("[A-Za-z0-9_-]+", name) else _quoted(name)
    return "\n".join([f"[{heading}]", *lines]) + "\n"


def _replaced(text: str, name: str, table: str) -> str:
    """``text`` with ``table`` in place of the lines from its heading to the last setting of it."""
    lines = text.splitlines()
    headings = [at for at, line in enumerate(lines) if line.startswith("[")]
    own = {f"[{name}]", f"[{_quoted(name)}]"}
    start = next((at for at in headings if lines[at].partition("#")[0].strip() in own), len(lines))
    end = next((at for at in headings if at > start), len(lines))
    # What stands right before the next heading is about that one.
    while end > start and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    before, after = "\n".join(lines[:start]).strip(), "\n".join(lines[end:]).strip()
    return "\n\n".join(part for part in (before, table.strip(), after) if part) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string: as JSON has it, but for one character that TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _parsed(text: str, path: Path) -> dict[str, Profile] | None:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
    return {name: _profile(name, table, path) for name, table in tables.items()}


def _profile(name: str, table: object, path: Path) -> Profile:
    if not isinstance(table, dict):
        raise NotConfigured(f"{path}: {name!r} stands outside a profile; begin with [{name}]")
    unknown = sorted(set(table) - set(Profile.__dataclass_fields__))
    if unknown:
        raise NotConfigured(f"{path}: profile {name!r} has unknown settings: {', '.join(unknown)}")
    for key, value in table.items():
        if not isinstance(value, str):
            raise NotConfigured(f"{path}: {key} of profile {name!r} is not a text")
    return Profile(**table)
