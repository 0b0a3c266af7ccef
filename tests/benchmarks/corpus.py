"""A chat corpus and its next version, made from documentation on this machine; seeded.

The shape is that of a real one: several turns, lengths log-normal, system prompts reused by a
Zipf law, 2.4 kB a record in the mean. The text is random n-grams of documentation and source
code, so that it compresses like text and not like noise. Version 2 has 1 % of the records
edited, 1 % inserted and 0.5 % deleted, scattered.
"""

import gzip
import random
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

SEED = 20261123
POOL_CHARS = 48_000_000
MODELS = ("alpha-large", "alpha-small", "beta-70b", "gamma-8x22b", "delta-2")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Files of one corpus: the first version, the second, and the first shuffled."""

    first: Path
    second: Path
    shuffled: Path
    records: int


def make_corpus(folder: Path, megabytes: int) -> Corpus:
    """Write the corpus and its versions under ``folder``."""
    text = Text(SEED)
    rng = random.Random(SEED)
    chats = _chats(text, rng)
    lines: list[bytes] = []
    size = 0
    while size < megabytes * 1_000_000:
        lines.append(next(chats))
        size += len(lines[-1])
    first = _write(folder / "v1.jsonl", iter(lines))
    second = _write(folder / "v2.jsonl", _edited(lines, chats, text, rng))
    rng.shuffle(lines)
    return Corpus(first, second, _write(folder / "v1-shuffled.jsonl", iter(lines)), len(lines))


def make_flat(path: Path, megabytes: int, record_bytes: int) -> Path:
    """Write records of about one size: an id and a text."""
    text, rng = Text(SEED), random.Random(record_bytes)
    count = megabytes * 1_000_000 // record_bytes
    room = record_bytes - len(_encode({"id": "0" * 32, "text": ""}))
    made = (_encode({"id": _hex_id(rng), "text": text.take(room)}) for _ in range(count))
    return _write(path, made)


class Text:
    """An endless supply of text."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        words = _words()
        picks = rng.integers(0, len(words) - 20, POOL_CHARS // 20).tolist()
        lengths = np.minimum(1 + rng.geometric(0.25, len(picks)), 16).tolist()
        phrases = (" ".join(words[at : at + n]) for at, n in zip(picks, lengths, strict=True))
        self._pool = " ".join(phrases)[:POOL_CHARS]
        self._rng = random.Random(seed)

    def take(self, chars: int) -> str:
        """Some text of that length."""
        at = self._rng.randrange(len(self._pool) - chars)
        return self._pool[at : at + chars]


def _chats(text: Text, rng: random.Random) -> Iterator[bytes]:
    prompts = [
        text.take(int(min(max(rng.lognormvariate(6.3, 0.7), 120), 4000))) for _ in range(3000)
    ]
    weights = np.cumsum(1 / np.arange(1, 3001) ** 1.1).tolist()
    while True:
        messages = []
        if rng.random() < 0.7:
            system = rng.choices(prompts, cum_weights=weights)[0]
            messages.append({"role": "system", "content": system})
        turns = 1
        while rng.random() > 0.55 and turns < 8:
            turns += 1
        for _ in range(turns):
            asked = text.take(int(min(rng.lognormvariate(4.9, 0.9), 8000)) + 1)
            answered = text.take(int(min(rng.lognormvariate(6.2, 0.8), 16000)) + 1)
            messages.append({"role": "user", "content": asked})
            messages.append({"role": "assistant", "content": answered})
        yield _encode(
            {
                "id": _hex_id(rng),
                "messages": messages,
                "model": rng.choice(MODELS),
                "created": 1_700_000_000 + rng.randrange(40_000_000),
                "score": round(rng.random(), 4),
                "metadata": {"source": "synthetic", "lang": "en", "turns": turns},
            }
        )


def _edited(
    lines: list[bytes], fresh: Iterator[bytes], text: Text, rng: random.Random
) -> Iterator[bytes]:
    for line in lines:
        drawn = rng.random()
        if drawn < 0.005:
            continue
        if drawn < 0.015:
            record = msgspec.json.decode(line)
            last = record["messages"][-1]
            middle = len(last["content"]) // 2
            edit = f" {text.take(30)} "
            last["content"] = last["content"][:middle] + edit + last["content"][middle + 20 :]
            yield _encode(record)
            continue
        yield line
        if drawn < 0.025:
            yield next(fresh)


def _words() -> list[str]:
    words: list[str] = []
    size = 0
    for content in _documents():
        found = [word for word in content.split(" ") if 0 < len(word) < 40]
        words += found
        size += sum(map(len, found))
        if size > 30_000_000:
            break
    return words


def _documents() -> Iterator[str]:
    share = Path("/usr/share")
    places = [(share / "doc", "*.gz"), (share / "man", "*.gz"), (share, "*.txt")]
    places.append((Path(sysconfig.get_path("stdlib")), "*.py"))
    for folder, pattern in places:
        for path in sorted(folder.rglob(pattern)):
            if "site-packages" in path.parts or not path.is_file():
                continue
            raw = path.read_bytes()
            plain = gzip.decompress(raw) if path.suffix == ".gz" else raw
            content = plain[:400_000].decode("utf-8", "ignore").replace("\0", "")
            if sum(char.isalpha() or char == " " for char in content[:2000]) > 1300:
                yield content


def _hex_id(rng: random.Random) -> str:
    return f"{rng.getrandbits(128):032x}"


def _encode(record: object) -> bytes:
    return msgspec.json.encode(record) + b"\n"


def _write(path: Path, lines: Iterator[bytes]) -> Path:
    with path.open("wb", buffering=4 * 1024 * 1024) as file:
        file.writelines(lines)
    return path
