"""The workflows deploy in order, by OIDC, with an approval before prod, and keep no secret."""

import re
from typing import Any

import pytest
import yaml

from layers.build import ROOT
from tests.infra.conftest import STAGES, Json

FOLDER = ROOT / ".github" / "workflows"
NAMES = ("check", "deploy", "deploy-stage")
# YAML 1.1 reads the key `on` as true.
ON: Any = True


def workflow(name: str) -> Json:
    read: Json = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    return read


def steps(name: str, job: str) -> list[Json]:
    made: list[Json] = workflow(name)["jobs"][job]["steps"]
    return made


def test_there_are_these_and_no_others() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(NAMES)


def test_the_check_runs_for_every_push_and_pull_request() -> None:
    check = workflow("check")
    assert set(check[ON]) == {"push", "pull_request", "workflow_call"}
    # Pushes to main are checked by the deployment, which calls it.
    assert check[ON]["push"] == {"branches-ignore": ["main"]}
    assert workflow("deploy")[ON]["push"] == {"branches": ["main"]}
    assert steps("check", "check")[-1]["run"] == ".ci/run"
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100


def test_stages_follow_each_other_and_the_check_comes_first() -> None:
    jobs = workflow("deploy")["jobs"]
    assert list(jobs) == ["check", "dev", "staging", "prod"]
    assert "needs" not in jobs["check"]
    assert [jobs[name]["needs"] for name in ("dev", "staging", "prod")] == [
        "check",
        "dev",
        "staging",
    ]
    for name in ("dev", "staging", "prod"):
        assert name in STAGES
        assert jobs[name]["uses"] == "./.github/workflows/deploy-stage.yml"
        assert jobs[name]["with"]["stage"] == name
    # What needs dev needs its condition too.
    assert jobs["dev"]["if"] == "github.ref == 'refs/heads/main'"
    assert not {"if"} & (jobs["staging"].keys() | jobs["prod"].keys())


def test_a_stage_is_an_environment_whose_reviewers_approve() -> None:
    job = workflow("deploy-stage")["jobs"]["deploy"]
    assert job["environment"] == "${{ inputs.stage }}"


def test_only_a_deployment_may_ask_for_an_identity() -> None:
    deploying = {"contents": "read", "id-token": "write"}
    assert workflow("check")["permissions"] == {"contents": "read"}
    assert workflow("deploy")["permissions"] == {"contents": "read"}
    assert workflow("deploy-stage")["permissions"] == deploying
    jobs = workflow("deploy")["jobs"]
    # A called workflow has no more than its caller grants it.
    assert all(jobs[name]["permissions"] == deploying for name in ("dev", "staging", "prod"))
    assert "permissions" not in jobs["check"]


def test_a_deployment_is_never_broken_off_nor_doubled() -> None:
    job = workflow("deploy-stage")["jobs"]["deploy"]
    assert job["concurrency"] == {
        "group": "deploy-${{ inputs.stage }}",
        "cancel-in-progress": False,
    }
    # What waits for an approval of prod must not hold up a fix on its way to dev.
    assert "concurrency" not in workflow("deploy")


def test_a_role_is_taken_on_and_nothing_secret_is_stored() -> None:
    (credentials,) = (
        step
        for step in steps("deploy-stage", "deploy")
        if step.get("uses", "").startswith("aws-actions/configure-aws-credentials@")
    )
    assert credentials["with"]["role-to-assume"] == "${{ vars.AWS_ROLE_ARN }}"
    for path in FOLDER.iterdir():
        text = path.read_text()
        assert "secrets." not in text
        assert "secrets:" not in text
        assert not re.search(r"aws-(access-key-id|secret-access-key)", text)


def test_what_a_workflow_is_given_reaches_no_shell_as_code() -> None:
    # `${{ }}` in a script is pasted before the shell reads it.
    for name, job in (("check", "check"), ("deploy-stage", "deploy")):
        for step in steps(name, job):
            assert "${{" not in step.get("run", "")


def test_a_deployment_asks_nobody_and_is_tried_out() -> None:
    scripts = [step.get("run", "") for step in steps("deploy-stage", "deploy")]
    (deploy,) = (each for each in scripts if "aws-cdk@" in each)
    assert "aws-cdk@2.1148.1 deploy --all" in deploy
    assert "--require-approval never" in deploy
    assert "--outputs-file outputs.json" in deploy
    assert scripts[-1] == ('uv run python -m infra.smoke --stage "$STAGE" --outputs outputs.json')


def test_a_fix_may_be_deployed_past_the_canary_by_hand_only() -> None:
    deploy = workflow("deploy")
    choice = deploy[ON]["workflow_dispatch"]["inputs"]["deployment"]
    assert choice["options"] == ["as_the_stage_says", "all_at_once"]
    assert choice["default"] == "as_the_stage_says"
    for name in ("dev", "staging", "prod"):
        given = deploy["jobs"][name]["with"]["deployment"]
        assert given == "${{ inputs.deployment || 'as_the_stage_says' }}"


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_named_by_version_and_jobs_end(name: str) -> None:
    for job in workflow(name)["jobs"].values():
        if "uses" in job:
            assert job["uses"].startswith("./")
            continue
        assert job["timeout-minutes"] <= 120
        assert job["runs-on"] == "ubuntu-24.04"
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|[0-9a-f]{40})", step["uses"])
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
