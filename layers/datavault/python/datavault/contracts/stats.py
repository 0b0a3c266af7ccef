"""Wire shapes of a dataset's statistics."""

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field

from datavault.contracts.links import link
from datavault.contracts.records import Ref
from datavault.contracts.wire import Links, Query, Reply

if TYPE_CHECKING:
    from datavault.domain.ids import DatasetId
    from datavault.domain.stats import DatasetStats
    from datavault.domain.stats import Stored as StoredValue


class StatsQuery(Query):
    """Which version, and which one to compare it with."""

    ref: Annotated[Ref, Field(description="The version: a branch, a tag or a commit.")] = "main"
    base: Annotated[
        Ref | None,
        Field(description="The version to compare it with; its first parent if not given."),
    ] = None


class Stored(Reply):
    """Bytes as stored: compressed and sealed."""

    bytes: int
    records_bytes: Annotated[int, Field(description="Of blocks of records.")]
    nodes_bytes: Annotated[int, Field(description="Of nodes of the tree.")]

    @classmethod
    def of(cls, stored: "StoredValue") -> Self:
        """The wire shape of ``stored``."""
        return cls(bytes=stored.total, records_bytes=stored.records, nodes_bytes=stored.nodes)


class DedupRatio(Reply):
    """Bytes of records for each byte stored, and for which workload."""

    workload: Annotated[
        str,
        Field(description="`version`: it alone is kept. `version_and_base`: both are."),
    ]
    logical_bytes: int
    stored_bytes: int
    ratio: float


class DatasetStatsReply(Reply):
    """What a version takes. All exact, in whole blocks and nodes; what is staged is not in it."""

    commit: str
    base: str | None
    records: int
    logical_bytes: Annotated[int, Field(description="Of all its records, as they come out.")]
    stored: Stored
    unique: Annotated[Stored, Field(description="Of `stored`: what `base` does not need.")]
    shared: Annotated[Stored, Field(description="Of `stored`: what `base` needs too.")]
    dedup: list[DedupRatio]
    links: Links

    @classmethod
    def of(cls, stats: "DatasetStats", dataset_id: "DatasetId", query: StatsQuery) -> Self:
        """The wire shape of ``stats``, the answer to ``query``."""
        return cls(
            commit=stats.commit,
            base=stats.base,
            records=stats.records,
            logical_bytes=stats.logical_bytes,
            stored=Stored.of(stats.stored),
            unique=Stored.of(stats.unique),
            shared=Stored.of(stats.shared),
            dedup=[
                _ratio("version", stats.logical_bytes, stats.stored.total),
                _ratio("version_and_base", stats.both_logical_bytes, stats.both_stored_bytes),
            ],
            links={
                "self": link("datasets", dataset_id, "stats", ref=query.ref, base=query.base),
                "dataset": link("datasets", dataset_id),
                "commit": link("datasets", dataset_id, "commits", stats.commit),
            },
        )


def _ratio(workload: str, logical: int, stored: int) -> DedupRatio:
    # Even an empty tree is stored: one node.
    return DedupRatio(
        workload=workload,
        logical_bytes=logical,
        stored_bytes=stored,
        ratio=round(logical / stored, 4),
    )
