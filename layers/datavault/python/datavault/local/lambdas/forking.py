"""The script of a process that has imported much and forks: each fork goes on from there.

Run by path with the interpreter, the variables and the import path of a function, so it uses the
standard library only and nothing of ours. Each message on the socket whose number is the first
argument asks for one process: its variables, working directory and handler as JSON, with the file
that its output goes to and a pipe. The answer is the number of that process, which is no child of
this one. It goes on when a byte comes by the pipe, and ends if none does: nothing runs of which
whoever asked has not heard.
"""

import gc
import importlib
import json
import os
import runpy
import socket
import sys
from contextlib import suppress
from typing import NamedTuple

MESSAGE_BYTES_MAX = 128 * 1024


class Asked(NamedTuple):
    """A process that was asked for: the message, where its output goes, the pipe to wait at."""

    message: bytes
    output: int
    permission: int


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in sys.argv[2:]:
        with suppress(ModuleNotFoundError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # What is here already stays on pages that are shared.
    while (asked := _receive(control)) is not None:
        if _is_forked(control, asked):
            _become(asked)
            return  # To the end of an interpreter, as any other.


def _receive(control: socket.socket) -> Asked | None:
    message, files, _, _ = socket.recv_fds(control, MESSAGE_BYTES_MAX, 2)
    return Asked(message, *files) if message else None


def _is_forked(control: socket.socket, asked: Asked) -> bool:
    """Whether this is the process that was asked for, and not the one that forks.

    It is started by way of one that ends at once, so that it is handed to the subreaper.
    """
    reading, writing = os.pipe()
    between = os.fork()
    if between == 0:
        started = os.fork()
        if started:
            os.write(writing, str(started).encode())
            os._exit(0)
        for each in (reading, writing):
            os.close(each)
        control.close()
        return True
    os.close(writing)
    with open(reading, "rb") as told:
        number = told.read()
    os.waitpid(between, 0)
    for each in (asked.output, asked.permission):
        os.close(each)
    control.send(number)
    return False


def _become(asked: Asked) -> None:
    """Go on as a runtime that was started with these variables, if that is still wanted."""
    with open(asked.permission, "rb") as permission:
        if not permission.read(1):
            return
    for standard in (1, 2):
        os.dup2(asked.output, standard)
    os.close(asked.output)
    said = json.loads(asked.message)
    os.environ.clear()
    os.environ.update(said["variables"])
    os.chdir(said["directory"])
    sys.argv = ["awslambdaric", said["handler"]]
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
