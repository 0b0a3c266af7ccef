"""Generated from the operations table: methods of health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from datavault.client.caller import AsyncCaller
from datavault.client.routes import Arguments
from datavault.client.routing import health as routing

if TYPE_CHECKING:
    from datavault.client.routes import CallOptions
    from datavault.contracts.health import HealthReply


class AsyncHealth(AsyncCaller):
    """Operations of health."""

    async def check_live(self, **options: Unpack[CallOptions]) -> HealthReply:
        """Say that the service answers."""
        return await self.call(routing.CHECK_LIVE, Arguments(), **options)

    async def check_ready(self, **options: Unpack[CallOptions]) -> HealthReply:
        """Probe the catalog, the objects and the keys for real."""
        return await self.call(routing.CHECK_READY, Arguments(), **options)

    async def describe_api(self, **options: Unpack[CallOptions]) -> dict[str, object]:
        """This API as an OpenAPI 3.1 document."""
        return await self.call(routing.DESCRIBE_API, Arguments(), **options)

    async def browse_docs(self, **options: Unpack[CallOptions]) -> str:
        """This API as a page to read."""
        return await self.call(routing.BROWSE_DOCS, Arguments(), **options)
