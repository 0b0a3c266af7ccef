"""A small world of branches, writers and faults, checked against the model after each step.

One *main* operation runs at a time, on a process to which faults happen; at some of its port
calls another actor does something whole (``INTERLEAVE``). Before and after each such interruption,
and after the operation, the world is *settled*: what changed since the last time must be a step
that the operation under way may take, taken once, and whole. So an operation whose outcome is
unknown leaves the old state or the new one, and the model always knows which.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from unittest import mock

from datavault.domain import keyspace
from datavault.domain.errors import Conflict, NotFound, Unavailable, VaultError
from datavault.domain.history import Commit
from datavault.domain.ids import BranchId, BranchName, CommitId, JobId
from datavault.domain.requests import Request
from datavault.domain.rows import Key, Row, Table, Value
from datavault.services import retention
from datavault.services.keys import open_store
from datavault.services.versions import commits
from tests.simulation.model import (
    Changes,
    Content,
    State,
    Versions,
    applied,
    branch_row,
    count_of,
    ledger_of,
    read_heads,
    root_from_scratch,
    rows_of,
)
from tests.simulation.watched import Looked, WatchedVault
from tests.support.builders import MAIN, Process, Shelf, a_body, a_request
from tests.support.chaos import ChaosVault, Crash, Fault, LastWrite

NAMES = (MAIN, BranchName("dev"))
# Above this many records a branch is listed whole now and then only, and at the end.
LISTED_ALWAYS_MAX = 120


@dataclass
class Operation:
    """One operation, maybe under way. ``request`` makes it repeatable."""

    kind: str
    branch: BranchName
    request: Request | None = None
    changes: dict[str, bytes | None] = field(default_factory=dict)
    message: str = ""
    start: str = ""
    # What it has done so far, however often it was tried.
    staged: bool = False
    job: JobId | None = None
    made: BranchId | None = None
    # Whether it had taken effect when it was last begun: only then must it be answered again.
    was_done: bool = False
    # What the world was like while it was tried this time, oldest first.
    seen: list[dict[BranchName, State]] = field(default_factory=list)

    def begin(self, states: "dict[BranchName, State]") -> None:
        """Try it now, once more perhaps."""
        self.seen = [dict(states)]
        if self.request is None:
            self.job = None
        self.was_done = self.staged or self.job is not None or self.made is not None

    def gone(self) -> bool:
        """Whether its branch was not there, or was another, at some moment."""
        return len(
            {state[self.branch].id if self.branch in state else "" for state in self.seen}
        ) > 1 or (self.branch not in self.seen[0])


class World:
    """See the module."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.vault = WatchedVault()
        self.shelf = Shelf.make(self.vault)
        self.observer = self.shelf.on(Process(self.vault))
        self.neighbour = LastWrite(self.vault)
        self.bystander = self.shelf.on(self.neighbour)
        self.faulty = [ChaosVault(self.vault, self._fault, self._interleave) for _ in range(2)]
        self.keys = open_store(self.observer.vault, self.shelf.dataset)
        self.versions = Versions()
        self.states: dict[BranchName, State] = {}
        # Of the workspace the stage has two entries, that it is to be and that it is; and it one.
        self.ledger: Counter[tuple[str, Value, Value]] = Counter(
            {("create_workspace", "", ""): 3, ("create_dataset", "", ""): 1}
        )
        self.main: Operation | None = None
        # Of each branch, what it held when the main operation began, and the batches since.
        self.lately: dict[BranchId, tuple[Content, list[Changes]]] = {}
        self.listed: dict[BranchName, tuple[Looked, Content]] = {}
        self.rate = 0.0
        self.interruptions = 0
        self.unavailable = False
        self.disturbed = False
        # A record that several wrote at once: whoever writes it next has to win.
        self.hot: tuple[BranchName, str] | None = None
        self.counter = 0
        self.log: list[str] = []
        self._find_main()

    def _find_main(self) -> None:
        branch_id = self._branch_id(MAIN)
        assert branch_id is not None
        head = read_heads(self.observer.vault, branch_id)
        self._learn_commit(head.commit, None, {})
        self.states[MAIN] = State(branch_id, head.commit, 0, None, {}, 0)

    # What happens.

    def step(self) -> None:
        """One operation with whatever happens to it, then the checks."""
        self.vault.clock.advance(self.chance.random())
        operation = self._draw()
        self.rate = self.chance.choice((0.0, 0.01, 0.03, 0.06, 0.15))
        process = self.chance.choice(self.faulty)
        outcome = self._try(operation, process)
        tries = 0
        while outcome is None and self._wants_retry(operation):
            tries += 1
            self.rate = 0.05 if tries < 4 else 0.0
            outcome = self._try(operation, self.chance.choice(self.faulty))
        self.log.append(f"{operation.kind} {operation.branch}: {outcome or 'unknown'}")

    def finish(self) -> None:
        """Commit what is left, and check everything."""
        self.rate = 0.0
        for name in list(self.states):
            if self.states[name].records or self.states[name].pending:
                self._try(Operation("commit", name, message="the last"), self.faulty[0])
        self.vault.clock.advance(2 * 3600)
        retention.sweep_staging(self.observer.vault)
        self._settle(None, whole=True)
        self._check_history()
        self._check_nothing_left()
        assert ledger_of(self.vault.catalog) == self.ledger

    def _wants_retry(self, operation: Operation) -> bool:
        if operation.request is not None:
            return self.chance.random() < 0.7
        return operation.kind in {"commit", "get", "list"} and self.chance.random() < 0.5

    def _draw(self) -> Operation:
        self.counter += 1
        chance = self.chance
        branch = chance.choice(sorted(self.states)) if chance.random() < 0.97 else NAMES[1]
        request = a_request(f"request-{self.counter}") if chance.random() < 0.6 else None
        kind = chance.choices(
            ("append", "delete", "commit", "get", "list", "list_at", "branch", "unbranch", "sweep"),
            (34, 10, 18, 6, 5, 4, 7, 4, 3),
        )[0]
        if kind == "append":
            if self.hot is not None and self.hot[0] in self.states and chance.random() < 0.5:
                branch, key = self.hot
                bodies: Changes = {key: a_body(f"again {self.counter}")}
                return Operation(kind, branch, request, bodies)
            return Operation(kind, branch, request, self._bodies())
        if kind == "delete":
            return Operation(kind, branch, request, {self._some_id(branch): None})
        if kind == "commit":
            return Operation(kind, branch, request, message=f"message {self.counter}")
        if kind == "branch":
            name = NAMES[1] if chance.random() < 0.9 else MAIN
            start = chance.choice([MAIN, *self.versions.content])
            return Operation(kind, name, request, start=start)
        if kind == "unbranch":
            return Operation(kind, NAMES[1])
        if kind == "list_at":
            return Operation(kind, branch, start=chance.choice([*self.versions.content]))
        return Operation(kind, branch, changes={self._some_id(branch): None})

    def _some_id(self, branch: BranchName) -> str:
        state = self.states.get(branch)
        if state is not None and state.visible and self.chance.random() < 0.8:
            return self.chance.choice([*state.visible])
        return f"k{self.chance.randrange(400):03d}"

    def _bodies(self) -> dict[str, bytes | None]:
        chance = self.chance
        size = chance.choices((1, 5, 90, 91, 300), (50, 33, 5, 8, 4))[0]
        among = chance.choice((6, 30)) if size <= 5 else 400
        style = chance.choices(("small", "large", "mixed"), (60, 10, 30))[0]
        if style == "large" and size > 5:
            style = "mixed"
        bodies: dict[str, bytes | None] = {}
        for number in chance.sample(range(among), size):
            large = style == "large" or (style == "mixed" and chance.random() < 0.1)
            text = "the same" if chance.random() < 0.1 else f"{self.counter}/{number}"
            width = chance.choice((4000, 4001, 4500, 9000)) if large else chance.randrange(60)
            bodies[f"k{number:03d}"] = a_body(text, width)
        return bodies

    # Doing it.

    def _try(self, operation: Operation, process: ChaosVault) -> str | None:
        """Try once; what came of it, or ``None`` when nobody can know."""
        self.main = operation
        process.hear()
        self.lately = {}
        self.interruptions = 0
        self.unavailable = self.disturbed = False
        operation.begin(self.states)
        if operation.kind == "sweep":
            self.vault.clock.advance(2 * 3600)
        done: object = None
        failed: VaultError | None = None
        try:
            done = self._do(operation, self.shelf.on(process))
        except Crash:
            self._settle(operation)
            return None
        except VaultError as error:
            failed = error
        self._settle(operation)
        operation.seen.append(dict(self.states))
        if failed is None:
            self._check_result(operation, done)
            return "done"
        if isinstance(failed, Unavailable):
            assert self.unavailable, f"nothing was unavailable: {failed}"
            return None
        if "is busy" in str(failed):
            assert self.disturbed, "busy, and nobody was there"
            return None
        self._check_refusal(operation, failed)
        return f"{type(failed).__name__}: {failed}"

    def _do(self, operation: Operation, shelf: Shelf) -> object:
        branch, request = operation.branch, operation.request
        match operation.kind:
            case "append":
                bodies = {key: body for key, body in operation.changes.items() if body is not None}
                receipt = shelf.append(bodies, branch=branch, request=request)
                assert receipt.ids == tuple(bodies)
            case "delete":
                shelf.delete(next(iter(operation.changes)), branch=branch, request=request)
            case "commit":
                return shelf.commit(operation.message, branch=branch, request=request)
            case "get":
                return shelf.get(next(iter(operation.changes)), ref=branch)
            case "list":
                # The bystander may act between pages too; a small limit makes many of them.
                few = len(operation.seen[0].get(branch, _NOWHERE).visible) < 40
                return shelf.all(ref=branch, limit=7 if few else 250)
            case "list_at":
                return shelf.all(ref=operation.start)
            case "branch":
                shelf.create_branch(branch, start=operation.start, request=request)
            case "unbranch":
                shelf.delete_branch(branch)
            case _:
                retention.sweep_staging(shelf.vault)
        return None

    def _fault(self, port: str, method: str) -> Fault:
        writes = method in _WRITES
        if self.rate == 0 or self.chance.random() >= (5 * self.rate if writes else self.rate):
            return Fault.NONE
        fault = self.chance.choices(_FAULTS, _WRITE_WEIGHTS if writes else _READ_WEIGHTS)[0]
        if fault in {Fault.BEFORE, Fault.AFTER, Fault.PART}:
            self.unavailable = True
        if fault in {Fault.COLLIDE, Fault.INTERLEAVE, Fault.TORN}:
            self.disturbed = True
        return fault

    def _interleave(self) -> dict[Key, Row | None]:
        """Somebody else does something whole while an operation is under way.

        Returns what some of the rows were like that somebody's last transaction wrote.
        """
        if self.interruptions >= 3:
            return {}
        self.neighbour.before = {}
        self.interruptions += 1
        main = self.main
        assert main is not None
        self._settle(main)
        main.seen.append(dict(self.states))
        for _ in range(self.chance.choice((1, 1, 2, 5))):
            self._act_meanwhile(main)
        before = self.neighbour.before
        return {key: before[key] for key in before if self.chance.random() < 0.5}

    def _act_meanwhile(self, main: Operation) -> None:
        if main.request is not None and self.chance.random() < 0.15:
            # The client lost patience and sent the request again.
            other = replace(main)
            other.begin(self.states)
        else:
            other = self._draw()
            if other.kind == "append" and main.changes and self.chance.random() < 0.7:
                # The same record on the same branch: the most there can be to get wrong.
                other.branch = main.branch
                other.changes = dict(list(other.changes.items())[:1])
                self.hot = (main.branch, next(iter(main.changes)))
                other.changes[self.hot[1]] = a_body(f"meanwhile {self.counter}")
            other.begin(self.states)
        done: object = None
        failed: VaultError | None = None
        try:
            done = self._do(other, self.bystander)
        except VaultError as error:
            failed = error
        self._settle(other)
        other.seen.append(dict(self.states))
        if failed is None:
            self._check_result(other, done)
        else:
            self._check_refusal(other, failed)
        main.seen.append(dict(self.states))
        if main.request is not None and other.request == main.request:
            main.staged, main.job, main.made = other.staged, other.job, other.made

    # What has to be.

    def _settle(self, operation: Operation | None, *, whole: bool = False) -> None:
        """Find out which steps the operation took since the last time; refuse any other change."""
        for name in NAMES:
            self._settle_branch(name, operation, whole=whole)
        assert count_of(self.vault.catalog, Table.LEDGER) == self.ledger.total(), (
            f"the ledger has {ledger_of(self.vault.catalog) - self.ledger} too much"
            f" and {self.ledger - ledger_of(self.vault.catalog)} too little"
        )

    def _settle_branch(self, name: BranchName, operation: Operation | None, *, whole: bool) -> None:
        branch_id = self._branch_id(name)
        state = self.states.get(name)
        if state is not None and state.id != branch_id:
            self._settle_deleted(name, state, operation)
            state = None
        if branch_id is None:
            return
        if state is None:
            state = self._settle_created(name, branch_id, operation)
        state = self._settle_steps(state, operation if _is_on(operation, name) else None)
        self.states[name] = state
        if operation is not None and operation.branch == name:
            self._check_some(name, state, list(operation.changes))
        small = len(state.visible) <= LISTED_ALWAYS_MAX
        if whole or small or self.chance.random() < 0.15:
            assert self._list(name) == dict(sorted(state.visible.items()))

    def _list(self, name: BranchName) -> Content:
        """All records of a branch; those of the last list if nothing was written where it looked.

        Most steps of a world write to one branch of two, or to neither.
        """
        looked, listed = self.listed.get(name, (None, {}))
        if looked is None or not self.vault.is_as(looked):
            with self.vault.looking() as looked:
                listed = self.observer.all(ref=name)
            self.listed[name] = looked, listed
        return listed

    def _check_some(self, name: BranchName, state: State, keys: list[str]) -> None:
        """Get a few records one by one: that goes another way than a list."""
        for key in self.chance.sample(keys, min(2, len(keys))):
            if key in state.visible:
                assert self.observer.get(key, ref=name) == state.visible[key]
            else:
                try:
                    self.observer.get(key, ref=name)
                except NotFound:
                    continue
                raise AssertionError("a record is there that was never acknowledged")

    def _settle_deleted(self, name: BranchName, state: State, operation: Operation | None) -> None:
        assert operation is not None
        assert (operation.kind, operation.branch, operation.staged) == ("unbranch", name, False)
        if state.pending is not None:
            job = state.pending.job
            row = self.observer.vault.catalog.get(keyspace.commit_job(job))
            assert row is not None
            assert row.text("commit"), "a branch was deleted with a commit under way"
            state = self._moved(state, CommitId(row.text("commit")))
        operation.staged = True
        self.ledger["delete_branch", state.id, state.commit] += 1
        del self.states[name]

    def _settle_created(
        self, name: BranchName, branch_id: BranchId, operation: Operation | None
    ) -> State:
        assert operation is not None
        assert (operation.kind, operation.branch, operation.made) == ("branch", name, None)
        operation.made = branch_id
        head = read_heads(self.observer.vault, branch_id)
        starts = {
            state[BranchName(operation.start)].commit
            for state in (*operation.seen, self.states)
            if operation.start in state
        }
        assert head.commit in starts or head.commit == operation.start
        self.ledger["create_branch", branch_id, head.commit] += 1
        return State(branch_id, head.commit, 0, None, self.versions.content[head.commit], 0)

    def _settle_steps(self, state: State, operation: Operation | None) -> State:
        """T3 of what was pending, T1, T3 of that; or one batch staged."""
        head = read_heads(self.observer.vault, state.id)
        may_finish = operation is not None and operation.kind in {"commit", "unbranch"}
        if state.pending is not None and head.pending != state.pending.job:
            assert may_finish, "only a commit or the end of the branch finishes a commit"
            state = self._finished(state)
        if head.generation != state.generation:
            assert operation is not None
            assert operation.kind == "commit", "only a commit closes a generation"
            assert head.generation == state.generation + 1, "two generations closed at once"
            assert state.records > 0, "a commit of nothing"
            assert operation.job is None, "one request closed two generations"
            operation.job = head.pending or self._job_of(head.commit)
            self.ledger["create_commit", state.id, operation.job] += 1
            state = state.closed(operation.job)
            self.lately.pop(state.id, None)  # What is staged from here on is later.
            if head.pending is None:
                state = self._finished(state)
        if head.records != state.records:
            assert operation is not None
            assert operation.kind in {"append", "delete"}
            assert not operation.staged, "one request staged two batches"
            operation.staged = True
            state = self._staged(state, operation)
            kind = "append_records" if operation.kind == "append" else "delete_record"
            self.ledger[kind, state.id, len(operation.changes)] += 1
        job = state.pending.job if state.pending else None
        assert (head.commit, head.generation, head.pending, head.records) == (
            state.commit,
            state.generation,
            job,
            state.records,
        )
        return state

    def _staged(self, state: State, operation: Operation) -> State:
        """With the operation's batch in its place among those staged while it was under way.

        Any place is right; which one it was, only what is read can tell.
        """
        base, others = self.lately.setdefault(state.id, (state.visible, []))
        orders = [
            [*others[:place], operation.changes, *others[place:]]
            for place in range(len(others), -1 if operation is self.main else len(others) - 1, -1)
        ]
        possible = [applied(base, order) for order in orders]
        chosen = 0
        if any(content != possible[0] for content in possible):
            chosen = possible.index(self._listed(state))
        others[:] = orders[chosen]
        records = state.records + len(operation.changes)
        return replace(state, visible=possible[chosen], records=records)

    def _listed(self, state: State) -> Content:
        return self._list(next(name for name in NAMES if self._branch_id(name) == state.id))

    def _finished(self, state: State) -> State:
        assert state.pending is not None
        row = self.observer.vault.catalog.get(keyspace.commit_job(state.pending.job))
        assert row is not None
        return self._moved(state, CommitId(row.text("commit")))

    def _moved(self, state: State, commit: CommitId) -> State:
        assert state.pending is not None
        earlier = self.versions.of_job.setdefault(state.pending.job, commit)
        assert earlier == commit, "one job made two commits"
        self._learn_commit(commit, state.commit, state.pending.content)
        self.ledger["create_commit", state.id, commit] += 1
        return state.moved(commit)

    def _job_of(self, commit: CommitId) -> JobId:
        """The job that made ``commit``, of those not known yet."""
        jobs = [
            JobId(row.text("id"))
            for row in rows_of(self.vault.catalog, Table.CATALOG)
            if row.key.partition.startswith("commit-job/")
            and row.text("commit") == commit
            and row.text("id") not in self.versions.of_job
        ]
        assert len(jobs) == 1
        return jobs[0]

    def _learn_commit(self, commit_id: CommitId, parent: CommitId | None, content: Content) -> None:
        """A new commit holds exactly ``content``, whatever way its tree was made."""
        commit = commits.get_commit(
            self.observer.vault,
            caller=self.shelf.caller,
            dataset_id=self.shelf.dataset.id,
            commit_ref=commit_id,
        )
        before = self.versions.content.get(parent, {}) if parent else {}
        kept = [key for key in content if key in before]
        assert commit.parents == (() if parent is None else (parent,))
        assert commit.counts.records == len(content)
        assert commit.counts.added == len(content) - len(kept)
        assert commit.counts.removed == len(before) - len(kept)
        assert commit.counts.changed == sum(content[key] != before[key] for key in kept)
        assert commit.root.address == root_from_scratch(self.keys, content)
        assert self.observer.all(ref=commit_id) == dict(sorted(content.items()))
        self.versions.content[commit_id] = content
        self.versions.parents[commit_id] = parent

    def _check_result(self, operation: Operation, done: object) -> None:
        """An acknowledgement is true."""
        states = [state[operation.branch] for state in operation.seen if operation.branch in state]
        match operation.kind:
            case "append" | "delete":
                assert operation.staged, "acknowledged and not done"
            case "commit":
                assert isinstance(done, Commit)
                assert done.message == operation.message
                assert done.id in self.versions.content, "a commit that no branch has seen"
                if operation.job is not None:
                    assert done.id == self.versions.of_job[operation.job]
            case "get":
                wanted = next(iter(operation.changes))
                assert done in [state.visible.get(wanted) for state in states]
            case "list":
                assert isinstance(done, dict)
                _check_listed(done, [state.visible for state in states])
            case "list_at":
                content = self.versions.content[CommitId(operation.start)]
                assert done == dict(sorted(content.items()))
            case "branch":
                assert operation.made is not None
            case "unbranch":
                assert operation.staged

    def _check_refusal(self, operation: Operation, error: VaultError) -> None:
        """A refusal is right: what it says was so at some moment."""
        states = [state[operation.branch] for state in operation.seen if operation.branch in state]
        named = operation.request is not None
        if isinstance(error, NotFound) and operation.kind != "list_at":
            assert not (
                operation.kind == "delete" and named and operation.was_done and not operation.gone()
            ), "a request that was carried out is refused when it is made again"
            wanted = next(iter(operation.changes), None)
            assert operation.gone() or any(wanted not in state.visible for state in states)
            return
        assert isinstance(error, Conflict), f"{type(error).__name__}: {error}"
        if operation.kind == "commit":
            assert any(state.records == 0 for state in states)
            assert not (named and operation.was_done), "a commit that was made is refused"
        elif operation.kind == "branch":
            assert states, "there was no branch of this name"
            assert not (named and operation.was_done), "a branch that was made is refused"
        else:
            assert operation.kind == "unbranch"
            assert operation.gone()

    def _check_history(self) -> None:
        for name, state in self.states.items():
            log = [commit.id for commit in self.observer.history(ref=name, limit=5)]
            assert log == self.versions.chain(state.commit)
        stored = {key.split("/")[-1] for key in self.vault.objects.keys("") if "/commits/" in key}
        assert stored == set(self.versions.content), "an attempt made another commit id"

    def _check_nothing_left(self) -> None:
        """After the sweep, only open generations have staged changes."""
        live = {(state.id, str(state.generation)) for state in self.states.values()}
        for row in rows_of(self.vault.catalog, Table.STAGING):
            kind, branch, *rest = row.key.partition.split("/")
            if kind != "request":
                assert (branch, rest[0]) in live, f"{row.key} was not swept"

    def _branch_id(self, name: BranchName) -> BranchId | None:
        row = branch_row(
            self.observer.vault, self.shelf.dataset.workspace, self.shelf.dataset.id, name
        )
        return None if row is None else BranchId(row.text("id"))


_NOWHERE = State(BranchId(""), CommitId(""), 0, None, {}, 0)
_FAULTS = (
    Fault.BEFORE,
    Fault.AFTER,
    Fault.PART,
    Fault.CRASH_BEFORE,
    Fault.CRASH_AFTER,
    Fault.COLLIDE,
    Fault.INTERLEAVE,
    Fault.TORN,
)
# Reads are many, so their faults are rarer; a fault after a read is the same as one before it.
_READ_WEIGHTS = (2, 0, 0, 1, 0, 0, 4, 3)
_WRITE_WEIGHTS = (2, 5, 2, 1, 3, 2, 4, 4)
_WRITES = {"write", "put", "put_many", "delete_many", "delete"}


def _is_on(operation: Operation | None, name: BranchName) -> bool:
    return operation is not None and operation.branch == name


def _check_listed(listed: Content, moments: list[Content]) -> None:
    """Each record as it was at one of the moments; none that was there throughout is missing."""
    for key, body in listed.items():
        assert body in [moment.get(key) for moment in moments]
    for key in set.intersection(*({*moment} for moment in moments)) if moments else ():
        assert key in listed, "a record that was there throughout is missing"


def run(
    chance: random.Random, steps: int, after: Callable[["World"], None] = lambda _: None
) -> World:
    """A world of ``steps`` operations, brought to its end."""
    # With fewer heads more writers meet on one; what must hold does not depend on the number.
    with mock.patch.object(keyspace, "HEAD_SHARDS", chance.choice((1, 2, 4, 4))):
        world = World(chance)
        for _ in range(steps):
            world.step()
            after(world)
        world.finish()
    return world
