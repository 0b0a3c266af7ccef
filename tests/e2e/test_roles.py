"""Who may do what, and that other workspaces do not exist."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from datavault.contracts.operations import OPERATIONS, Operation, operation
from datavault.domain.access import PERMITTED, Role
from tests.e2e.calls import Place, call, furnish
from tests.e2e.deployment import API, Deployment, Shelf, Tenant
from tests.support.http import Call, Reply, json_call

PROTECTED = [row for row in OPERATIONS if row.action is not None]
IN_A_DATASET = [row for row in PROTECTED if "{dataset_id}" in row.path]
NEVER = "ds_0190a6b2-0000-7000-8000-000000000000"
SOMEBODY = [(), *((role.value,) for role in Role), ("auditor", "writer"), ("root", "owner")]


@pytest.mark.parametrize("roles", SOMEBODY, ids=lambda roles: "+".join(roles) or "none")
def test_an_operation_is_for_the_roles_that_permit_it(
    roles: tuple[str, ...], tenant: Tenant
) -> None:
    place, person = furnish(tenant.admin), tenant.person(*roles)
    known = [Role(name) for name in roles if name in set(Role)]
    permitted = [row for row in PROTECTED if any(row.action in PERMITTED[role] for role in known)]
    before = len(tenant.requests())
    for row in PROTECTED:
        if row not in permitted:
            reply = person.send(call(row, place))
            assert (reply.status, reply.code) == (403, "denied"), row.name
            assert str(row.action) in reply.json()["detail"]
    assert len(tenant.requests()) == before
    for row in permitted:
        reply = person.send(call(row, place))
        assert reply.status == row.status, (row.name, reply.content)


def test_a_denial_does_not_tell_what_there_is(tenant: Tenant) -> None:
    place, auditor = furnish(tenant.admin), tenant.person("auditor")
    shelf = Shelf(auditor, place.dataset)
    answers = [shelf.record("kept"), shelf.record("nothing"), Shelf(auditor, NEVER).record("kept")]
    assert len({_said(answer) for answer in answers}) == 1


@pytest.fixture(scope="module")
def theirs(deployed: Deployment) -> tuple[Tenant, Place]:
    """Somebody else's furnished dataset, which nobody gets at."""
    tenant = deployed.tenant()
    return tenant, furnish(tenant.admin)


@pytest.fixture(scope="module")
def mine(deployed: Deployment) -> tuple[Tenant, Place]:
    tenant = deployed.tenant()
    return tenant, furnish(tenant.admin)


@pytest.mark.parametrize("row", IN_A_DATASET, ids=lambda row: row.name)
def test_a_dataset_of_another_workspace_is_as_one_that_never_was(
    row: Operation, theirs: tuple[Tenant, Place], mine: tuple[Tenant, Place]
) -> None:
    (_, foreigner), (tenant, _) = theirs, mine
    never = replace(foreigner, dataset=NEVER)
    foreign, absent = (tenant.admin.send(call(row, place)) for place in (foreigner, never))
    assert (foreign.status, foreign.code) == (404, "not_found")
    assert _said(foreign, {foreigner.dataset: NEVER}) == _said(absent)


@pytest.fixture(scope="module")
def bare(mine: tuple[Tenant, Place]) -> Shelf:
    """A dataset of ours with one record and nothing else."""
    tenant, _ = mine
    shelf = tenant.admin.dataset("bare")
    shelf.append({"own": "{}"})
    return shelf


@pytest.mark.parametrize(
    ("name", "foreign", "never"),
    [
        ("get_commit", "/commits/{commit}", "/commits/{no_commit}"),
        ("get_commit", "/commits/{prefix}", "/commits/{no_prefix}"),
        ("list_commits", "/commits?ref={commit}", "/commits?ref={no_commit}"),
        ("list_commits", "/commits?ref={prefix}", "/commits?ref={no_prefix}"),
        ("list_commits", "/commits?ref={branch}", "/commits?ref=never"),
        ("list_records", "/records?ref={commit}", "/records?ref={no_commit}"),
        ("list_records", "/records?ref={branch}", "/records?ref=never"),
        ("get_record", "/records/{record}", "/records/never"),
        ("get_record", "/records/{own}?ref={commit}", "/records/{own}?ref={no_commit}"),
        ("get_record", "/records/{own}?ref={branch}", "/records/{own}?ref=never"),
        ("delete_record", "/records/{record}", "/records/never"),
        ("delete_record", "/records/{own}?branch={branch}", "/records/{own}?branch=never"),
        ("delete_branch", "/branches/{branch}", "/branches/never"),
    ],
)
@pytest.mark.parametrize("whose", ["another workspace's", "another dataset's"])
def test_what_another_dataset_has_is_as_what_never_was(
    name: str,
    foreign: str,
    never: str,
    whose: str,
    theirs: tuple[Tenant, Place],
    mine: tuple[Tenant, Place],
    bare: Shelf,
) -> None:
    _, place = theirs if whose == "another workspace's" else mine
    words: Mapping[str, str] = {
        "commit": place.commit,
        "prefix": place.commit[:10],
        "branch": place.branch,
        "record": place.record,
        "own": "own",
        "no_commit": "0" * 64,
        "no_prefix": "0" * 10,
    }
    method = operation(name).method
    answers = [
        bare.person.send(Call(method, f"{API}{bare.path}{path.format(**words)}"))
        for path in (foreign, never)
    ]
    assert (answers[0].status, answers[0].code) == (404, "not_found")
    assert _said(answers[0]) == _said(answers[1])


@pytest.mark.parametrize("start", ["commit", "branch"])
def test_no_branch_starts_in_another_workspace(
    start: str, theirs: tuple[Tenant, Place], bare: Shelf
) -> None:
    _, foreigner = theirs
    body = {"name": "taken", "start": getattr(foreigner, start)}
    reply = bare.person.send(json_call("POST", f"{API}{bare.path}/branches", body))
    assert (reply.status, reply.code) == (404, "not_found")


def test_lists_hold_the_workspace_s_own_things(tenant: Tenant) -> None:
    other = tenant.deployment.tenant()
    foreign, own = other.admin.dataset("same name"), tenant.admin.dataset("same name")
    foreign.append({"foreign": "{}"})
    foreign.branch("foreign")
    foreign_commit = foreign.commit()["id"]
    listed = {row["id"] for row in tenant.admin.get("/datasets").json()["data"]}
    assert listed == {own.id}
    assert foreign_commit not in {row["id"] for row in own.log()}
    branches = tenant.admin.get(f"{own.path}/branches").json()["data"]
    assert [row["name"] for row in branches] == ["main"]
    assert own.lines() == []


@pytest.fixture(scope="module")
def visited(mine: tuple[Tenant, Place]) -> Place:
    """Furnished for each operation once."""
    tenant, _ = mine
    return furnish(tenant.admin)


@pytest.mark.parametrize("row", PROTECTED, ids=lambda row: row.name)
def test_an_answer_leads_to_own_things_that_are_there(
    row: Operation, theirs: tuple[Tenant, Place], mine: tuple[Tenant, Place], visited: Place
) -> None:
    """Whatever is linked can be had by whoever was told, and nothing foreign is named."""
    (other, foreigner), (tenant, _) = theirs, mine
    reply = tenant.admin.send(call(row, visited))
    assert reply.status == row.status, reply.content
    for foreign in (other.id, foreigner.dataset, foreigner.commit):
        assert foreign.encode() not in reply.content
        assert foreign not in repr(reply.headers)
    if not reply.content or reply.headers["content-type"] != "application/json":
        return
    hrefs = set(_hrefs(reply.json()))
    assert hrefs, "a resource has links"
    for href in hrefs:
        assert href.startswith(f"{API}/")
        followed = tenant.admin.send(Call("GET", href))
        assert followed.status == 200, (href, followed.content)


def _hrefs(told: object) -> Iterator[str]:
    """All of them, however deep; what a record itself holds is the record's."""
    match told:
        case {"_links": dict(links), **rest}:
            yield from (link["href"] for link in links.values())
            yield from _hrefs(rest)
        case dict():
            yield from (href for value in told.values() for href in _hrefs(value))
        case list():
            yield from (href for value in told for href in _hrefs(value))


def test_a_cursor_is_good_for_its_own_list_and_workspace_only(tenant: Tenant) -> None:
    other = tenant.deployment.tenant()
    for someone in (tenant, other):
        for name in ("one", "two", "three"):
            someone.admin.dataset(name)
    path = "/datasets?limit=1"
    cursor = tenant.admin.get(path).json()["pagination"]["next_cursor"]
    assert tenant.admin.get(f"{path}&cursor={cursor}").json()["data"][0]["name"] == "two"
    assert _refused_cursor(other.admin.get(f"{path}&cursor={cursor}"))
    shelf = tenant.admin.dataset("four")
    assert _refused_cursor(tenant.admin.get(f"{shelf.path}/branches?cursor={cursor}"))
    assert _refused_cursor(tenant.admin.get(f"{shelf.path}/records?cursor={cursor}"))
    for at in range(0, len(cursor), 7):
        other_character = "A" if cursor[at] != "A" else "B"
        changed = cursor[:at] + other_character + cursor[at + 1 :]
        assert _refused_cursor(tenant.admin.get(f"{path}&cursor={changed}")), at
    assert _refused_cursor(tenant.admin.get(f"{path}&cursor={cursor[:-4]}"))
    assert _refused_cursor(tenant.admin.get(f"{path}&cursor="))


def _refused_cursor(reply: Reply) -> bool:
    return (reply.status, reply.code) == (422, "invalid") and "cursor" in reply.json()["detail"]


def _said(reply: Reply, renamed: Mapping[str, str] | None = None) -> str:
    """A problem without what differs from one to the next."""
    problem: dict[str, Any] = reply.json()
    del problem["correlation_id"]
    text = repr(sorted(problem.items()))
    for name, other in (renamed or {}).items():
        text = text.replace(name, other)
    return f"{reply.status} {text}"
