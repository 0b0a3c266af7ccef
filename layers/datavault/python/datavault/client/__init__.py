"""The vault's Python client: ``from datavault.client import Vault``.

A method for each operation, typed by the contracts' own models, for code that waits (``Vault``)
and for asyncio or trio (``AsyncVault``). Calls are repeated where that is safe, lists are
iterated lazily, records keep their bytes, and each way to fail is a class.
"""

from datavault.client.caller import Behaviour, Timeouts
from datavault.client.checkpoint import Checkpoint
from datavault.client.credentials import ClientCredentials, Credentials, StaticToken
from datavault.client.messages import Lines
from datavault.client.paging import async_pages, pages
from datavault.client.records import record
from datavault.client.retries import NO_RETRIES, Retries, RetryBudget
from datavault.client.streams.report import Appended, Progress
from datavault.client.uploads.parts import UploadProgress
from datavault.client.uploads.sources import LocalFile
from datavault.client.vault import AsyncVault, Vault

__all__ = [
    "NO_RETRIES",
    "Appended",
    "AsyncVault",
    "Behaviour",
    "Checkpoint",
    "ClientCredentials",
    "Credentials",
    "Lines",
    "LocalFile",
    "Progress",
    "Retries",
    "RetryBudget",
    "StaticToken",
    "Timeouts",
    "UploadProgress",
    "Vault",
    "async_pages",
    "pages",
    "record",
]
