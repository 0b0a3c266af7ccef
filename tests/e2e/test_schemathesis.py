"""Whatever is sent, the running API answers as its own OpenAPI document says, and never with 5xx.

The document is fetched from the API itself. Schemathesis makes the requests, good ones and bad
ones, from a fixed seed, and compares the answers: status, media type, headers, schema.
"""

import copy
import json
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode

from datavault.contracts.operations import OPERATIONS, Operation, operation
from tests.e2e.calls import Place, call, furnish
from tests.e2e.deployment import Deployment, Person, Tenant
from tests.support.http import Call

SEED = 20260101
# Requests in all, whatever the number of operations: some 30 ms each.
REQUESTS_MAX = 600
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
NOBODY = "nobody"
CALLERS = ("admin", "reader", NOBODY)
EXAMPLES = max(3, REQUESTS_MAX // (len(OPERATIONS) * len(MODES) * len(CALLERS)))
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.fixture(scope="module")
def tenant(deployed: Deployment) -> Tenant:
    return deployed.tenant()


@pytest.fixture(scope="module")
def place(tenant: Tenant) -> Place:
    return furnish(tenant.admin)


@pytest.fixture(scope="module")
def document(deployed: Deployment) -> Any:
    """The API's own description, as it is served."""
    served = requests.get(f"{deployed.api_url}/openapi.json", timeout=30)
    assert served.status_code == 200
    return served.json()


@pytest.fixture(scope="module")
def schema(document: Any) -> Any:
    return _schema(document)


def _schema(document: Any) -> Any:
    generation = GenerationConfig(with_security_parameters=False)
    projects = ProjectsConfig(default=ProjectConfig(generation=generation))
    load_all_checks()
    return schemathesis.openapi.from_dict(
        document, config=SchemathesisConfig(projects=projects, seed=SEED)
    )


@pytest.fixture(scope="module")
def send(deployed: Deployment) -> Any:
    """Send a case as somebody, check the answer, and give its status."""
    session = requests.Session()
    checks = CHECKS.get_by_names(list(CHECKED))

    def sent(case: Any, person: Person | None) -> int:
        token = None if person is None else person.token
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        response = case.call(base_url=deployed.api_url, session=session, headers=headers)
        case.validate_response(response, checks=checks)
        return int(response.status_code)

    yield sent
    session.close()


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)
def test_an_answer_is_one_that_the_document_describes(
    row: Operation, schema: Any, send: Any, place: Place, tenant: Tenant
) -> None:
    described = schema[row.path][row.method]
    people = {name: None if name == NOBODY else tenant.person(name) for name in CALLERS}
    reached: dict[str, set[int]] = defaultdict(set)

    def answers(case: Any, is_here: bool) -> None:
        if is_here and case.path_parameters:
            # What is there gets further than what never was.
            case.path_parameters |= _parameters(row, place)
        # To draw a request takes longer than to make it.
        for name, person in people.items():
            reached[name].add(send(case, person))

    for mode in MODES:
        with suppress(Unsatisfiable):  # No request is wrong for an operation that takes nothing.
            _of_many(described.as_strategy(generation_mode=mode))(answers)()
    assert set(reached) == set(CALLERS), "no request was made"
    if row.action is not None:
        assert reached[NOBODY] == {401}


@pytest.fixture(scope="module")
def visited(tenant: Tenant) -> Place:
    """Furnished for each operation once."""
    return furnish(tenant.admin)


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)
def test_an_operation_that_is_carried_out_is_described(
    row: Operation, schema: Any, send: Any, tenant: Tenant, visited: Place
) -> None:
    asked = call(row, visited)
    case = _case(schema[row.path][row.method], row, asked)
    assert send(case, tenant.admin) == row.status


@pytest.mark.parametrize("wrong", ["a field that is not there", "a status that is not described"])
def test_an_answer_that_is_not_as_described_is_noticed(
    wrong: str, document: Any, send: Any, place: Place, tenant: Tenant
) -> None:
    changed = copy.deepcopy(document)
    row = operation("describe_dataset")
    if wrong == "a field that is not there":
        changed["components"]["schemas"]["DescribedDatasetReply"]["required"].append("nowhere")
    else:
        del changed["paths"][row.path]["get"]["responses"]["200"]
    case = _case(_schema(changed)[row.path][row.method], row, call(row, place))
    with pytest.raises(FailureGroup):
        send(case, tenant.admin)


def _of_many(cases: Any) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Run a test on so many cases, the same ones each time."""

    def decorate(test: Callable[..., None]) -> Callable[[], None]:
        bounded = settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        made: Callable[[], None] = bounded(given(case=cases, is_here=st.booleans())(test))
        return made

    return decorate


def _parameters(row: Operation, place: Place) -> dict[str, str]:
    """The path parameters of the row's own call."""
    path = urlsplit(call(row, place).path).path
    given = dict(zip(row.path.split("/"), path.split("/"), strict=True))
    return {name[1:-1]: unquote(value) for name, value in given.items() if name.startswith("{")}


def _case(described: Any, row: Operation, asked: Call) -> Any:
    query = dict(parse_qsl(urlsplit(asked.path).query, keep_blank_values=True))
    path = urlsplit(asked.path).path
    given = dict(zip(row.path.split("/"), path.split("/"), strict=True))
    parts: dict[str, Any] = {
        "path_parameters": {
            name[1:-1]: unquote(value) for name, value in given.items() if name.startswith("{")
        },
        "query": query,
        "headers": dict(asked.headers or {}),
    }
    if asked.body is not None:
        parts |= {"body": json.loads(asked.body), "media_type": "application/json"}
    return described.Case(**parts)
