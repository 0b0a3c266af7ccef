"""The vault itself in a local cloud: synthesized, deployed and addressed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from datavault.local.assembly import Stack, stacks
from datavault.local.cloud import LocalCloud
from datavault.local.deploy import Outputs, deploy
from datavault.local.issuer import Issuer
from datavault.local.synth import synthesize


@dataclass(frozen=True, slots=True)
class DeployedVault:
    """Where the vault answers, and what its stacks put out."""

    api_url: str
    outputs: Outputs

    @property
    def values(self) -> dict[str, str]:
        """The outputs of all stacks, whose names differ."""
        return {name: value for each in self.outputs.values() for name, value in each.items()}


def deploy_vault(
    cloud: LocalCloud, *, stage: str = "local", assembly: Path | None = None
) -> DeployedVault:
    """Deploy the app into ``cloud``, trusting the cloud's own issuer.

    An app that is deployed and unchanged is left as it is.
    """
    made = assembly or synthesize(stage)
    outputs = deploy(
        made,
        client=cloud.boto3,
        parameters={stack.name: _issuer_of(stack, cloud.issuer) for stack in stacks(made)},
    )
    values = {name: value for each in outputs.values() for name, value in each.items()}
    # ".../live/" on AWS; the emulator answers for the same API elsewhere.
    api_stage = values["ApiUrl"].rstrip("/").rpartition("/")[2]
    return DeployedVault(cloud.api_url(values["ApiId"], api_stage), outputs)


def _issuer_of(stack: Stack, issuer: Issuer) -> Mapping[str, str]:
    """The parameters by which a stack learns whom to trust, if it has them."""
    declared = json.loads(stack.template.read_text()).get("Parameters", {})
    known = {
        "IssuerUrl": issuer.url,
        "IssuerAudience": issuer.audience,
        "IssuerJwksUrl": issuer.jwks_url,
    }
    return {name: value for name, value in known.items() if name in declared}
