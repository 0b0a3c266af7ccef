"""What a row of the table is, and the words that rows share."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel

from datavault.domain.access import Action

type Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

JSON = "application/json"
NDJSON = "application/x-ndjson"
HTML = "text/html"
PROBLEM = "application/problem+json"


# The records of one append have 4 MiB at most; ids and braces around them get a little more.
RECORDS_BODY_BYTES_MAX = 4 * 2**20 + 256 * 2**10
# The longest other body: a dataset with 50 labels and a description in four-byte characters.
JSON_BODY_BYTES_MAX = 256 * 2**10


class Grant(StrEnum):
    """A word for what a function may do; ``infra.grants`` says what it means in IAM."""

    CATALOG_READ = "catalog:read"
    CATALOG_WRITE = "catalog:write"
    STAGING_READ = "staging:read"
    STAGING_WRITE = "staging:write"
    LEDGER_APPEND = "ledger:append"
    OBJECTS_READ = "objects:read"
    OBJECTS_WRITE = "objects:write"
    OBJECTS_DELETE = "objects:delete"
    KEYS_GENERATE = "keys:generate"
    KEYS_UNWRAP = "keys:unwrap"
    WORKFLOWS_START = "workflows:start"
    WORKFLOWS_READ = "workflows:read"
    WORKFLOWS_STOP = "workflows:stop"
    LANDING_LIST = "landing:list"
    LANDING_READ = "landing:read"
    LANDING_WRITE = "landing:write"
    LANDING_SIGN = "landing:sign"
    LANDING_DELETE = "landing:delete"
    LEDGER_FOLLOW = "ledger:follow"
    EVENTS_PUBLISH = "events:publish"
    LETTERS_KEEP = "letters:keep"


@dataclass(frozen=True, slots=True)
class Operation:
    """One row. ``action`` is ``None`` for what needs no credentials.

    ``query`` is a model of the query parameters; ``accepts`` and ``returns`` are media types, the
    first being the default. ``tagged`` says that the reply has an ``ETag``, ``precondition`` that
    the caller has to state, with ``If-Match``, which version of the thing is meant. ``layers`` are
    the third-party ones that the function needs beside ``core``.
    """

    name: str
    capability: str
    method: Method
    path: str
    summary: str
    action: Action | None
    function: str
    grants: frozenset[Grant]
    status: int
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    reply: type[BaseModel] | None = None
    accepts: tuple[str, ...] = (JSON,)
    returns: tuple[str, ...] = (JSON,)
    tagged: bool = False
    precondition: bool = False
    layers: tuple[str, ...] = ()
    memory_mb: int = 512
    timeout_s: int = 29

    @property
    def body_bytes_max(self) -> int:
        """The longest body, of either media type, that is not ``too_large``."""
        return RECORDS_BODY_BYTES_MAX if NDJSON in self.accepts else JSON_BODY_BYTES_MAX

    @property
    def changes_something(self) -> bool:
        """Whether it does: each change tells the ledger, and nothing else does."""
        return Grant.LEDGER_APPEND in self.grants


@dataclass(frozen=True, slots=True)
class Task:
    """A function that no route reaches: the authorizer, or what a schedule starts or feeds.

    ``follows_ledger`` says that it is given all new entries of the ledger, a batch at a time;
    ``layers`` are the third-party ones that it needs beside ``core``.
    """

    name: str
    capability: str
    summary: str
    function: str
    grants: frozenset[Grant]
    every_minutes: int | None = None
    follows_ledger: bool = False
    layers: tuple[str, ...] = ()
    memory_mb: int = 512
    timeout_s: int = 60


API = "/api/v1"
DATASET = f"{API}/datasets/{{dataset_id}}"

# Reading at a ref: the dataset, its heads and keys, staged changes, then nodes and packs.
READ = frozenset({Grant.CATALOG_READ, Grant.STAGING_READ, Grant.OBJECTS_READ, Grant.KEYS_UNWRAP})
# Commits are sealed, and so are list cursors: reading either takes a key.
HISTORY = frozenset({Grant.CATALOG_READ, Grant.KEYS_UNWRAP})
# Staging a change moves a head's tick (catalog) and writes rows (staging); so do commits and
# branches, in their way, and the ledger tells of each.
STAGE = frozenset(
    {
        Grant.CATALOG_READ,
        Grant.CATALOG_WRITE,
        Grant.STAGING_READ,
        Grant.STAGING_WRITE,
        Grant.LEDGER_APPEND,
        Grant.KEYS_UNWRAP,
    }
)
# A PUT whose answer was lost is compared with what is there.
PUT_OBJECTS = frozenset({Grant.OBJECTS_READ, Grant.OBJECTS_WRITE})
