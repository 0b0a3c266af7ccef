"""What every step of a state machine is given: whose job it works on."""

from dataclasses import dataclass

from datavault.domain.errors import Malformed
from datavault.domain.ids import JobId, WorkspaceId, parse_job_id, parse_workspace_id
from functions.edge.task import Payload


@dataclass(frozen=True, slots=True)
class Step:
    """A step's job, and the numbers that came with it."""

    workspace: WorkspaceId
    job_id: JobId
    payload: Payload

    @classmethod
    def of(cls, payload: Payload) -> "Step":
        """From the payload that the state machine made."""
        return cls(
            parse_workspace_id(str(payload.get("workspace", ""))),
            parse_job_id(str(payload.get("job", ""))),
            payload,
        )

    def number(self, name: str) -> int:
        """A whole number of the payload; JSONata may have written it with a point."""
        value = self.payload.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or value != int(value):
            raise Malformed(f"the payload has no number {name}", field=name)
        return int(value)
