"""Pointers and patterns of them."""

import pytest

from datavault.domain.errors import Invalid
from datavault.domain.privacy.pointers import PointerPattern, written


@pytest.mark.parametrize(
    ("pattern", "tokens", "matches", "covers"),
    [
        ("", (), True, True),
        ("", ("a",), False, True),
        ("/a", ("a",), True, True),
        ("/a", ("a", "b"), False, True),
        ("/a", ("ab",), False, False),
        ("/a", (), False, False),
        ("/*", ("a",), True, True),
        ("/*", (), False, False),
        ("/*", ("a", "b"), False, True),
        ("/**", (), True, True),
        ("/**", ("a", "b"), True, True),
        ("/**/x", ("x",), True, True),
        ("/**/x", ("a", "x", "x"), True, True),
        ("/**/x", ("a", "x", "b"), False, True),
        ("/a/*/c", ("a", "0", "c"), True, True),
        ("/a/*/c", ("a", "c"), False, False),
        ("/a/**/c", ("a", "c"), True, True),
        ("/**/a/*/b/**", ("a", "a", "x", "b"), True, True),
        ("/a~1b/~0/~01", ("a/b", "~", "~1"), True, True),
        ("/", ("",), True, True),
    ],
)
def test_patterns(pattern: str, tokens: tuple[str, ...], matches: bool, covers: bool) -> None:
    found = PointerPattern(pattern)
    assert found.matches(tokens) is matches
    assert found.covers(tokens) is covers


@pytest.mark.parametrize("text", ["a", "/~", "/~2", "/a~", "/" * 101, "/" + "a" * 1024])
def test_what_is_no_pointer_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="pointer"):
        PointerPattern(text)


def test_many_wildcards_are_no_trap() -> None:
    """A pattern that a backtracking matcher would try in 10**30 ways."""
    assert not PointerPattern("/**/a" * 50).matches(("a",) * 49 + ("b",) * 51)


def test_a_pointer_is_written_by_the_rfc() -> None:
    assert written(("a/b", "~", "", "0")) == "/a~1b/~0//0"
    assert written(()) == ""


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("/ssn", "ssn"),
        ("/3", "3"),
        ("/**/ssn", "ssn"),
        ("/ssn/**", "ssn"),
        ("/a~1b", "a/b"),
        ("", None),
        ("/*", None),
        ("/**", None),
        ("/**/0", None),
        ("/messages/0/content", None),
        ("/*/ssn", None),
    ],
)
def test_a_pointer_of_one_token_may_be_of_a_column(text: str, column: str | None) -> None:
    assert PointerPattern(text).column == column
