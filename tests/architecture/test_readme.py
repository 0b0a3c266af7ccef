"""README says what is tested."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_worked_session_of_the_readme_is_the_one_that_is_tested() -> None:
    session = (ROOT / "tests/e2e/worked_session.txt").read_text()
    assert f"```console\n{session}```\n" in (ROOT / "README.md").read_text()
