"""The API's stack: it knows functions by name only and is deployed after them."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.api import VaultApi
from infra.names import Names
from infra.stages import Stage


class ApiStack(Stack):
    """The REST API."""

    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        name = Names(stage.name).stack("Api")
        super().__init__(
            scope, name, stack_name=name, description=f"LLM Data Vault {stage.name}: the REST API"
        )
        api = VaultApi(self, "Api", stage=stage)
        CfnOutput(self, "ApiUrl", value=api.rest.url)
        CfnOutput(self, "ApiId", value=api.rest.rest_api_id)
        # An operator's VAULT_USAGE__PLAN.
        CfnOutput(self, "UsagePlan", value=api.usage_plan.usage_plan_id)
