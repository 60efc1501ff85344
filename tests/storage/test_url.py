from __future__ import annotations

from pathlib import Path

import pytest

from outlay.errors import UsageError
from outlay.storage import Location


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("s3://bucket/a/b", Location("s3", "bucket", "a/b")),
        ("s3://bucket", Location("s3", "bucket", "")),
        ("s3://bucket/", Location("s3", "bucket", "")),
        ("s3://my.bucket-1/a b/ü/50%", Location("s3", "my.bucket-1", "a b/ü/50%")),
        ("s3://bucket/a?b#c", Location("s3", "bucket", "a?b#c")),
        ("az://container/a", Location("az", "container", "a")),
        ("gs://bucket/a", Location("gs", "bucket", "a")),
        ("file:///a/b", Location("file", "", "/a/b")),
        ("file:///a/b/", Location("file", "", "/a/b")),
        ("file:///a%20b", Location("file", "", "/a b")),
        ("/a/b", Location("file", "", "/a/b")),
        ("a/b", Location("file", "", str(Path.cwd() / "a/b"))),
        ("~/a", Location("file", "", str(Path.home() / "a"))),
    ],
)
def test_a_location_is_read_from_its_address(text: str, location: Location) -> None:
    assert Location.parse(text) == location


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "no path"),
        ("http://bucket/a", "http://"),
        ("ftp://bucket/a", "ftp://"),
        ("s3:///a", "not a bucket name"),
        ("s3://Bucket/a", "not a bucket name"),
        ("s3://b/a", "not a bucket name"),
        ("s3://user:secret@bucket/a", "not a bucket name"),
        ("az:///a", "names no bucket"),
        ("file://host/a", "names a host"),
        ("/a\0b", "NUL"),
        ("s3://bucket//a", "slash"),
        ("s3://bucket/a/", "slash"),
        ("s3://bucket/a//b", "empty part"),
        ("s3://bucket/../a", "'..'"),
        ("s3://bucket/a/./b", "'.'"),
        ("s3://bucket/a\x1bb", "control"),
    ],
)
def test_a_mistake_in_a_location_is_named(text: str, mistake: str) -> None:
    with pytest.raises(UsageError) as raised:
        Location.parse(text)
    assert mistake in raised.value.message
    assert raised.value.next


@pytest.mark.parametrize("text", ["s3://bucket/a/b c", "s3://bucket", "az://container/a", "file:///a/b"])
def test_a_location_is_written_as_it_is_read(text: str) -> None:
    assert str(Location.parse(text)) == text
    assert Location.parse(str(Location.parse(text))) == Location.parse(text)


def test_names_are_joined_with_single_slashes() -> None:
    assert str(Location.parse("s3://bucket").join("a", "", "b")) == "s3://bucket/a/b"
    assert str(Location.parse("file:///a").join("b")) == "file:///a/b"
