"""Names that one stack gives and another uses, by stage.

What crosses stacks is known by its name rather than by an export: CloudFormation refuses to change
an export while another stack imports it, which would lock the layers, versions and functions of one
stack to those of the next. The price is that a stage has one copy per account and region, and that
a named resource cannot be replaced in place. Two exports are left: the data key, which has no name
that a policy could use, and the ledger's stream, whose ARN ends with the time it was made. Neither
is ever replaced.
"""

from dataclasses import dataclass

from aws_cdk import Aws

from datavault.contracts.operations import Operation, Task

ALIAS = "live"
API_STAGE = "live"
AUTHORIZER = "authorize"
TABLES = ("catalog", "staging", "ledger")
METRICS_NAMESPACE = "DataVault"

type Row = Operation | Task


@dataclass(frozen=True, slots=True)
class Names:
    """The physical names and ARNs of a stage's resources."""

    stage: str

    @property
    def service(self) -> str:
        """The whole stage: its name in metrics and logs, and the API's."""
        return f"datavault-{self.stage}"

    def table(self, table: str) -> str:
        """One of ``TABLES``."""
        return f"datavault-{self.stage}-{table}"

    def table_arn(self, table: str) -> str:
        """The ARN of one of ``TABLES``."""
        return _arn("dynamodb", f"table/{self.table(table)}")

    def streams_arn(self, table: str) -> str:
        """All streams that one of ``TABLES`` has had; it has one at a time."""
        return f"{self.table_arn(table)}/stream/*"

    @property
    def bucket(self) -> str:
        """The bucket of sealed objects; bucket names are global, so it carries the account."""
        return f"datavault-{self.stage}-objects-{Aws.ACCOUNT_ID}-{Aws.REGION}"

    @property
    def bucket_arn(self) -> str:
        """The ARN of the bucket of sealed objects."""
        return f"arn:{Aws.PARTITION}:s3:::{self.bucket}"

    @property
    def landing(self) -> str:
        """The bucket in which large files come in."""
        return f"datavault-{self.stage}-landing-{Aws.ACCOUNT_ID}-{Aws.REGION}"

    @property
    def landing_arn(self) -> str:
        """The ARN of the landing bucket."""
        return f"arn:{Aws.PARTITION}:s3:::{self.landing}"

    @property
    def landing_key_alias(self) -> str:
        """The alias of the key that the landing bucket is encrypted under."""
        return f"alias/datavault-{self.stage}-landing"

    @property
    def bus(self) -> str:
        """The event bus."""
        return f"datavault-{self.stage}"

    @property
    def bus_arn(self) -> str:
        """The ARN of the event bus."""
        return _arn("events", f"event-bus/{self.bus}")

    @property
    def rules_arn(self) -> str:
        """All rules on the event bus."""
        return _arn("events", f"rule/{self.bus}/*")

    @property
    def dead_letters(self) -> str:
        """The queue of what could not be published."""
        return f"datavault-{self.stage}-unpublished"

    @property
    def dead_letters_arn(self) -> str:
        """The ARN of that queue."""
        return _arn("sqs", self.dead_letters)

    @property
    def dead_letters_url(self) -> str:
        """The URL of that queue."""
        host = f"sqs.{Aws.REGION}.{Aws.URL_SUFFIX}"
        return f"https://{host}/{Aws.ACCOUNT_ID}/{self.dead_letters}"

    def function(self, row: Row) -> str:
        """The function of an operation or task."""
        return f"datavault-{self.stage}-{row.name.replace('_', '-')}"

    def alias_arn(self, row: Row) -> str:
        """The published version of a function that callers use."""
        return _arn("lambda", f"function:{self.function(row)}:{ALIAS}")

    def log_group(self, row: Row) -> str:
        """Where a function's log goes."""
        return f"/aws/lambda/{self.function(row)}"

    def log_streams_arn(self, row: Row) -> str:
        """All log streams of a function; Lambda names one for each environment it starts."""
        return _arn("logs", f"log-group:{self.log_group(row)}:log-stream:*")

    def state_machine(self, machine: str) -> str:
        """The state machine of a file under ``statemachines/``."""
        return f"datavault-{self.stage}-{machine.replace('_', '-')}"

    @property
    def state_machines_prefix(self) -> str:
        """What the ARNs of the stage's state machines begin with."""
        return _arn("states", f"stateMachine:datavault-{self.stage}-")

    def state_machine_arn(self, machine: str) -> str:
        """The ARN of a state machine."""
        return _arn("states", f"stateMachine:{self.state_machine(machine)}")

    def execution_arn(self, machine: str, name: str) -> str:
        """The ARN of an execution of a state machine."""
        return _arn("states", f"execution:{self.state_machine(machine)}:{name}")

    def map_runs_arn(self, machine: str) -> str:
        """The executions that a state machine starts for the items that it maps over."""
        return _arn("states", f"execution:{self.state_machine(machine)}/*:*")

    @property
    def executions_prefix(self) -> str:
        """What the ARNs of their executions begin with."""
        return _arn("states", f"execution:datavault-{self.stage}-")

    def topic(self, priority: str) -> str:
        """Where alarms of a priority are told of."""
        return f"{self.service}-{priority}"

    def topic_arn(self, priority: str) -> str:
        """The ARN of a priority's topic."""
        return _arn("sns", self.topic(priority))

    def alarm(self, name: str) -> str:
        """An alarm of the stage."""
        return f"{self.service}-{name}"

    def alarm_arn(self, name: str) -> str:
        """The ARN of an alarm of the stage."""
        return _arn("cloudwatch", f"alarm:{self.alarm(name)}")

    def stack(self, group: str) -> str:
        """A stack of the stage."""
        return f"DataVault-{self.stage}-{group}"


def workspace_keys_arn() -> str:
    """Any KMS key of this account and region; conditions say which of them."""
    return _arn("kms", "key/*")


def _arn(service: str, resource: str) -> str:
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"
