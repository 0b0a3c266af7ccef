"""Generated from the operations table: methods of health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from datavault.client.caller import Caller
from datavault.client.routes import Arguments
from datavault.client.routing import health as routing

if TYPE_CHECKING:
    from datavault.client.routes import CallOptions
    from datavault.contracts.health import HealthReply


class Health(Caller):
    """Operations of health."""

    def check_live(self, **options: Unpack[CallOptions]) -> HealthReply:
        """Say that the service answers."""
        return self.call(routing.CHECK_LIVE, Arguments(), **options)

    def check_ready(self, **options: Unpack[CallOptions]) -> HealthReply:
        """Probe the catalog, the objects and the keys for real."""
        return self.call(routing.CHECK_READY, Arguments(), **options)

    def describe_api(self, **options: Unpack[CallOptions]) -> dict[str, object]:
        """This API as an OpenAPI 3.1 document."""
        return self.call(routing.DESCRIBE_API, Arguments(), **options)

    def browse_docs(self, **options: Unpack[CallOptions]) -> str:
        """This API as a page to read."""
        return self.call(routing.BROWSE_DOCS, Arguments(), **options)
