"""How long each record of a pack is: a sealed object beside the pack.

The tree says where a record is and not how long, and a block tells only when it is opened. So
that the bytes of a version can be counted without reading them, the lengths of a pack's slots are
kept beside it. They are written before the pack; a pack that is resealed under another name keeps
them under the first one. Rejected: lengths in the tree's leaves, which every read of a record
would carry, and which would be a second format of nodes.
"""

from datavault.domain import keyspace
from datavault.domain.errors import Corrupt, NotFound
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.places import PackRef
from datavault.domain.store.sizes import Lengths, decode_sizes, encode_sizes
from datavault.ports import Vault

_FOLDER = "sizes"


def write_sizes(vault: Vault, keys: StoreKeys, pack: PackRef, lengths: Lengths) -> None:
    """Keep the lengths of a pack's records, in the order of their slots."""
    sealed = keys.seal(
        encode_sizes(lengths), purpose="sizes", context=pack.id.hex(), place=keys.store
    )
    vault.objects.put(keyspace.pack_object(keys.store, _FOLDER, pack.id), [sealed])


def read_sizes(vault: Vault, keys: StoreKeys, pack: PackRef) -> Lengths:
    """The lengths of a pack's records, by slot.

    Raises:
        Corrupt: they are missing, or not what was kept.
    """
    try:
        sealed = vault.objects.get(keyspace.pack_object(keys.store, _FOLDER, pack.id))
    except NotFound:
        raise Corrupt(f"the sizes of pack {pack.id.hex()} are missing") from None
    opened = keys.unseal(sealed, purpose="sizes", context=pack.id.hex(), place=keys.store)
    return decode_sizes(opened)
