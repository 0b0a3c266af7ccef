"""One deployed vault for all tests; a workspace of its own for each."""

from collections.abc import Iterator

import pytest

from tests.e2e.deployment import Deployment, Person, Shelf, Tenant, deployment


@pytest.fixture(scope="session")
def deployed() -> Iterator[Deployment]:
    with deployment() as made:
        yield made


@pytest.fixture
def tenant(deployed: Deployment) -> Tenant:
    return deployed.tenant()


@pytest.fixture
def admin(tenant: Tenant) -> Person:
    return tenant.admin


@pytest.fixture
def shelf(admin: Person) -> Shelf:
    return admin.dataset()
