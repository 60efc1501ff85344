"""What holds for every layout, wherever it lies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from outlay.errors import Changed
from outlay.layouts import Candidate, Delivery, Survey
from tests.layouts.bills import BILLS, JUNE, MAY, Bill
from tests.layouts.conftest import ROOT
from tests.layouts.shelf import Shelf, codes, names
from tests.services.s3 import S3

pytestmark = pytest.mark.parametrize("bill", BILLS, ids=lambda bill: bill.id)


def look(shelf: Shelf, bill: Bill) -> Survey:
    return shelf.survey(bill.kind, periods_of=bill.periods_of)


def only(shelf: Shelf, bill: Bill) -> Candidate:
    (candidate,) = look(shelf, bill).candidates
    return candidate


def test_a_delivered_month_is_found_with_its_files_and_format(shelf: Shelf, bill: Bill) -> None:
    written = bill.deliver(shelf, MAY)
    survey = look(shelf, bill)
    (candidate,) = survey.candidates
    delivery = candidate.load()
    assert (candidate.period, delivery.period, delivery.format) == (MAY, MAY, bill.format)
    assert names(delivery) == written.data
    assert not survey.findings
    assert not delivery.findings


def test_each_month_is_a_candidate_of_its_own_in_order(shelf: Shelf, bill: Bill) -> None:
    june, may = bill.deliver(shelf, JUNE), bill.deliver(shelf, MAY)
    found = {candidate.period: names(candidate.load()) for candidate in look(shelf, bill).candidates}
    assert list(found.items()) == [(MAY, may.data), (JUNE, june.data)]


def test_a_location_without_bills_is_told(shelf: Shelf, bill: Bill) -> None:
    shelf.put("notes/read me.txt")
    survey = look(shelf, bill)
    assert not survey.candidates
    assert codes(survey) == ["nothing-found"]
    assert str(shelf.place.location) in survey.findings[0].message


def test_what_did_not_change_keeps_its_fingerprint_and_its_id(shelf: Shelf, bill: Bill) -> None:
    bill.deliver(shelf, MAY)
    first, second = only(shelf, bill), only(shelf, bill)
    assert first.fingerprint == second.fingerprint
    assert first.load() == second.load()


def test_a_new_delivery_changes_the_fingerprint_and_id_of_its_month_alone(shelf: Shelf, bill: Bill) -> None:
    bill.deliver(shelf, MAY)
    bill.deliver(shelf, JUNE)
    (may, june), (old_may, old_june) = versions(shelf, bill)
    written = bill.deliver(shelf, MAY, "2")
    (new_may, same_june), (newer_may, newer_june) = versions(shelf, bill)
    assert may != new_may
    assert june == same_june
    assert old_may.id != newer_may.id
    assert old_june.id == newer_june.id
    assert names(newer_may) == written.data


def versions(shelf: Shelf, bill: Bill) -> tuple[list[str], list[Delivery]]:
    candidates = look(shelf, bill).candidates
    return [each.fingerprint for each in candidates], [each.load() for each in candidates]


def test_ids_of_deliveries_are_safe_names_of_folders(shelf: Shelf, bill: Bill) -> None:
    bill.deliver(shelf, MAY)
    assert set(only(shelf, bill).load().id) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.=-")


def test_markers_of_folders_are_never_data(shelf: Shelf, bill: Bill) -> None:
    written = bill.deliver(shelf, MAY)
    for path in written.data:
        shelf.mark(f"{path.rpartition('/')[0]}/a folder")
    assert names(only(shelf, bill).load()) == written.data


def test_the_files_of_a_delivery_can_be_fetched_as_they_were_listed(shelf: Shelf, bill: Bill, tmp_path: Path) -> None:
    bill.deliver(shelf, MAY)
    for file in only(shelf, bill).load().files:
        shelf.place.download(file, tmp_path / "spooled")
        assert (tmp_path / "spooled").read_bytes() == f"{file.path} 1".encode()


def test_a_file_that_changed_since_it_was_listed_is_not_fetched(shelf: Shelf, bill: Bill, tmp_path: Path) -> None:
    bill.deliver(shelf, MAY)
    file = only(shelf, bill).load().files[0]
    shelf.put(file.path, b"other bytes")
    with pytest.raises(Changed):
        shelf.place.download(file, tmp_path / "spooled")


def test_a_file_that_is_gone_since_it_was_listed_is_not_fetched(shelf: Shelf, bill: Bill, tmp_path: Path) -> None:
    bill.deliver(shelf, MAY)
    file = only(shelf, bill).load().files[0]
    shelf.remove(file.path)
    with pytest.raises(Changed):
        shelf.place.download(file, tmp_path / "spooled")


def test_a_manifest_that_changes_or_goes_after_the_listing_makes_the_plan_void(shelf: Shelf, bill: Bill) -> None:
    manifests = bill.deliver(shelf, MAY).manifests
    if not manifests:
        return
    rewritten, removed = only(shelf, bill), only(shelf, bill)
    for path in manifests:
        shelf.put(path, b'{"other": "content"}')
    with pytest.raises(Changed):
        rewritten.load()
    shelf.remove(*manifests)
    with pytest.raises(Changed):
        removed.load()


def test_one_listing_tells_everything_and_manifests_are_read_when_asked(s3: S3, s3_shelf: Shelf, bill: Bill) -> None:
    bill.deliver(s3_shelf, MAY)
    bill.deliver(s3_shelf, JUNE)
    with s3.recorded() as looking:
        candidates = look(s3_shelf, bill).candidates
    assert [request.kind for request in looking] == ["ListObjectsV2"]
    with s3.recorded() as loading:
        loaded = [candidate.load() for candidate in candidates]
    reads = [request for request in loading if request.kind == "GetObject"]
    assert len(reads) == len(loading) <= len(loaded)
    assert all("if-match" in request.headers for request in reads)


def test_more_than_a_thousand_objects_are_read_page_by_page(
    s3: S3, s3_shelf: Shelf, on_s3: Callable[[dict[str, bytes]], None], bill: Bill
) -> None:
    written = bill.deliver(s3_shelf, MAY)
    on_s3({f"00 before/{n:04}.txt": b"x" for n in range(1500)} | {f"zz after/{n:04}.txt": b"x" for n in range(1000)})
    with s3.recorded() as requests:
        survey = look(s3_shelf, bill)
    assert [request.kind for request in requests] == ["ListObjectsV2"] * 3
    assert [request.query["prefix"] for request in requests] == [f"{ROOT}/"] * 3
    (candidate,) = survey.candidates
    assert names(candidate.load()) == written.data
