"""Cursors are good for the list they were given out for, and for nothing else."""

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.errors import Invalid
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.datasets import search
from datavault.services.records import reading
from datavault.services.versions import branches, commits
from tests.support.builders import Shelf, a_body, a_dataset


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf.make(MemoryVault())
    made.append({"a": a_body("a"), "b": a_body("b")})
    made.commit()
    made.create_branch("dev")
    a_dataset(made.vault, made.caller, name="other")
    return made


def cursors(shelf: Shelf) -> dict[str, str | None]:
    """One of each list."""
    common = {"caller": shelf.caller, "limit": 1, "cursor": None}
    of = {**common, "dataset_id": shelf.dataset.id}
    return {
        "records": reading.list_records(shelf.vault, **of, ref="main").next_cursor,  # type: ignore[arg-type]
        "records-dev": reading.list_records(shelf.vault, **of, ref="dev").next_cursor,  # type: ignore[arg-type]
        "commits": commits.list_commits(shelf.vault, **of, ref="main").next_cursor,  # type: ignore[arg-type]
        "branches": branches.list_branches(shelf.vault, **of).next_cursor,  # type: ignore[arg-type]
        "datasets": search.list_datasets(shelf.vault, **common).next_cursor,  # type: ignore[arg-type]
    }


def use(shelf: Shelf, name: str, cursor: str | None) -> object:
    common = {"caller": shelf.caller, "limit": 1, "cursor": cursor}
    of = {**common, "dataset_id": shelf.dataset.id}
    match name:
        case "records":
            return reading.list_records(shelf.vault, **of, ref="main")  # type: ignore[arg-type]
        case "records-dev":
            return reading.list_records(shelf.vault, **of, ref="dev")  # type: ignore[arg-type]
        case "commits":
            return commits.list_commits(shelf.vault, **of, ref="main")  # type: ignore[arg-type]
        case "branches":
            return branches.list_branches(shelf.vault, **of)  # type: ignore[arg-type]
        case _:
            return search.list_datasets(shelf.vault, **common)  # type: ignore[arg-type]


def test_a_cursor_is_for_its_own_list_only(shelf: Shelf) -> None:
    given = cursors(shelf)
    assert None not in given.values()
    for name in given:
        use(shelf, name, given[name])
        for other, cursor in given.items():
            if other != name:
                with pytest.raises(Invalid) as refusal:
                    use(shelf, name, cursor)
                assert refusal.value.field == "cursor"


def test_a_cursor_of_another_workspace_or_dataset_is_refused(shelf: Shelf) -> None:
    stranger = Shelf.make(shelf.vault)
    stranger.append({"a": a_body("a"), "b": a_body("b")})
    neighbour = Shelf(shelf.vault, shelf.caller, a_dataset(shelf.vault, shelf.caller, name="third"))
    neighbour.append({"a": a_body("a"), "b": a_body("b")})
    cursor = cursors(shelf)["records"]
    for other in (stranger, neighbour):
        with pytest.raises(Invalid):
            use(other, "records", cursor)


def test_a_tampered_cursor_is_refused(shelf: Shelf) -> None:
    cursor = cursors(shelf)["records"]
    assert cursor is not None
    for at in range(len(cursor)):
        other = "A" if cursor[at] != "A" else "Q"
        changed = cursor[:at] + other + cursor[at + 1 :]
        with pytest.raises(Invalid):
            use(shelf, "records", changed)
    for wrong in ("", "A", "AAAAA", "ü", "%", cursor[:-4], cursor + "AAAA", "\0", "🎉"):
        with pytest.raises(Invalid):
            use(shelf, "records", wrong)


def test_cursors_say_nothing(shelf: Shelf) -> None:
    sealed = seal_cursor(shelf.vault, shelf.caller, "scope", "position")
    assert sealed is not None
    assert "position" not in sealed
    assert sealed != seal_cursor(shelf.vault, shelf.caller, "scope", "position")
    assert open_cursor(shelf.vault, shelf.caller, "scope", sealed) == "position"
    assert seal_cursor(shelf.vault, shelf.caller, "scope", None) is None
    assert open_cursor(shelf.vault, shelf.caller, "scope", None) is None
