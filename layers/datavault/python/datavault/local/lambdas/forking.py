"""The script of a process that has imported much and forks: each fork goes on from there.

Run by path with the interpreter, the variables and the import path of a function, so it uses the
standard library only and nothing of ours. Each message on the socket whose number is the first
argument asks for one process: its variables, working directory and handler as JSON, with the file
that its output goes to. The answer is the number of that process, which is no child of this one.
"""

import gc
import importlib
import json
import os
import runpy
import socket
import sys
from contextlib import suppress

MESSAGE_BYTES_MAX = 128 * 1024


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in sys.argv[2:]:
        with suppress(ModuleNotFoundError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # What is here already stays on pages that are shared.
    while True:
        message, files, _, _ = socket.recv_fds(control, MESSAGE_BYTES_MAX, 1)
        if not message:
            return
        started = _fork(control, message, files[0])
        os.close(files[0])
        control.send(str(started).encode())


def _fork(control: socket.socket, message: bytes, output: int) -> int:
    """Start a process by way of one that ends at once, so that it is handed to the subreaper."""
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
        _become(message, output)
    os.close(writing)
    with open(reading, "rb") as told:
        number = int(told.read())
    os.waitpid(between, 0)
    return number


def _become(message: bytes, output: int) -> None:
    """Go on as a runtime that was started with these variables; does not return."""
    try:
        for standard in (1, 2):
            os.dup2(output, standard)
        os.close(output)
        asked = json.loads(message)
        os.environ.clear()
        os.environ.update(asked["variables"])
        os.chdir(asked["directory"])
        sys.argv = ["awslambdaric", asked["handler"]]
        runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
    finally:
        # Not back into the loop above, whatever was raised.
        _end()


def _end() -> None:
    error = sys.exception()
    code = 0
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
