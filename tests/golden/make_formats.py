"""Makes the golden files of packs, commits and sealed rows; run once for each format version.

    .venv/bin/python -m tests.golden.make_formats

Everything drawn is drawn from a fixed seed. A file that exists is not written again: what is
frozen stays, and a new version of a format gets new files beside the old ones.
"""

from pathlib import Path

import numpy as np

from datavault.domain import requests
from datavault.domain.access import Caller, Role
from datavault.domain.history import Commit, Counts
from datavault.domain.ids import CommitId, RecordId, StoreId, WorkspaceId
from datavault.domain.rows import Put
from datavault.domain.staging import StagedChange, encode_names
from datavault.domain.store.block import encode_block
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.node import Pointer
from datavault.domain.store.pack import Kind, PackKey, PackWriter
from datavault.domain.store.places import Locator, PackRef
from datavault.domain.store.sizes import encode_sizes
from tests.support.builders import a_request, seeded

HERE = Path(__file__).parent
STORE = StoreId("st_019b76da-a800-7abc-8def-0123456789ab")
ID_KEY = bytes(range(32))
DEK = bytes(range(32, 64))
WORKSPACE_KEY = bytes(range(96, 128))
EPOCH = 7
SEED = bytes(range(64, 96))
BODIES = (b'{"id":"a","n":1}', '{"t":"Grüße"}'.encode(), b"{}", b'{"t":"' + b"x" * 300 + b'"}')
PACK = PackRef(bytes(range(16)), 7, bytes(range(100, 132)))
COMMIT = Commit(
    Pointer(bytes(range(32)), 0, 3, Locator(PACK, 0, 96, 1000)),
    (CommitId("ab" * 32), CommitId("cd" * 32)),
    "alice",
    'Mend "quotes", ümlauts and \u2028 lines',
    1_767_225_600_123,
    Counts(3, 1, 1, 0),
)
CHANGES = (
    StagedChange(RecordId("gone")),
    StagedChange(RecordId("schlüssel"), bytes(range(16)), b'{"a":1}'),
    StagedChange(RecordId("large"), bytes(range(16, 32)), place=Locator(PACK, 5, 96, 70_000)),
)
CALLER = Caller(
    "alice", WorkspaceId("ws_019b76da-a800-7abc-8def-0123456789ab"), frozenset(Role), ""
)


def keys() -> StoreKeys:
    """The store's keys, of which epoch 7 is the newest."""
    return StoreKeys(STORE, ID_KEY, {1: bytes(32), EPOCH: DEK})


def pack(kind: Kind) -> bytes:
    """A pack of two blocks."""
    writer = PackWriter(PackKey(DEK, STORE, kind, EPOCH, SEED))
    for part in (BODIES[:3], BODIES[3:]):
        lengths = np.array([len(body) for body in part], np.uint32)
        writer.add(encode_block(part, lengths, writer.slots), slots=len(part))
    return b"".join(writer.finish())


def sealed_row() -> bytes:
    """Something small under its place; the nonce is drawn."""
    return keys().seal(b"small thing", purpose="staged", context="br_1/2", place="ws/ds/part/sort")


def remembered() -> bytes:
    """The key and the attributes of an idempotency row, as text."""
    (row,) = requests.remember(
        CALLER, a_request("key-1"), "bt_outcome", 1_767_225_600_999, WORKSPACE_KEY
    )
    assert isinstance(row, Put)
    lines = [row.key.table, row.key.partition, row.key.sort]
    lines += [f"{name}={value!r}" for name, value in sorted(row.attributes.items())]
    return "\n".join(lines).encode() + b"\n"


def files() -> dict[str, bytes]:
    """Every golden file, as today's code makes it."""
    with seeded(1):
        return {
            "pack_records_v1.bin": pack(Kind.RECORDS),
            "pack_nodes_v1.bin": pack(Kind.NODES),
            "pack_staged_v1.bin": pack(Kind.STAGED),
            "commit_v1.bin": COMMIT.encode(),
            "sealed_v1.bin": sealed_row(),
            "sizes_v1.bin": encode_sizes(np.array([2, 100, 4 * 2**20, 7], np.uint32)),
            "staged_removed_v1.bin": CHANGES[0].encode(),
            "staged_body_v1.bin": CHANGES[1].encode(),
            "staged_place_v1.bin": CHANGES[2].encode(),
            "staged_names_v1.bin": encode_names(CHANGES),
            "staged_request_v1.txt": remembered(),
        }


def main() -> None:
    """Write what is not there yet."""
    for name, content in files().items():
        path = HERE / name
        if not path.exists():
            path.write_bytes(content)
            print(f"wrote {name}, {len(content)} bytes")


if __name__ == "__main__":
    main()
