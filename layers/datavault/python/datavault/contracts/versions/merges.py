"""Wire shapes of merging: merge, cherry-pick, revert, and what they would meet.

Texts of records pass through verbatim, in resolutions and in lists of conflicts.
"""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from datavault.contracts.json_text import encode
from datavault.contracts.links import link, page_links
from datavault.contracts.records import Branch, RecordJson, RecordName, Ref, envelope_of
from datavault.contracts.versions.commits import CommitReply
from datavault.contracts.versions.diff import HeldReply, encode_held, encode_record_link
from datavault.contracts.wire import Body, Cursor, Limit, Links, Pagination, Query, Reply

if TYPE_CHECKING:
    from datavault.domain.merging import (
        ConflictPage,
        Landed,
        MergeConflict,
        Preview,
        Question,
        Rules,
    )

RESOLUTIONS_MAX = 1000

Granularity = Annotated[
    Literal["fields", "records"],
    Field(
        description="`fields`: what one side alone changed of a record is taken, member by member"
        " at any depth of objects. `records`: a record that both changed conflicts."
    ),
]
Histories = Annotated[
    Literal["related", "any"],
    Field(description="`any` merges histories without a common ancestor too."),
]
Source = Annotated[Ref, Field(description="The ref whose committed state is merged.")]
CommitName = Annotated[
    str,
    Field(
        min_length=8,
        max_length=64,
        pattern="^[0-9a-f]+$",
        description="A commit's id, or a unique prefix of at least 8 characters.",
    ),
]
Kind = Literal["edit_edit", "edit_delete", "add_add"]
OutcomeName = Literal["unchanged", "fast_forwarded", "committed"]


class ResolutionIn(Body):
    """How one record's conflict is settled: by a version of it, or by a text."""

    id: Annotated[RecordName, Field(description="The record's id.")]
    take: Annotated[
        Literal["ours", "theirs", "base", "delete"] | None,
        Field(
            description="The version to take, all of the record: what another version has changed"
            " in other fields is not merged in. `base` is the common ancestor's."
        ),
    ] = None
    data: Annotated[
        RecordJson | None, Field(description="The record as it shall be, instead of `take`.")
    ] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.take is None) == (self.data is None):
            raise ValueError("give either take or data")
        return self


class SettlingBody(Body):
    """What becomes of records that both sides changed."""

    strategy: Annotated[
        Literal["fail", "ours", "theirs"],
        Field(
            description="What settles a conflict without a resolution: nothing, or a side. Of a"
            " record merged by fields, that side of the fields that conflict."
        ),
    ] = "fail"
    granularity: Granularity = "fields"
    resolutions: Annotated[
        tuple[ResolutionIn, ...],
        Field(
            strict=False,
            max_length=RESOLUTIONS_MAX,
            description="At most one for each record in conflict.",
        ),
    ] = ()
    message: Annotated[str, Field(max_length=4096, description="Made up if empty.")] = ""

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """The body in a JSON text, each resolution's ``data`` as the text it was sent as."""
        return cls.model_validate(envelope_of(text, items="resolutions"))

    def rules(self) -> "Rules":
        """The same in the domain's words."""
        from datavault.domain import merging
        from datavault.domain.ids import parse_record_id

        resolutions = []
        for index, each in enumerate(self.resolutions):
            field = f"resolutions/{index}"
            take = each.data if each.take is None else merging.Take(each.take)
            assert take is not None, "the model asks for one of both"
            record_id = parse_record_id(each.id, field=f"{field}/id")
            resolutions.append(merging.Resolution(record_id, take, field))
        return merging.Rules.of(
            merging.Strategy(self.strategy), merging.Granularity(self.granularity), resolutions
        )


class MergeBody(SettlingBody):
    """What to merge into which branch, and how."""

    source: Source
    target: Annotated[Branch, Field(description="The branch that is moved.")] = "main"
    histories: Histories = "related"


class ReplayBody(SettlingBody):
    """Which commit to make again, or to undo, on which branch."""

    commit: CommitName
    branch: Branch = "main"
    mainline: Annotated[
        int | None,
        Field(ge=1, le=16, description="Of a merge commit: the parent to compare with, from 1."),
    ] = None


class MergeReply(Reply):
    """What came of it. Unless it is `committed`, `commit` was there before."""

    outcome: OutcomeName
    commit: CommitReply
    links: Links

    @classmethod
    def of(cls, landed: "Landed", dataset_id: str, branch: str) -> Self:
        """The wire shape of ``landed``."""
        return cls(
            outcome=landed.outcome.value,
            commit=CommitReply.of(landed.commit, dataset_id),
            links={
                "dataset": link("datasets", dataset_id),
                "records": link("datasets", dataset_id, "records", ref=branch),
                "commits": link("datasets", dataset_id, "commits", ref=branch),
            },
        )


class PreviewQuery(Query):
    """A merge to look at. With ``base``, a cherry-pick or a revert."""

    source: Source
    target: Annotated[Branch, Field(description="The branch that would be moved.")] = "main"
    base: Annotated[
        Ref | None,
        Field(
            description="Compare with this version, not with the common ancestor: a cherry-pick"
            " has the commit's parent as base and the commit as source, a revert the reverse."
        ),
    ] = None
    granularity: Granularity = "fields"
    histories: Histories = "related"

    def question(self) -> "Question":
        """The same in the domain's words."""
        from datavault.domain import merging
        from datavault.domain.ids import parse_branch_name

        return merging.Question(
            self.source,
            parse_branch_name(self.target, field="target"),
            self.base,
            merging.Granularity(self.granularity),
            merging.Histories(self.histories),
        )


class ListConflictsQuery(PreviewQuery):
    """A merge to look at, how much of each conflict, and which page."""

    include: Annotated[
        Literal["etags", "records"],
        Field(description="`records` adds the three texts of each conflict, verbatim."),
    ] = "etags"
    limit: Limit = 100
    cursor: Cursor = None


class PreviewReply(Reply):
    """What merging would come to, if nothing changes until then."""

    outcome: Annotated[
        OutcomeName | Literal["conflicts"],
        Field(
            description="`conflicts`: nothing is merged unless resolutions, or a strategy, settle"
            " them."
        ),
    ]
    bases: Annotated[
        list[str], Field(description="The best common ancestors; several if histories criss-cross.")
    ]
    ours: Annotated[str, Field(description="The commit that the branch is at.")]
    theirs: Annotated[str, Field(description="The commit that `source` names.")]
    changes: Annotated[int, Field(description="Records that change without a conflict.")]
    conflicts: Annotated[dict[Kind, int], Field(description="Records in conflict, by kind.")]
    links: Links

    @classmethod
    def of(cls, preview: "Preview", dataset_id: str, query: PreviewQuery) -> Self:
        """The wire shape of ``preview``, the answer to ``query``."""
        asked = _asked(query)
        return cls(
            outcome="conflicts" if preview.conflicts else preview.outcome.value,
            bases=list(preview.bases),
            ours=preview.ours,
            theirs=preview.theirs,
            changes=preview.changes,
            conflicts={kind.value: count for kind, count in preview.conflicts.items()},
            links={
                "self": link("datasets", dataset_id, "merge", "preview", **asked),
                "conflicts": link("datasets", dataset_id, "merge", "conflicts", **asked),
                "dataset": link("datasets", dataset_id),
            },
        )


class ConflictReply(Reply):
    """A record that both sides changed, each in its own way; a version without it is null."""

    id: str
    kind: Kind
    fields: Annotated[
        list[str],
        Field(description="JSON pointers to what conflicts, at most 100; empty text: all of it."),
    ]
    base: HeldReply | None
    ours: HeldReply | None
    theirs: HeldReply | None
    links: Annotated[Links, Field(description="`record`: as `ours` has it, or else `theirs`.")]


class ConflictListReply(Reply):
    """A page of conflicts in the byte order of their record ids; it can be empty."""

    bases: list[str]
    ours: str
    theirs: str
    data: list[ConflictReply]
    pagination: Pagination
    links: Links


def encode_conflicts(page: "ConflictPage", dataset_id: str, query: ListConflictsQuery) -> bytes:
    """A ``ConflictListReply`` around the records' own bytes."""
    asked = _asked(query)
    links = page_links(
        "datasets",
        dataset_id,
        "merge",
        "conflicts",
        next_cursor=page.next_cursor,
        **asked,
        include=query.include,
        limit=query.limit,
        cursor=query.cursor,
    )
    links["preview"] = link("datasets", dataset_id, "merge", "preview", **asked)
    links["dataset"] = link("datasets", dataset_id)
    head = {"bases": list(page.bases), "ours": page.ours, "theirs": page.theirs}
    return b'%s,"data":[%s],"pagination":%s,"_links":%s}' % (
        encode(head)[:-1],
        b",".join(_conflict(each, page, dataset_id) for each in page.conflicts),
        Pagination.after(page.next_cursor).model_dump_json().encode(),
        encode({name: target.model_dump() for name, target in links.items()}),
    )


def _conflict(conflict: "MergeConflict", page: "ConflictPage", dataset_id: str) -> bytes:
    ref = page.theirs if conflict.ours is None else page.ours
    head = {"id": conflict.id, "kind": conflict.kind.value, "fields": list(conflict.fields)}
    return b'%s,"base":%s,"ours":%s,"theirs":%s,"_links":%s}' % (
        encode(head)[:-1],
        encode_held(conflict.base),
        encode_held(conflict.ours),
        encode_held(conflict.theirs),
        encode_record_link(dataset_id, conflict.id, ref),
    )


def _asked(query: PreviewQuery) -> dict[str, str | None]:
    return {
        "source": query.source,
        "target": query.target,
        "base": query.base,
        "granularity": query.granularity,
        "histories": query.histories,
    }
