"""Every way an operation can fail, as one tree; pick by what the caller should do next.

VaultError
├── Malformed            the bytes are not in the format announced: mend the client
├── Unauthenticated      no valid credentials: sign in
├── Denied               not allowed: ask for a role
├── NotFound             no such thing, or not yours: check the id
├── Conflict             the world moved on: read again and retry
│   ├── StagingFull      the branch holds all the uncommitted changes it can: commit first
│   ├── NothingStaged    there is nothing to commit: somebody else may just have done it
│   ├── MergeConflicts   both sides changed the same: settle the conflicts, then merge again
│   └── Cancelled        somebody ended this job: nothing to do
├── Erased               it was here and has been destroyed: nothing to do
├── PreconditionFailed   your precondition does not hold: read again and decide
├── TooLarge             over a written-down limit: send less
├── Invalid              well-formed but not acceptable: mend the field named
├── Throttled            too fast: wait and retry
├── Corrupt              stored bytes fail verification: tell the operator, never use them
└── Unavailable          something we need does not answer: retry later
    ├── ReadOnly         the operator lets nothing be changed for now: the message says why
    └── KekUnavailable   a KEK is not ours to use (any more): only its owner can mend it

Messages are safe to show: they name things by id, give both sides of a bound, and never carry
content, keys or tokens. A class's ``code`` is the HTTP problem ``code``; its name is what state
machines match in ``ErrorEquals``.
"""


class VaultError(Exception):
    """The root; never raised itself.

    ``field`` names the offending input as a JSON pointer or parameter name, where there is one.
    """

    code = "error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Malformed(VaultError):
    """The bytes are not in the format announced."""

    code = "malformed"


class Unauthenticated(VaultError):
    """No credentials, or none that hold."""

    code = "unauthenticated"


class Denied(VaultError):
    """The caller is known and may not do this."""

    code = "denied"


class NotFound(VaultError):
    """There is no such thing, or it is in another workspace, which is the same."""

    code = "not_found"


class Conflict(VaultError):
    """The world moved on; read again and retry."""

    code = "conflict"


class StagingFull(Conflict):
    """The branch holds as many uncommitted changes as it can; commit, then go on."""

    code = "staging_full"


class NothingStaged(Conflict):
    """There is nothing to commit; somebody else may just have committed it."""

    code = "nothing_staged"


class MergeConflicts(Conflict):
    """Both sides changed the same records; nothing is merged before that is settled."""

    code = "merge_conflicts"


class Cancelled(Conflict):
    """Somebody ended this job; its steps stop and clean up."""

    code = "cancelled"


class Erased(VaultError):
    """It was here and has been destroyed."""

    code = "erased"


class PreconditionFailed(VaultError):
    """A precondition the caller stated does not hold."""

    code = "precondition_failed"


class TooLarge(VaultError):
    """Over a written-down limit."""

    code = "too_large"


class Invalid(VaultError):
    """Well-formed, but not acceptable."""

    code = "invalid"


class Throttled(VaultError):
    """Too fast; wait and retry."""

    code = "throttled"


class Corrupt(VaultError):
    """Stored bytes fail verification; they are never returned as data."""

    code = "corrupt"


class Unavailable(VaultError):
    """Something the vault needs does not answer; retry later."""

    code = "unavailable"


class ReadOnly(Unavailable):
    """Changes are refused for now, by decision of the operator; nothing is broken."""

    code = "read_only"


class KekUnavailable(Unavailable):
    """A KEK is disabled, deleted, or its owner turns us away.

    No retry mends it: whoever owns the key has to say whether it was meant.
    """

    code = "kek_unavailable"
