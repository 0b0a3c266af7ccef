"""The index of datasets: finding them by what is said of them, without reading the others.

For each thing that is said of a dataset (*term*: a label, a label's key, a metadata field's value,
how its name begins, who made it, its state) there is a row under the term, whose sort key is the
dataset's id; so every list is in the order of creation, and any list can go on where another
stopped. Rows are written in the transaction that writes the dataset, and are never too few or too
many. A term is a hash under a key of the workspace: nobody who reads keys alone can test guesses.

How a name begins is indexed for its first 1, 3 and 8 characters, folded: canonical decomposition
of the case-folded text, so that upper and lower case are one, and an accent may be left out at the
end of what is searched for. The rest is compared with the dataset itself.
"""

import json
import unicodedata
from dataclasses import asdict, dataclass

from blake3 import blake3

from datavault.domain import keyspace
from datavault.domain.datasets import Dataset, Scalar, State
from datavault.domain.digests import expand
from datavault.domain.ids import DatasetId, WorkspaceId
from datavault.domain.rows import Absent, Change, Delete, Key, Put

FILTERS_MAX = 8
"""Labels, and metadata fields, that one search can name."""

_TAG = b"io.llm-data-vault/1/dataset index"
_BEGINNINGS = (1, 3, 8)


@dataclass(frozen=True, slots=True)
class Criteria:
    """What datasets are searched for; all of it must hold. ``None`` asks for nothing.

    A label whose value is ``None`` is there with any value. Times are those of creation, from
    ``created_from_ms`` to before ``created_before_ms``.
    """

    name_prefix: str | None = None
    labels: tuple[tuple[str, str | None], ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    created_by: str | None = None
    state: State | None = State.ACTIVE
    created_from_ms: int | None = None
    created_before_ms: int | None = None

    def scope(self) -> str:
        """The same criteria have the same text, and others another."""
        return json.dumps(asdict(self), sort_keys=True)

    def admits(self, dataset: Dataset) -> bool:
        """Whether all of it holds of the dataset."""
        labels = dict(dataset.labels)
        fields = dict(dataset.metadata)
        start, end = self.created_from_ms, self.created_before_ms
        return (
            (self.state is None or dataset.state is self.state)
            and (self.name_prefix is None or folded(dataset.name).startswith(self._folded()))
            and (self.created_by is None or dataset.created_by == self.created_by)
            and all(key in labels and value in (None, labels[key]) for key, value in self.labels)
            and all(
                name in fields and shown(fields[name]) == shown(value)
                for name, value in self.metadata
            )
            and (start is None or dataset.created_ms >= start)
            and (end is None or dataset.created_ms < end)
        )

    def partitions(self, ws: WorkspaceId, workspace_key: bytes) -> list[str]:
        """The index partitions that each have every dataset that all of it holds of.

        None, when nothing narrows it down: then all datasets of the workspace are candidates.
        """
        words: list[tuple[str, ...]] = []
        if self.name_prefix is not None:
            prefix = self._folded()
            begun = max(length for length in _BEGINNINGS if length <= len(prefix))
            words.append(("name", prefix[:begun]))
        words += [
            ("label", key) if value is None else ("label", key, value) for key, value in self.labels
        ]
        words += [("field", name, shown(value)) for name, value in self.metadata]
        if self.created_by is not None:
            words.append(("creator", self.created_by))
        if self.state is not None:
            words.append(("state", self.state.value))
        index_key = expand(workspace_key, _TAG)
        return [keyspace.indexed_partition(ws, _term(word, index_key)) for word in words]

    def first_after(self) -> str | None:
        """A sort key after which every dataset made from ``created_from_ms`` on comes."""
        return None if self.created_from_ms is None else _id_floor(self.created_from_ms)

    def is_beyond(self, dataset_id: str) -> bool:
        """Whether that dataset and all later ones are too young."""
        end = self.created_before_ms
        return end is not None and dataset_id >= _id_floor(end)

    def _folded(self) -> str:
        return folded(self.name_prefix or "")


def index(dataset: Dataset, workspace_key: bytes) -> list[Put]:
    """The index rows of a new dataset."""
    return [Put(key, {}, Absent()) for key in _keys(dataset, workspace_key)]


def reindex(old: Dataset, new: Dataset, workspace_key: bytes) -> list[Change]:
    """The changes of the index that go with a change of a dataset."""
    before, after = _keys(old, workspace_key), _keys(new, workspace_key)
    return [
        *(Delete(key) for key in before if key not in after),
        *(Put(key, {}) for key in after if key not in before),
    ]


def folded(name: str) -> str:
    """A name without the differences that a search does not make."""
    decomposed = unicodedata.normalize("NFD", name)
    return unicodedata.normalize("NFD", decomposed.casefold())


def shown(value: Scalar) -> str:
    """A metadata value as a search names it: ``true``, and ``5`` for 5, 5.0 and "5" alike."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        try:
            number = json.loads(value)
        except ValueError:
            return value
        return shown(number) if type(number) in {int, float} else value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return repr(value)


def _keys(dataset: Dataset, workspace_key: bytes) -> dict[Key, None]:
    """The dataset's index rows, each once, in order."""
    name = folded(dataset.name)
    words: list[tuple[str, ...]] = [
        *(("name", name[:length]) for length in _BEGINNINGS if length <= len(name)),
        *(("label", key) for key, _ in dataset.labels),
        *(("label", key, value) for key, value in dataset.labels),
        *(("field", field, shown(value)) for field, value in dataset.metadata),
        ("creator", dataset.created_by),
        ("state", dataset.state.value),
    ]
    index_key = expand(workspace_key, _TAG)
    return {
        keyspace.indexed_dataset(dataset.workspace, _term(word, index_key), dataset.id): None
        for word in words
    }


def _term(words: tuple[str, ...], index_key: bytes) -> str:
    """128 bits, in hex. JSON keeps words apart, and takes lone surrogates that a query may hold."""
    return blake3(json.dumps(words).encode(), key=index_key).hexdigest(16)


def _id_floor(at_ms: int) -> str:
    """Sorts before every dataset id of that millisecond or later, and after all earlier ones."""
    return DatasetId(f"ds_{at_ms >> 16 & 0xFFFFFFFF:08x}-{at_ms & 0xFFFF:04x}")
