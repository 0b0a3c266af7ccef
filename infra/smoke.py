"""Ask a stage that was just deployed whether it is ready.

    python -m infra.smoke --stage dev --outputs outputs.json

``outputs.json`` is what ``cdk deploy --outputs-file`` writes. Ready means that catalog, objects,
keys and issuer answer, as its functions see them. A stage with mutual TLS turns this away: it has
no client certificate.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from datavault.contracts.operations import operation
from infra.names import Names

ATTEMPTS = 10
PAUSE_S = 6.0
TIMEOUT_S = 30.0
USAGE_ERROR = 2


def api_url(outputs: Path, stage: str) -> str:
    """Where the stage's API is.

    Raises:
        KeyError: it has not been deployed.
    """
    told = json.loads(outputs.read_text())
    return str(told[Names(stage).stack("Api")]["ApiUrl"])


def is_ready(url: str, *, attempts: int = ATTEMPTS, pause_s: float = PAUSE_S) -> bool:
    """Whether the API at ``url`` says so within some attempts: the first ones may start cold."""
    path = operation("check_ready").path.lstrip("/")
    for attempt in range(1, attempts + 1):
        answer = _ask(f"{url.rstrip('/')}/{path}")
        print(f"attempt {attempt}: {answer}")  # noqa: T201
        if answer == "200":
            return True
        if attempt < attempts:
            time.sleep(pause_s)
    return False


def _ask(url: str) -> str:
    """The status, or why there is none."""
    # The web ACL turns away what does not say its name.
    request = Request(url, headers={"User-Agent": "datavault-smoke"})  # noqa: S310
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return str(answer.status)
    except URLError as error:
        return str(getattr(error, "code", error.reason))
    except TimeoutError:
        return f"no answer in {TIMEOUT_S:.0f} s"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="infra.smoke", description="Is a stage ready?")
    parser.add_argument("--stage", required=True)
    parser.add_argument("--outputs", required=True, type=Path)
    options = parser.parse_args(arguments)
    try:
        url = api_url(options.outputs, options.stage)
    except (OSError, ValueError, KeyError) as error:
        print(f"no ApiUrl of stage {options.stage}: {error}", file=sys.stderr)  # noqa: T201
        return USAGE_ERROR
    return 0 if is_ready(url) else 1


if __name__ == "__main__":
    sys.exit(main())
