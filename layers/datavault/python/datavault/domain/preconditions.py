"""What a caller requires of the thing it changes: an entity tag it has seen, or any (RFC 9110)."""

import re
from dataclasses import dataclass

from datavault.domain.errors import Invalid, PreconditionFailed

HEADER = "If-Match"
TAGS_MAX = 16

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]{0,128})"')


@dataclass(frozen=True, slots=True)
class Precondition:
    """The entity tags of which one must be the thing's; ``None`` takes any."""

    tags: frozenset[str] | None

    @property
    def is_any(self) -> bool:
        """Whether the thing has only to be there."""
        return self.tags is None

    def require(self, etag: str) -> None:
        """Return if the thing with this tag is the one the caller has seen.

        Raises:
            PreconditionFailed: it has been changed since.
        """
        if self.tags is not None and etag not in self.tags:
            raise PreconditionFailed(
                f'it has been changed since: its entity tag is "{etag}" now', field=HEADER
            )


ANY = Precondition(None)


def parse_precondition(text: str) -> Precondition:
    """The value of ``If-Match``: ``*``, or entity tags in double quotes with commas between.

    A weak tag (``W/"1"``) matches nothing, as RFC 9110 has it.
    """
    if text.strip() == "*":
        return ANY
    found = [_TAG.fullmatch(part.strip()) for part in text.split(",")]
    tags = [match for match in found if match is not None]
    if len(tags) != len(found) or len(tags) > TAGS_MAX:
        raise Invalid(
            f'If-Match is * or 1 to {TAGS_MAX} entity tags as ETag gives them, such as "3"',
            field=HEADER,
        )
    return Precondition(frozenset(match[2] for match in tags if match[1] is None))
