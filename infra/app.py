"""The app's entry: a stage's stacks, checked by cdk-nag, written as a cloud assembly.

    python -m infra.app --stage local --out DIR
    npx aws-cdk@2.1148.1 synth -c stage=dev
    npx aws-cdk@2.1148.1 deploy -c stage=prod -c deployment=all_at_once

The first needs no CDK command: it reads ``cdk.json``'s context itself. The others call the first.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from infra.budget import APPLICATION_TAG
from infra.layers import Archives
from infra.names import Names
from infra.stacks.capability import CapabilityStack, capabilities
from infra.stacks.edge import ApiStack
from infra.stacks.stateful import StatefulStack
from infra.stacks.watch import WatchStack
from infra.stages import Stage, StageError
from layers.build import ROOT, BuildError

USAGE_ERROR = 2


def context() -> dict[str, object]:
    """The CDK command's context, or what is in ``cdk.json`` without it."""
    if given := os.environ.get("CDK_CONTEXT_JSON"):
        return cast("dict[str, object]", json.loads(given))
    return cast("dict[str, object]", json.loads((ROOT / "cdk.json").read_text())["context"])


def stages(given: Mapping[str, object]) -> dict[str, dict[str, object]]:
    """The data of all stages in a context."""
    return cast("dict[str, dict[str, object]]", given.get("stages", {}))


def app(
    stage: Stage, *, archives: Archives, given: Mapping[str, object], out: Path | None = None
) -> App:
    """All stacks of a stage, ready to be synthesized."""
    application = App(context=dict(given), outdir=str(out) if out else None)
    check(application)
    for name, value in {APPLICATION_TAG: Names(stage.name).service, **stage.tags}.items():
        Tags.of(application).add(name, value)
    stateful = StatefulStack(application, stage=stage)
    watch = WatchStack(application, stage=stage, alarms=stage.alarms) if stage.alarms else None
    api = ApiStack(application, stage=stage)
    for capability in capabilities():
        stack = CapabilityStack(
            application,
            stage=stage,
            capability=capability,
            archives=archives,
            data_key_arn=stateful.data_key_arn,
            ledger_stream_arn=stateful.ledger_stream_arn,
        )
        Tags.of(stack).add("capability", capability)
        stack.add_stack_dependency(stateful)
        if watch is not None:
            stack.add_stack_dependency(watch)
        api.add_stack_dependency(stack)
    return application


def stage_of(given: Mapping[str, object], name: str | None = None) -> Stage:
    """The stage that is asked for.

    The context value ``deployment`` overrides the stage's: a canary does not start while an alarm
    rings, and so could not bring the fix of what it rings for.

    Raises:
        StageError: there is no such stage, or its data are not right.
    """
    known = stages(given)
    wanted = name or str(given.get("stage", "dev"))
    if wanted in known and "deployment" in given:
        known = {wanted: {**known[wanted], "deployment": given["deployment"]}}
    return Stage.named(wanted, known)


def check(application: App) -> None:
    """Let synthesis fail on findings of cdk-nag that are not acknowledged."""
    # The same switch turns off the CDK's own validators: deploying to a laptop, and most tests.
    if os.environ.get("CDK_VALIDATION") != "false":
        Validations.of(application).add_plugins(
            AwsSolutionsChecks(application), ServerlessChecks(application)
        )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="infra.app", description="Synthesize a stage.")
    parser.add_argument("--stage", help="default: the context value `stage`")
    parser.add_argument("--out", type=Path, help="the cloud assembly's directory; cdk.out")
    options = parser.parse_args(arguments)
    given = context()
    try:
        stage = stage_of(given, options.stage)
        archives = Archives.built(stage)
    except (StageError, BuildError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return USAGE_ERROR
    # The CDK command says where by CDK_OUTDIR; without it, the CDK would choose a scratch folder.
    out = options.out or (None if "CDK_OUTDIR" in os.environ else ROOT / "cdk.out")
    app(stage, archives=archives, given=given, out=out).synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
