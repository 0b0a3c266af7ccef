"""One deployed vault for all tests; a workspace of its own for each."""

from collections.abc import Iterator

import pytest

from datavault.local.cloud import LocalCloud, Permissions
from datavault.local.vault import deploy_vault
from tests.e2e.deployment import Deployment, Person, Shelf, Tenant, deployment


@pytest.fixture(scope="session")
def deployed() -> Iterator[Deployment]:
    with deployment() as made:
        yield made


@pytest.fixture(scope="session")
def enforced() -> Iterator[Deployment]:
    """The same in a cloud where every function acts as its own role."""
    with LocalCloud.start(permissions=Permissions.ENFORCED) as cloud:
        yield Deployment(cloud, deploy_vault(cloud))


@pytest.fixture
def tenant(deployed: Deployment) -> Tenant:
    return deployed.tenant()


@pytest.fixture
def admin(tenant: Tenant) -> Person:
    return tenant.admin


@pytest.fixture
def shelf(admin: Person) -> Shelf:
    return admin.dataset()
