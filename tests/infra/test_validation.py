"""The validators and both nag packs, on, in a process of its own.

`conftest` turns them off for this one: the CDK's Node process reads the switch when it starts.
"""

import os
import subprocess
import sys
from pathlib import Path

from layers.build import ROOT

# The second app is made where the first one passed, because the validators take seconds to start.
SCRIPT = """
import sys, zipfile
from pathlib import Path
from aws_cdk import App, CfnResource, Stack, aws_sqs
from infra import app as entry
from infra.layers import Archives
from infra.stages import Stage
from layers import build

folder = Path(sys.argv[1])
archive = folder / "any.zip"
with zipfile.ZipFile(archive, "w") as entries:
    entries.writestr("name", "any")
archives = Archives(archive, archive, dict.fromkeys(build.LAYERS, archive))
given = entry.context()
stage = Stage.named("prod", entry.stages(given))
entry.app(stage, archives=archives, given=given, out=folder / "sound").synth()
print("SOUND", flush=True)

app = App(context=given, outdir=str(folder / "unsound"))
entry.check(app)
stack = Stack(app, "Unsound")
aws_sqs.Queue(stack, "Open")
CfnResource(stack, "Misspelt", type="AWS::SQS::Queue", properties={"VisibleFor": 30})
app.synth()
"""


def test_the_stage_that_has_everything_on_passes_and_unsound_resources_do_not(
    tmp_path: Path,
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "CDK_VALIDATION"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    before, sound, after = done.stdout.partition("SOUND\n")
    assert (before, sound) == ("", "SOUND\n"), before[-4000:]
    assert done.returncode != 0
    assert "AwsSolutions-SQS4" in after  # A queue that plain HTTP reaches.
    assert "VisibleFor" in after
