"""Reading large collections: page by page in constant memory, two at a time in the order of their keys."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, Final, TypeVar

from helpdesk.checking.invariant import Tally
from kit.mongo import Collection as MongoCollection
from kit.mongo import Document, Session

PAGE: Final = 1_000
"""Records a round: a few hundred kilobytes, and few enough keys for one query."""

L = TypeVar("L")
R = TypeVar("R")

Query = Mapping[str, Any]


async def rows(
    collection: MongoCollection, query: Query, fields: Query, *, by: str | None = "_id", then: str | None = None
) -> AsyncIterator[Document]:
    """Every document the query matches, in the order of the fields `by` and `then`; None takes them as they come."""
    cursor = collection.find(query, fields, batch_size=PAGE)  # else a batch is 16 MB, ten times that as objects
    if by:
        cursor = cursor.sort([(name, 1) for name in (by, then) if name])
    while page := await cursor.to_list(PAGE):
        for row in page:
            yield row


async def pages(items: AsyncIterator[L], tally: Tally) -> AsyncIterator[list[L]]:
    """The items in lists of `PAGE`, counted."""
    page: list[L] = []
    async for item in items:
        page.append(item)
        if len(page) == PAGE:
            tally.add(PAGE)
            yield page
            page = []
    if page:
        tally.add(len(page))
        yield page


async def found(
    collection: MongoCollection, ids: Collection[str], fields: Query, *, field: str = "_id", session: Session | None = None
) -> list[Document]:
    """The documents whose `field` is one of `ids`."""
    return await collection.find({field: {"$in": list(ids)}}, fields, session=session).to_list(None) if ids else []


async def there(collection: MongoCollection, ids: Collection[str]) -> set[str]:
    """Which of these ids exist."""
    return {row["_id"] for row in await found(collection, ids, {"_id": 1})}


async def merged(left: AsyncIterator[tuple[str, L]], right: AsyncIterator[tuple[str, R]]) -> AsyncIterator[tuple[str, L | None, R | None]]:
    """Both sides by key, each key once; both must come sorted, as MongoDB sorts strings and Python does too: by code point."""
    one, other = await anext(left, None), await anext(right, None)
    while one or other:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None  # noqa: S101 (the loop goes on while there is one of the two)
            yield one[0], one[1], None
            one = await anext(left, None)
        elif one is None or other[0] < one[0]:
            yield other[0], None, other[1]
            other = await anext(right, None)
        else:
            yield one[0], one[1], other[1]
            one, other = await anext(left, None), await anext(right, None)
