"""The code of functions: layers and the handlers' archive, as the CDK's assets.

Every stack has layer versions of its own. Sharing one would mean exporting the ARN of a version,
which changes with each build and which CloudFormation does not let change while it is imported. The
archive itself is uploaded once. `Archives` says where they come from, so that tests need not build.
"""

from dataclasses import dataclass
from pathlib import Path

from aws_cdk import aws_lambda
from constructs import Construct

from datavault.contracts.operations import OPERATIONS, TASKS
from infra.names import Row
from infra.stages import Stage
from layers import build


@dataclass(frozen=True, slots=True)
class Archives:
    """Zip files: our library, the handlers, and third-party layers by name."""

    library: Path
    functions: Path
    third_party: dict[str, Path]

    @classmethod
    def built(cls, stage: Stage) -> "Archives":
        """Built, or found in the cache, as the stage wants them: those that a function uses."""
        rows: tuple[Row, ...] = (*OPERATIONS, *TASKS)
        used = {"core", *(name for row in rows for name in row.layers)}
        return cls(
            library=build.library_layer(),
            functions=build.function_code(),
            third_party={
                name: build.third_party_layer(
                    name, stage.layer_architecture, slim=stage.slim_layers
                )
                for name in sorted(used)
            },
        )


class VaultCode(Construct):
    """The layer versions of one stack and the code that its functions share."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, archives: Archives
    ) -> None:
        super().__init__(scope, construct_id)
        self.functions = aws_lambda.Code.from_asset(str(archives.functions))
        self._library = aws_lambda.LayerVersion(
            self,
            "Library",
            description="The vault's own library",
            code=aws_lambda.Code.from_asset(str(archives.library)),
            compatible_runtimes=[aws_lambda.Runtime.PYTHON_3_13],
        )
        self._stage = stage
        self._archives = archives.third_party
        self._third_party: dict[str, aws_lambda.LayerVersion] = {}

    def layers(self, *names: str) -> list[aws_lambda.ILayerVersion]:
        """Our library and the third-party layers named; a stack has those that it uses."""
        return [self._library, *map(self._version, names)]

    def _version(self, name: str) -> aws_lambda.LayerVersion:
        if name not in self._third_party:
            self._third_party[name] = aws_lambda.LayerVersion(
                self,
                name.capitalize(),
                description=f"Third-party packages: {name}",
                code=aws_lambda.Code.from_asset(str(self._archives[name])),
                compatible_runtimes=[aws_lambda.Runtime.PYTHON_3_13],
                compatible_architectures=[self._stage.lambda_architecture],
            )
        return self._third_party[name]
