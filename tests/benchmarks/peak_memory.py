"""The peak resident memory of a local cloud's functions, as the kernel keeps it (``VmHWM``)."""

import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

PAUSE_S = 0.5


class PeakMemory:
    """Looks at the functions' processes now and then; a peak is kept by the process itself."""

    def __init__(self, endpoint: str) -> None:
        """``endpoint`` is the cloud's: other clouds' functions are not ours."""
        self._endpoint = endpoint.encode()
        self._peaks: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_again, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def peaks_mb(self) -> dict[str, float]:
        """By function, in millions of bytes."""
        self._look()
        return {name: kib * 1024 / 1e6 for name, kib in self._peaks.items()}

    def _look_again(self) -> None:
        while not self._stop.wait(PAUSE_S):
            self._look()

    def _look(self) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            # A process may be gone at any line.
            with suppress(OSError, ValueError, StopIteration):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if b"awslambdaric" not in words:
                    continue
                if self._endpoint not in (process / "environ").read_bytes():
                    continue
                name = words[words.index(b"awslambdaric") + 1].decode().split(".")[-2]
                status = (process / "status").read_text().splitlines()
                peak = next(line for line in status if line.startswith("VmHWM:"))
                self._peaks[name] = max(self._peaks.get(name, 0), int(peak.split()[1]))
