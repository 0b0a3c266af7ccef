"""Wire shapes of verifications."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field

from datavault.contracts.links import link, page_links
from datavault.contracts.records import Ref
from datavault.contracts.wire import Cursor, Links, Pagination, Query, Reply

if TYPE_CHECKING:
    from datavault.domain.verification import Checked


class VerifyQuery(Query):
    """What to verify, and from where to go on."""

    ref: Ref = "main"
    cursor: Cursor = None


class CorruptReply(Reply):
    """Something that is not what it should be."""

    part: Literal["commit", "node", "block"]
    name: Annotated[str, Field(description="The commit's id, or the pack's of a node or block.")]
    records: Annotated[int, Field(description="Records that cannot be read because of it.")]


class VerifyReply(Reply):
    """A page of a verification: what was read and passed, and what did not pass.

    A version is whole when the last page (`has_more` is false) has come and `corrupt` was empty on
    all of them.
    """

    commit: str
    nodes: int
    blocks: int
    records: int
    bytes: Annotated[int, Field(description="Bytes of the blocks, decompressed.")]
    corrupt: list[CorruptReply]
    pagination: Pagination
    links: Links

    @classmethod
    def of(cls, checked: "Checked", dataset_id: str, query: VerifyQuery) -> Self:
        """The wire shape of ``checked``, the answer to ``query``."""
        links = page_links(
            "datasets",
            dataset_id,
            "verify",
            next_cursor=checked.next_cursor,
            ref=query.ref,
            cursor=query.cursor,
        )
        return cls(
            commit=checked.commit,
            nodes=checked.nodes,
            blocks=checked.blocks,
            records=checked.records,
            bytes=checked.bytes,
            corrupt=[
                CorruptReply(part=place.part.value, name=place.name, records=records)
                for place, records in checked.corrupt.items()
            ],
            pagination=Pagination.after(checked.next_cursor),
            links={
                **links,
                "dataset": link("datasets", dataset_id),
                "commit": link("datasets", dataset_id, "commits", checked.commit),
            },
        )
