"""Datasets, branches and commits: what is refused, and to whom."""

from collections.abc import Callable

import pytest

from datavault.adapters.memory.tokens import MemoryTokens
from datavault.adapters.memory.vault import MemoryVault
from datavault.domain import keyspace
from datavault.domain.access import Caller, Role
from datavault.domain.errors import (
    Conflict,
    Corrupt,
    Denied,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from datavault.domain.ids import BranchName, DatasetId, DatasetName, new_id
from datavault.domain.rows import Put, Row, Table
from datavault.ports import Claims
from datavault.services import access, datasets, health, workspaces
from datavault.services.datasets import search
from datavault.services.versions import branches, commits
from tests.support.builders import OPERATOR, Process, Shelf, a_body, a_caller, a_dataset, a_request
from tests.support.chaos import ChaosVault, Fault


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf.make(MemoryVault())
    made.append({"a": a_body("a")})
    made.commit()
    return made


def test_a_dataset_comes_back_as_it_was_made(shelf: Shelf) -> None:
    made = datasets.create_dataset(
        shelf.vault,
        caller=shelf.caller,
        name=DatasetName("Ünïque"),
        description="what",
        labels=(("b", "2"), ("a", "1")),
        record_key="id",
        request=None,
    )
    found = datasets.describe_dataset(shelf.vault, caller=shelf.caller, dataset_id=made.id)
    assert found == datasets.Described(made, None)
    assert found.dataset.labels == (("a", "1"), ("b", "2"))
    (commit,) = Shelf(shelf.vault, shelf.caller, made).history()
    assert (commit.parents, commit.counts.records, commit.author) == ((), 0, "alice")


def test_names_are_unique_in_a_workspace_and_free_in_another(shelf: Shelf) -> None:
    with pytest.raises(Conflict, match=shelf.dataset.id) as refusal:
        a_dataset(shelf.vault, shelf.caller)
    assert refusal.value.field == "name"
    a_dataset(shelf.vault, a_caller(shelf.vault))


def test_a_dataset_asked_for_twice_is_made_once(shelf: Shelf) -> None:
    def make() -> str:
        return datasets.create_dataset(
            shelf.vault,
            caller=shelf.caller,
            name=DatasetName("new"),
            description="",
            labels=(),
            record_key=None,
            request=a_request("new"),
        ).id

    assert make() == make()


def test_a_collision_makes_the_dataset_anew(shelf: Shelf) -> None:
    collided = 0

    def collide_once(port: str, method: str) -> Fault:
        nonlocal collided
        collided += method == "write"
        return Fault.COLLIDE if method == "write" and collided == 1 else Fault.NONE

    made = a_dataset(ChaosVault(shelf.vault, collide_once), shelf.caller, name="new")
    assert Shelf(shelf.vault, shelf.caller, made).all() == {}


def test_datasets_are_listed_oldest_first_and_page_by_page(shelf: Shelf) -> None:
    made = [shelf.dataset.id]
    for number in range(6):
        shelf.vault.clock.sleep(0.001)
        made.append(a_dataset(shelf.vault, shelf.caller, name=f"{number}").id)
    found: list[str] = []
    cursor = None
    while len(found) < 99:
        page = search.list_datasets(shelf.vault, caller=shelf.caller, limit=3, cursor=cursor)
        found += [dataset.id for dataset in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == made


def test_another_workspaces_dataset_does_not_exist(shelf: Shelf) -> None:
    stranger = Shelf(shelf.vault, a_caller(shelf.vault, subject="bob"), shelf.dataset)
    for do in _everything(stranger):
        with pytest.raises(NotFound):
            do()
    assert shelf.all() == {"a": a_body("a")}


def test_a_dataset_that_is_not_there_is_not_found(shelf: Shelf) -> None:
    with pytest.raises(NotFound):
        datasets.describe_dataset(
            shelf.vault, caller=shelf.caller, dataset_id=DatasetId(new_id("ds", 1))
        )


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.READER, "gcalb"),
        (Role.AUDITOR, "clb"),
        (Role.WRITER, "gcalbwdkmx"),
        (Role.ADMIN, "gcalbwdkmx"),
    ],
)
def test_roles_may_do_what_they_may_and_nothing_else(
    shelf: Shelf, role: Role, allowed: str
) -> None:
    shelf.append({"b": a_body("b")})
    shelf.create_branch("old")
    caller = Caller("r", shelf.caller.workspace, frozenset({role}), "c")
    names = "gacblwdkmx"
    actors = _everything(Shelf(shelf.vault, caller, shelf.dataset))
    assert len(actors) == len(names)
    for name, do in zip(names, actors, strict=True):
        if name in allowed:
            do()
        else:
            with pytest.raises(Denied):
                do()
    if role is not Role.ADMIN:
        with pytest.raises(Denied):
            a_dataset(shelf.vault, caller, name="new")


def _everything(shelf: Shelf) -> list[Callable[[], object]]:
    """get, list, history, branches, a commit, append, delete, commit, branch, end a branch."""
    parts = {"caller": shelf.caller, "dataset_id": shelf.dataset.id}
    return [
        lambda: shelf.get("a"),
        lambda: shelf.all(),
        lambda: shelf.history(),
        lambda: branches.list_branches(shelf.vault, **parts, limit=9, cursor=None),  # type: ignore[arg-type]
        lambda: commits.get_commit(
            shelf.vault,
            **parts,  # type: ignore[arg-type]
            commit_ref=next(iter(_commits(shelf.vault))),
        ),
        lambda: shelf.append({"z": a_body("z")}),
        lambda: shelf.delete("a"),
        lambda: shelf.commit(),
        lambda: shelf.create_branch("new"),
        lambda: shelf.delete_branch("old"),
    ]


def _commits(vault: object) -> list[str]:
    from tests.simulation.model import rows_of

    rows = rows_of(vault.catalog, Table.CATALOG)  # type: ignore[attr-defined]
    return [row.key.sort for row in rows if row.key.partition.startswith("commits/")]


def test_branches_are_listed_by_name_with_their_commits(shelf: Shelf) -> None:
    first = shelf.history()[-1].id
    for name in ("b", "a/b", "z", "a"):
        shelf.create_branch(name, start=first)
    found: list[tuple[str, bool]] = []
    cursor = None
    while True:
        page = branches.list_branches(
            shelf.vault,
            caller=shelf.caller,
            dataset_id=shelf.dataset.id,
            limit=2,
            cursor=cursor,
        )
        found += [(branch.name, branch.commit == first) for branch in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == [("a", True), ("a/b", True), ("b", True), ("main", False), ("z", True)]


def test_a_branch_starts_at_a_branch_a_commit_or_a_prefix(shelf: Shelf) -> None:
    head, first = (commit.id for commit in shelf.history())
    shelf.append({"staged": a_body("s")})
    for number, (start, commit) in enumerate(
        [("main", head), (head, head), (head[:8], head), (first, first)]
    ):
        shelf.create_branch(f"b{number}", start=start)
        assert shelf.history(ref=f"b{number}")[0].id == commit
        assert "staged" not in shelf.all(ref=f"b{number}")
    with pytest.raises(NotFound):
        shelf.create_branch("x", start="nowhere")
    with pytest.raises(NotFound):
        shelf.create_branch("x", start="0" * 64)
    with pytest.raises(Conflict):
        shelf.create_branch("b0")


def test_the_default_branch_stays(shelf: Shelf) -> None:
    with pytest.raises(Conflict, match="default branch") as refusal:
        shelf.delete_branch("main")
    assert refusal.value.field == "branch"
    with pytest.raises(NotFound):
        shelf.delete_branch("none")


def test_a_deleted_branch_may_be_made_again_and_has_nothing_staged(shelf: Shelf) -> None:
    dev = BranchName("dev")
    shelf.create_branch("dev")
    shelf.append({"x": a_body("x")}, branch=dev)
    shelf.delete_branch("dev")
    with pytest.raises(NotFound):
        shelf.all(ref="dev")
    shelf.create_branch("dev")
    assert shelf.all(ref="dev") == {"a": a_body("a")}
    with pytest.raises(Conflict, match="nothing is staged"):
        shelf.commit(branch=dev)


def test_a_ref_that_is_ambiguous_is_a_conflict(shelf: Shelf) -> None:
    head = shelf.history()[0].id
    row = shelf.vault.catalog.get(keyspace.commit(shelf.dataset.workspace, shelf.dataset.id, head))
    assert row is not None
    twin = keyspace.commit(shelf.dataset.workspace, shelf.dataset.id, head[:-1] + "_")
    shelf.vault.catalog.put_many([Put(twin, row.attributes)])
    with pytest.raises(Conflict, match="begin with these 8 characters"):
        shelf.all(ref=head[:8])
    assert shelf.all(ref=head) == {"a": a_body("a")}


def test_what_is_no_commit_is_not_found(shelf: Shelf) -> None:
    for ref in ("main", "abc", "0" * 7, "Z" * 64, "0" * 8):
        with pytest.raises(NotFound):
            commits.get_commit(
                shelf.vault,
                caller=shelf.caller,
                dataset_id=shelf.dataset.id,
                commit_ref=ref,
            )
    with pytest.raises(Invalid):
        shelf.all(ref="no branch")


def test_a_history_that_lacks_a_commit_is_corrupt(shelf: Shelf) -> None:
    first = shelf.history()[-1].id
    shelf.vault.catalog.delete_many(
        [keyspace.commit(shelf.dataset.workspace, shelf.dataset.id, first)]
    )
    with pytest.raises(Corrupt, match="lacks a commit"):
        shelf.on(Process(shelf.vault)).history()


def test_a_branch_row_without_heads_is_not_found(shelf: Shelf) -> None:
    """Between the two reads of a reader, the branch may go."""
    shelf.create_branch("dev")
    row = shelf.vault.catalog.get(
        keyspace.branch(shelf.dataset.workspace, shelf.dataset.id, BranchName("dev"))
    )
    assert isinstance(row, Row)
    shelf.delete_branch("dev")
    shelf.vault.catalog.put_many([Put(row.key, row.attributes)])
    with pytest.raises(NotFound):
        shelf.all(ref="dev")
    with pytest.raises(NotFound, match="has been deleted"):
        shelf.append({"x": a_body("x")}, branch=BranchName("dev"))
    page = branches.list_branches(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, limit=9, cursor=None
    )
    assert [branch.name for branch in page.items] == ["main"]


def test_a_long_history_is_read_in_few_round_trips(shelf: Shelf) -> None:
    for number in range(70):
        shelf.append({"a": a_body(f"{number}")})
        shelf.commit(f"{number}")
    chaos = ChaosVault(shelf.vault)
    log = shelf.on(chaos).history()
    assert len(log) == 72
    assert [commit.id for commit in log[1:]] == [commit.parents[0] for commit in log[:-1]]
    assert chaos.calls < 20


def test_a_commit_may_change_nothing(shelf: Shelf) -> None:
    before = shelf.history()[0]
    shelf.append({"a": a_body("a")})
    after = shelf.commit("nothing new")
    assert (after.counts.added, after.counts.changed, after.counts.removed) == (0, 0, 0)
    assert after.root.address == before.root.address


def test_equal_bodies_are_stored_once(shelf: Shelf) -> None:
    def stored() -> int:
        objects = shelf.vault.objects
        return sum(len(objects.get(key)) for key in objects.keys("") if "/packs/" in key)

    before = stored()
    shelf.append({f"same{number}": a_body("same", 3000) for number in range(50)})
    shelf.commit()
    assert stored() - before < 1000


# Who a token's bearer is, and whether all is well.


def test_a_token_proves_its_bearer() -> None:
    vault = MemoryVault()
    workspace = workspaces.create_workspace(vault, operator=OPERATOR, name="w", stage="test").id
    assert isinstance(vault.tokens, MemoryTokens)
    claims = Claims("me", workspace, ("writer", "emperor", "reader"), False, 2**40)
    bearer = access.authorize(vault, token=vault.tokens.issue(claims), correlation_id="c")
    assert bearer.caller == Caller("me", workspace, frozenset({Role.WRITER, Role.READER}), "c")
    assert bearer.expires_s == claims.expires_s
    nowhere = vault.tokens.issue(Claims("me", "elsewhere", ("admin",), False, 2**40))
    with pytest.raises(Unauthenticated, match="names no workspace"):
        access.authorize(vault, token=nowhere, correlation_id="c")
    with pytest.raises(Unauthenticated):
        access.authorize(vault, token="forged", correlation_id="c")
    old = vault.tokens.issue(Claims("me", workspace, ("admin",), False, 1))
    with pytest.raises(Unauthenticated, match="expired"):
        access.authorize(vault, token=old, correlation_id="c")


def test_all_is_well_when_all_answer() -> None:
    found = health.check_ready(MemoryVault())
    assert found.status == "healthy"
    assert [check.name for check in found.checks] == ["catalog", "objects", "keys", "writes"]
    assert all(check.latency_ms >= 0 for check in found.checks)


@pytest.mark.parametrize(
    ("port", "status"),
    [("catalog", "unhealthy"), ("objects", "degraded"), ("keyring", "degraded")],
)
def test_a_port_that_does_not_answer_is_named(port: str, status: str) -> None:
    asked_for = port
    chaos = ChaosVault(
        MemoryVault(), lambda port, _: Fault.BEFORE if port == asked_for else Fault.NONE
    )
    found = health.check_ready(chaos)
    assert found.status == status
    (bad,) = [check for check in found.checks if check.status != "healthy"]
    assert bad.message == "does not answer (unavailable)"
    with pytest.raises(Unavailable):
        getattr(chaos, port).ping()
