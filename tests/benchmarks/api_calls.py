"""What the API benchmark asks for, and who asks: the calls that are measured, and clients."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import urllib3

from tests.e2e.deployment import API, Deployment, Person
from tests.support.http import Call, json_call

RECORDS = 2000
# A commit is of what its client has just staged.
COMMITTED = 10
# Writers of one branch queue on its heads, and some are told to come again.
STAGING_ATTEMPTS_MAX = 50
_PAUSE_S = 0.1
_NUMBERS = count()


@dataclass(frozen=True)
class Bench:
    """Where requests go, and a dataset with a history of two commits, a thousand records each."""

    deployed: Deployment
    admin: Person
    dataset: str
    older: str
    commit: str

    @property
    def path(self) -> str:
        return f"{API}/datasets/{self.dataset}"

    def records(self, number: int, *, branch: str = "main") -> Call:
        """New records, their ids assigned."""
        records = [{"data": {"n": next(_NUMBERS), "t": "x" * 500}} for _ in range(number)]
        body = {"branch": branch, "records": records}
        return json_call("POST", f"{self.path}/records", body)

    def commits(self, *, branch: str = "main") -> Call:
        body = {"branch": branch, "message": "benchmark"}
        return json_call("POST", f"{self.path}/commits", body)

    def branches(self, name: str) -> Call:
        body = {"name": name, "start": self.commit}
        return json_call("POST", f"{self.path}/branches", body)


class Client:
    """One client on a connection of its own, and with a branch of its own, made when wanted."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._pool = urllib3.PoolManager(maxsize=1, retries=False)
        self._branch = ""
        self.send(Call("GET", "/health/live"))  # Connected, which nothing measures.

    def send(self, asked: Call) -> int:
        """The status of the answer."""
        response = self._pool.request(
            asked.method,
            f"{self.bench.deployed.api_url}{asked.path}",
            body=asked.body,
            headers={
                "Authorization": f"Bearer {self.bench.admin.token}",
                **(asked.headers or {}),
            },
        )
        return int(response.status)

    def own_branch(self) -> str:
        if not self._branch:
            self._branch = f"client-{next(_NUMBERS)}"
            self._until_done(lambda: self.bench.branches(self._branch))
        return self._branch

    def stage(self, branch: str) -> None:
        """Stage what is to be committed, however often it takes."""
        self._until_done(lambda: self.bench.records(COMMITTED, branch=branch))

    def _until_done(self, make: Callable[[], Call]) -> None:
        for _ in range(STAGING_ATTEMPTS_MAX):
            if (status := self.send(make())) < 300:
                return
            time.sleep(_PAUSE_S)
        raise RuntimeError(f"still {status} after {STAGING_ATTEMPTS_MAX} attempts")


@dataclass(frozen=True)
class Measured:
    """One row of the tables.

    ``make`` is not measured: it does what has to be done before, and returns the call that is.
    ``refusals`` are what may come of it beside success; ``functions`` are used by all of it.
    """

    operation: str
    make: Callable[[Client], Call]
    refusals: frozenset[int] = frozenset()
    functions: tuple[str, ...] = ()


def _get(path: Callable[[Bench], str]) -> Callable[[Client], Call]:
    return lambda client: Call("GET", path(client.bench))


def _record_id() -> str:
    return f"r{next(_NUMBERS) % RECORDS:06d}"


def _a_record(bench: Bench) -> str:
    return f"{bench.path}/records/{_record_id()}"


def _diff(bench: Bench, what: str) -> str:
    return f"{bench.path}/{what}?base={bench.older}&target={bench.commit}"


def _commit_of_its_own(client: Client) -> Call:
    branch = client.own_branch()
    client.stage(branch)
    return client.bench.commits(branch=branch)


def _commit_of_all(client: Client) -> Call:
    client.stage("main")
    return client.bench.commits()


_BUSY = frozenset({409, 429})
_COMMITTING = ("create_branch", "append_records", "create_commit")

OPERATIONS: dict[str, Measured] = {
    "no-op route": Measured("check_live", _get(lambda _: "/health/live")),
    "describe dataset": Measured("describe_dataset", _get(lambda bench: bench.path)),
    "list datasets": Measured("list_datasets", _get(lambda _: f"{API}/datasets")),
    "get record, commit": Measured(
        "get_record", _get(lambda bench: f"{_a_record(bench)}?ref={bench.commit}")
    ),
    "get record, branch": Measured("get_record", _get(_a_record)),
    "list 100 records": Measured(
        "list_records", _get(lambda bench: f"{bench.path}/records?ref={bench.commit}&limit=100")
    ),
    "batch get 100": Measured(
        "batch_get_records",
        lambda client: json_call(
            "POST",
            f"{client.bench.path}/batch-get",
            {"ref": client.bench.commit, "ids": [_record_id() for _ in range(100)]},
        ),
    ),
    "count records": Measured(
        "count_records", _get(lambda bench: f"{bench.path}/count?ref={bench.commit}")
    ),
    "record history": Measured(
        "list_record_history",
        _get(lambda bench: f"{_a_record(bench)}/history?ref={bench.commit}"),
    ),
    "diff, page of 100": Measured("diff_refs", _get(lambda bench: _diff(bench, "diff"))),
    "diff, counts": Measured("count_changes", _get(lambda bench: _diff(bench, "diff/counts"))),
    "merge preview": Measured(
        "preview_merge",
        _get(lambda bench: f"{bench.path}/merge/preview?source={bench.older}&target=main"),
    ),
    "get branch": Measured("get_branch", _get(lambda bench: f"{bench.path}/branches/main")),
    "list branches": Measured("list_branches", _get(lambda bench: f"{bench.path}/branches")),
    "list commits": Measured("list_commits", _get(lambda bench: f"{bench.path}/commits")),
    "append 1": Measured("append_records", lambda client: client.bench.records(1), _BUSY),
    "append 100": Measured("append_records", lambda client: client.bench.records(100), _BUSY),
    "create branch": Measured(
        "create_branch", lambda client: client.bench.branches(f"b{next(_NUMBERS)}")
    ),
    "commit, own branch": Measured("create_commit", _commit_of_its_own, _BUSY, _COMMITTING),
    # Whoever comes second finds that another commit has taken what it staged: refused, 409.
    "commit, one branch": Measured("create_commit", _commit_of_all, _BUSY, _COMMITTING),
}
