"""Lists, page by page: a page is asked for when the one before has been read."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from datavault.client.messages import Lines


def pages[**Given, Reply](
    listing: Callable[Given, Reply], *args: Given.args, **kwargs: Given.kwargs
) -> Iterator[Reply]:
    """Every page of a list: ``pages(vault.list_commits, dataset_id, ref="main")``.

    A page may be shorter than its ``limit`` although there are more; only the last says so.
    """
    while True:
        page = listing(*args, **kwargs)
        yield page
        cursor = _next_cursor(page)
        if cursor is None:
            return
        kwargs["cursor"] = cursor


async def async_pages[**Given, Reply](
    listing: Callable[Given, Awaitable[Reply]], *args: Given.args, **kwargs: Given.kwargs
) -> AsyncIterator[Reply]:
    """The same of an ``AsyncVault``: ``async for page in async_pages(vault.list_commits, ...)``."""
    while True:
        page = await listing(*args, **kwargs)
        yield page
        cursor = _next_cursor(page)
        if cursor is None:
            return
        kwargs["cursor"] = cursor


def _next_cursor(page: object) -> str | None:
    """How to go on: in a page of lines, or in a list reply's ``pagination``."""
    cursor = page.next_cursor if isinstance(page, Lines) else page.pagination.next_cursor  # type: ignore[attr-defined]
    assert cursor is None or isinstance(cursor, str), "what a list says of its end"
    return cursor
