"""What an operator does to a deployed vault: with credentials of the cloud, not a token."""

from collections.abc import Mapping

from datavault.domain.ids import WorkspaceId
from datavault.local.cloud import REGION, LocalCloud
from datavault.local.vault import DeployedVault
from datavault.services.workspaces import admit_workspace, create_workspace
from datavault.wiring import AwsVault


def operator_vault(cloud: LocalCloud, deployed: DeployedVault) -> AwsVault:
    """The vault as an operator reaches it: its tables, bucket and keys, without the API."""
    return AwsVault(operator_environment(cloud, deployed))


def make_workspace(vault: AwsVault, name: str) -> WorkspaceId:
    """A workspace that the API takes requests of."""
    made = create_workspace(vault, operator=vault.operator, name=name, stage="local").id
    admit_again(vault, made)
    return made


def admit_again(vault: AwsVault, workspace: WorkspaceId) -> None:
    """Let a deployment of the API, which may be new, take the requests of a workspace."""
    admit_workspace(
        vault,
        operator=vault.operator,
        plans=vault.usage_plans,
        workspace=workspace,
        limits=None,
    )


def operator_environment(cloud: LocalCloud, deployed: DeployedVault) -> Mapping[str, str]:
    """The environment in which ``datavault`` commands for operators find this vault."""
    values = deployed.values
    return {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": cloud.credentials()["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": cloud.credentials()["aws_secret_access_key"],
        "VAULT_STAGE": "local",
        "VAULT_TABLES__CATALOG": values["CatalogTable"],
        "VAULT_TABLES__STAGING": values["StagingTable"],
        "VAULT_TABLES__LEDGER": values["LedgerTable"],
        "VAULT_OBJECTS__BUCKET": values["ObjectBucket"],
        "VAULT_EVENTS__BUS": values["EventBus"],
        "VAULT_EVENTS__DEAD_LETTERS": values["DeadLetters"],
        "VAULT_USAGE__API": values["ApiId"],
        "VAULT_USAGE__PLAN": values["UsagePlan"],
    }
