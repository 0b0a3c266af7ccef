"""Python functions run in the managed runtime's own client instead of a worker script.

The emulator keeps pools, concurrency limits, versions and logs; only its execution
environment and what it makes of a result are replaced.
"""

import json
import shutil
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime as pools
from ministack.services import cloudwatch_logs
from ministack.services import lambda_svc as functions

from datavault.local.lambdas.code_store import CodeStore
from datavault.local.lambdas.environment import Environment, FunctionSpec, Outcome
from datavault.local.lambdas.launching import Fresh, Launcher, Snapshots
from datavault.local.lambdas.managed_runtime import gather
from datavault.local.shims.misfit import replace

LOG_STREAMS_KEPT_MAX = 100

type Config = Mapping[str, Any]
type Result = dict[str, Any]


def install(*, cache: Path, home: Path, endpoint: str, snapshots: bool) -> Callable[[], None]:
    """Serve every Python function of the emulator from ``Environment`` processes.

    With ``snapshots`` those start as Lambda's do with SnapStart, else as without.

    Returns what ends all of them, for the emulator's own end.
    """
    logs, scratch = home / "logs", home / "scratch"
    logs.mkdir(exist_ok=True)
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    store = CodeStore(cache)
    store.forget_unused()
    runtime = gather(cache)
    # Only Linux hands orphans to whoever asks for them.
    restores = snapshots and sys.platform == "linux"
    launcher: Launcher = Snapshots() if restores else Fresh()
    environments: weakref.WeakSet[Environment] = weakref.WeakSet()

    class ManagedWorker(_ManagedWorker):
        def make_environment(self) -> Environment:
            environment = Environment(
                _spec(self.config, self.code_zip, store),
                launcher,
                runtime=runtime,
                endpoint=endpoint,
                scratch=scratch,
                log_file=logs / f"{self.func_name}.log",
            )
            environments.add(environment)
            return environment

    def worker_class_for(config: Config) -> Any:  # noqa: ANN401
        return ManagedWorker if _is_python(config) else original_class(config)

    original_class = replace(pools, "_worker_class_for", worker_class_for)
    original_execute = replace(functions, "_execute_function_warm", None)

    def execute_warm(function: Mapping[str, Any], event: object, request_id: str) -> Result:
        config = function.get("config") or function
        if not _is_python(config) or not function.get("code_zip"):
            result: Result = original_execute(function, event, request_id)
            return result
        return _execute(config, function["code_zip"], event, request_id)

    replace(functions, "_execute_function_warm", execute_warm)
    _keep_few_log_streams()

    def end_all() -> None:
        for environment in list(environments):
            environment.kill()
        launcher.close()

    return end_all


def _keep_few_log_streams() -> None:
    """The emulator opens a log stream for every call; a benchmark would fill its memory."""
    emit = replace(functions, "_emit_lambda_logs", None)

    def emit_and_forget(function: Mapping[str, Any], *arguments: object, **named: object) -> None:
        emit(function, *arguments, **named)
        config = function.get("config") or function
        group = cloudwatch_logs._log_groups.get(_log_group(config))
        if group is not None:
            streams = group["streams"]
            for oldest in list(streams)[:-LOG_STREAMS_KEPT_MAX]:
                streams.pop(oldest, None)

    replace(functions, "_emit_lambda_logs", emit_and_forget)


class _ManagedWorker(pools.Worker):  # type: ignore[misc]
    """An ``Environment`` in the shape of the emulator's pool entry.

    ``_proc`` stays None, so the pool never signals the process itself. A worker that is
    dropped from its pool while it serves a call finishes the call, as on AWS.
    """

    def __init__(self, name: str, config: Config, archive: bytes) -> None:
        super().__init__(name, config, archive)
        self._environment: Environment | None = None
        self._retirement = threading.Lock()
        self._serving = False
        self._retired = False

    def make_environment(self) -> Environment:
        raise NotImplementedError

    @property
    def environment(self) -> Environment:
        """Made on first use: the pool makes workers under its lock, and unpacking is slow."""
        if self._environment is None:
            self._environment = self.make_environment()
        return self._environment

    def serve(self, event: bytes, *, request_id: str, arn: str) -> Outcome:
        with self._retirement:
            self._serving = True
        try:
            return self.environment.invoke(
                event,
                request_id=request_id,
                arn=arn,
                trace_id=functions._xray_trace_id_for_invocation(self.config),
            )
        finally:
            with self._retirement:
                self._serving = False
                self._close_if_retired()

    def _spawn(self) -> None:
        """Start ahead of the first call, which publishing a SnapStart version asks for."""
        failure = self.environment.start()
        if failure is not None:
            raise RuntimeError(json.dumps(failure.payload))

    def _discard_tmpdir(self) -> None:
        """End the environment; the pool calls this for every worker that it drops."""
        with self._retirement:
            self._retired = True
            self._close_if_retired()

    def _close_if_retired(self) -> None:
        if self._retired and not self._serving and self._environment is not None:
            self._environment.close()


def _execute(config: Config, archive: bytes, event: object, request_id: str) -> Result:
    functions._ensure_reaper_thread()
    worker, _ = pools.acquire_worker(
        config["FunctionName"], config, archive, qualifier=config.get("Version", "$LATEST")
    )
    try:
        outcome = worker.serve(
            json.dumps(event, ensure_ascii=False).encode(),
            request_id=request_id,
            arn=config.get("FunctionArn", ""),
        )
    finally:
        pools.release_worker(worker)
    if outcome.failed:
        return {"body": outcome.payload, "error": True, "log": outcome.log}
    return {"body": outcome.payload, "log": outcome.log}


def _is_python(config: Config) -> bool:
    return str(config.get("Runtime", "")).startswith("python")


def _log_group(config: Config) -> str:
    declared = (config.get("LoggingConfig") or {}).get("LogGroup")
    return str(declared or f"/aws/lambda/{config.get('FunctionName')}")


def _spec(config: Config, archive: bytes, store: CodeStore) -> FunctionSpec:
    name = config["FunctionName"]
    _, region = pools._account_region_from_function_config(config)
    layers = [functions._resolve_layer_zip(layer) for layer in config.get("Layers", ())]
    return FunctionSpec(
        name=name,
        arn=config.get("FunctionArn", ""),
        version=config.get("Version", "$LATEST"),
        handler=config.get("Handler", ""),
        memory_mb=int(config.get("MemorySize", 128)),
        timeout_s=float(config.get("Timeout", 3)),
        region=region,
        log_group=_log_group(config),
        code=store.unpack(archive),
        layers=tuple(store.unpack(layer) for layer in layers if layer),
        variables=(config.get("Environment") or {}).get("Variables") or {},
        credentials=pools.execution_credentials(config),
    )
