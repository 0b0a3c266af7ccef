"""Links: each segment encoded whole, absent members left out."""

from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from datavault.contracts.links import href, page_links


def test_a_segment_is_encoded_whole() -> None:
    assert href("a/b", "%", "é ", "?#") == "/api/v1/a%2Fb/%25/%C3%A9%20/%3F%23"


def test_a_segment_of_dots_is_none_that_a_client_would_take_away() -> None:
    assert href("x", ".", "..", "...", "a.b") == "/api/v1/x/%2E/%2E%2E/.../a.b"


def test_members_that_are_not_set_are_left_out() -> None:
    assert href("x", ref="a/b&c", limit=5, cursor=None) == "/api/v1/x?ref=a%2Fb%26c&limit=5"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_segment_can_be_read_back(segment: str) -> None:
    assert unquote(href("x", segment).rpartition("/")[2]) == segment


def test_a_last_page_has_no_next() -> None:
    assert set(page_links("x", next_cursor=None, limit=1)) == {"self"}
    links = page_links("x", next_cursor="c2", limit=1, cursor="c1")
    assert links["self"].href == "/api/v1/x?limit=1&cursor=c1"
    assert links["next"].href == "/api/v1/x?limit=1&cursor=c2"
