"""Files that are written beside their places."""

import os
from pathlib import Path

from datavault.cli.privacy.outputs import Aside


def test_what_a_stopped_process_of_the_same_number_left_is_in_nobodys_way(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with Aside(target):
        (aside,) = os.listdir(tmp_path)
    at = int(aside.removesuffix(".part").partition("-")[2])
    left = [tmp_path / f".{os.getpid()}-{at + more}.part" for more in (1, 2)]
    for each in left:
        each.write_bytes(b"left")
    with Aside(target) as output:
        output.write(b"new")
        output.keep()
    assert target.read_bytes() == b"new"
    assert [each.read_bytes() for each in left] == [b"left", b"left"]
