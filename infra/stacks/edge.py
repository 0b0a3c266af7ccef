"""The API's stack: it knows functions by name only and is deployed after them."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.api import VaultApi
from infra.domain import ApiDomain
from infra.firewall import ApiFirewall
from infra.names import Names
from infra.stages import Stage


class ApiStack(Stack):
    """The REST API, what stands before it, and its name."""

    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        name = Names(stage.name).stack("Api")
        super().__init__(
            scope, name, stack_name=name, description=f"LLM Data Vault {stage.name}: the REST API"
        )
        api = VaultApi(self, "Api", stage=stage)
        if stage.firewall is not None:
            ApiFirewall(
                self,
                "Firewall",
                stage=stage,
                firewall=stage.firewall,
                deployed=api.rest.deployment_stage,
            )
        url = api.rest.url
        if stage.domain is not None:
            url = ApiDomain(self, "Domain", domain=stage.domain, rest=api.rest).url
        CfnOutput(self, "ApiUrl", value=url)
        CfnOutput(self, "ApiId", value=api.rest.rest_api_id)
        # An operator's VAULT_USAGE__PLAN.
        CfnOutput(self, "UsagePlan", value=api.usage_plan.usage_plan_id)
