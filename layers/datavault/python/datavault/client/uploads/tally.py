"""How far an upload is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from datavault.client.uploads.parts import OnUploadProgress, UploadProgress
from datavault.client.uploads.sources import Part, Source

if TYPE_CHECKING:
    from datavault.contracts.uploads import SentFile, UploadReply


def nothing(_: object) -> None:
    """Whoever calls does not want to be told."""


class Tally:
    """Counts an upload's parts and tells of each; at first, that the upload has begun."""

    def __init__(
        self, upload: "UploadReply", size: int | None, on_progress: OnUploadProgress
    ) -> None:
        self.upload = upload
        self._size = size
        self._tell = on_progress
        self._parts = self._there = self._sent = 0
        self._told()

    def there(self, part: Part) -> None:
        """A part had arrived before."""
        self._parts += 1
        self._there += part.content.size
        self._told()

    def sent(self, part: Part) -> None:
        """A part has arrived."""
        self._parts += 1
        self._sent += part.content.size
        self._told()

    def _told(self) -> None:
        self._tell(UploadProgress(self.upload.id, self._parts, self._there, self._sent, self._size))


def sent_files(source: Source) -> "Sequence[SentFile]":
    """What completing an upload tells of its files; nothing of one file alone or a pipe."""
    from datavault.contracts.uploads import SentFile

    if len(source.files) < 2:
        return ()
    return [SentFile(name=file.name, size=file.size) for file in source.files]
