"""What every blob store does. A store's own test module inherits the class and gives the fixture `store`."""

import asyncio
import hashlib

import pytest

from bus.blobs import BlobStore
from bus.errors import Invalid


class BlobContract:
    async def test_what_is_put_comes_back_under_the_name_of_its_digest(self, store: BlobStore) -> None:
        data = bytes(range(256)) * 400
        name = await store.put(data)
        assert name == f"sha256/{hashlib.sha256(data).hexdigest()}"
        assert await store.get(name) == data

    async def test_many_that_can_be_made_again_are_put_at_once(self, store: BlobStore) -> None:
        names = await store.put_derived([b"one", b"two", b"one"])
        assert [await store.get(name) for name in names] == [b"one", b"two", b"one"]
        assert await store.put(b"two") == names[1]

    async def test_nothing_is_a_blob_too(self, store: BlobStore) -> None:
        assert await store.get(await store.put(b"")) == b""

    async def test_a_part_is_what_stands_there(self, store: BlobStore) -> None:
        name = await store.put(b"0123456789")
        assert await store.size(name) == 10
        assert await store.part(name, 0, 4) == b"0123"
        assert await store.part(name, 8, 100) == b"89"
        assert await store.part(name, 10, 1) == b""
        for ask in (store.size(f"sha256/{'0' * 64}"), store.part(f"sha256/{'0' * 64}", 0, 1)):
            with pytest.raises(Invalid, match="missing"):
                await ask

    async def test_putting_it_again_is_harmless_even_at_the_same_time(self, store: BlobStore) -> None:
        names = await asyncio.gather(*(store.put(b"the same") for _ in range(8)))
        assert len(set(names)) == 1
        assert [name async for name in store.names()] == [names[0]]
        assert await store.get(names[0]) == b"the same"

    async def test_what_is_missing_is_invalid(self, store: BlobStore) -> None:
        with pytest.raises(Invalid, match="missing"):
            await store.get(f"sha256/{'0' * 64}")

    @pytest.mark.parametrize(
        "name",
        ["", "sha256/", "sha256/../../etc/passwd", f"sha256/{'A' * 64}", f"md5/{'0' * 64}", f"sha256/{'0' * 63}\n"],
    )
    async def test_what_is_no_name_is_never_looked_up(self, store: BlobStore, name: str) -> None:
        with pytest.raises(Invalid, match="no name"):
            await store.get(name)
        for ask in (store.delete(name), store.size(name), store.part(name, 0, 1)):
            with pytest.raises(Invalid, match="no name"):
                await ask

    async def test_names_are_all_there_are_and_deletion_takes_one_away(self, store: BlobStore) -> None:
        kept, dropped = await store.put(b"kept"), await store.put(b"dropped")
        assert sorted([name async for name in store.names()]) == sorted([kept, dropped])
        await store.delete(dropped)
        await store.delete(dropped)
        assert [name async for name in store.names()] == [kept]
        with pytest.raises(Invalid):
            await store.get(dropped)
