"""One deployed vault for all tests; a workspace of its own for each."""

from collections.abc import Iterator

import pytest

from tests.e2e.deployment import (
    Deployment,
    Elsewhere,
    Person,
    Shelf,
    Tenant,
    deployment,
    local_deployment,
)


@pytest.fixture(scope="session")
def deployed() -> Iterator[Deployment]:
    with deployment() as made:
        yield made


@pytest.fixture(scope="session")
def enforced(deployed: Deployment) -> Iterator[Deployment]:
    """The same, if not elsewhere: a cloud in which every function acts as its own role."""
    if isinstance(deployed.cloud, Elsewhere):
        with local_deployment() as made:
            yield made
    else:
        yield deployed


@pytest.fixture
def tenant(deployed: Deployment) -> Tenant:
    return deployed.tenant()


@pytest.fixture
def admin(tenant: Tenant) -> Person:
    return tenant.admin


@pytest.fixture
def shelf(admin: Person) -> Shelf:
    return admin.dataset()
