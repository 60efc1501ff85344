"""The same bill by two connections, a CUR and a FOCUS export: it counts once in every answer, whichever is chosen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import outlay
from outlay import accounting, connecting, overlapping
from outlay.app import Outlay
from outlay.costs.question import Question
from outlay.errors import UnknownName, UsageError
from outlay.lake import Partition
from outlay.overlapping import BOTH
from outlay.period import BillingPeriod
from outlay.state.new import NewConnection
from tests.twice import ACCOUNT, KINDS, OTHER, PAYER, put

APRIL, MAY, JUNE, JULY = ("2026-04", "2026-05", "2026-06", "2026-07")
# What each connection's bills come to, by month and payer.
CUR = {(APRIL, PAYER): "40", (MAY, PAYER): "50", (JUNE, PAYER): "60"}
FOCUS = {(MAY, PAYER): "51", (JUNE, PAYER): "62", (JULY, PAYER): "73", (JUNE, OTHER): "7"}


@dataclass(frozen=True)
class Kept:
    """A folder with a home and bills, as it was at first: empty, or with the older `cur` and `focus` brought in.

    The lake keeps whole paths, so each test has the same folder, one after the other.
    """

    folder: Path

    @contextmanager
    def opened(self, at_first: str) -> Iterator[Outlay]:
        for name in ("home", "bills"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            shutil.copytree(self.folder / at_first / name, self.folder / name)
        with self.open() as o:
            yield o

    def open(self) -> Outlay:
        return outlay.open(home=self.folder / "home", threads=1, folders=(self.folder,))

    def keep(self, name: str) -> None:
        for each in ("home", "bills"):
            shutil.copytree(self.folder / each, self.folder / name / each)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    made = Kept(tmp_path_factory.mktemp("overlapping"))
    (made.folder / "bills").mkdir()
    with made.open() as o:
        o.rows()
    made.keep("empty")
    with made.open() as o:
        bring(o, made.folder / "bills", "cur", CUR)
        bring(o, made.folder / "bills", "focus", FOCUS)
    made.keep("filled")
    return made


@pytest.fixture
def o(kept: Kept) -> Iterator[Outlay]:
    with kept.opened("empty") as opened:
        yield opened


@pytest.fixture
def both(kept: Kept) -> Iterator[Outlay]:
    """The older `cur` and `focus`, whose June holds another payer, too."""
    with kept.opened("filled") as opened:
        yield opened


@pytest.fixture
def bills(kept: Kept) -> Path:
    return kept.folder / "bills"


def bring(o: Outlay, folder: Path, name: str, bills: Mapping[tuple[str, str], str], *, account: str = ACCOUNT) -> None:
    """Connected, where it is not, and checked."""
    put(folder, name, bills, account=account)
    if name not in {row.name for row in o.rows()}:
        connecting.add(o, NewConnection(name, KINDS[name.partition("-")[0]], str(folder / name)))
    assert {result.outcome for result in o.ingest([name])} <= {"committed", "unchanged"}


Counted = dict[tuple[str, str, str], Decimal]


def by_sql(o: Outlay) -> Counted:
    """What counts, by connection, month and payer."""
    columns = "x_Connection as c, x_BillingPeriod as p, BillingAccountId as y, sum(BilledCost) as b"
    return {
        (each["c"], BillingPeriod.parse(each["p"]).month, each["y"]): each["b"].normalize()
        for each in o.sql(f"select {columns} from charges group by all").to_pylist()
    }


def by_question(o: Outlay) -> Counted:
    answer = o.costs(["x_Connection", "BillingAccountId"], metric="billed", granularity="month")
    return {
        (row.values[0], BillingPeriod.of(row.period).month, row.values[1]): row.amount.normalize()
        for row in answer.rows
    }


def expected(*names: str) -> Counted:
    """Of each month and payer the bill of the first of these connections that holds it."""
    found: Counted = {}
    for name, (month, payer) in product(names, {*CUR, *FOCUS}):
        cost = {"cur": CUR, "focus": FOCUS}[name].get((month, payer))
        if cost and not any((other, month, payer) in found for other in names):
            found[(name, month, payer)] = Decimal(cost).normalize()
    return found


WHOLE = {(name, *key): Decimal(cost) for name, its in (("cur", CUR), ("focus", FOCUS)) for key, cost in its.items()}


def choose(o: Outlay, choice: str, *connections: str) -> bool:
    return overlapping.choose(o, overlapping.chosen(o, connections), choice, by="ada")


@pytest.mark.parametrize("choice", ["", "focus", BOTH], ids=["older", "focus", "both"])
def test_every_answer_holds_one_bill_of_each_payer_and_month(both: Outlay, tmp_path: Path, choice: str) -> None:
    wanted = {
        "": expected("cur", "focus"),
        "focus": expected("focus", "cur"),
        BOTH: {key: each.normalize() for key, each in WHOLE.items()},
    }[choice]
    choose(both, choice)
    total = sum(wanted.values())
    assert by_sql(both) == wanted
    assert by_question(both) == wanted
    assert both.costs(metric="billed").totals == {"USD": total}
    assert both.costs(["Tags.of"], metric="billed").totals == {"USD": total}
    assert both.desk.table(Question(metric="billed", by=("ServiceName",))).totals[0].amount == total
    page = both.desk.charges(Question(metric="billed"), columns=("x_Connection", "BilledCost"))
    assert sum(Decimal(str(row["BilledCost"])) for row in page.rows) == total
    assert both.desk.export(Question(), tmp_path / "charges.parquet", format="parquet") == len(wanted)
    files = both.export(tmp_path / "focus-files")
    costs = [cost or Decimal(0) for each in files for cost in pq.read_table(each)["BilledCost"].to_pylist()]
    assert sum(costs, Decimal(0)) == total
    accounts = accounting.accounts(both, month=JUNE, metric="billed")
    june = {payer: cost for (_, month, payer), cost in wanted.items() if month == JUNE}
    if choice != BOTH:
        assert {each.payer: each.costs.get("USD") for each in accounts.rows} == june
    report = accounting.report(both, ACCOUNT, month=JUNE, payer=PAYER)
    assert report.totals["USD"][0] == sum(
        cost for (_, month, payer), cost in wanted.items() if (month, payer) == (JUNE, PAYER)
    )
    keys = set(both.desk.keys("Tags"))
    assert keys == {"of"}


def test_both_sums_stand_side_by_side_with_what_is_left_out(both: Outlay) -> None:
    found = overlapping.found(both)
    (told,) = found.overlaps
    assert (told.payer, told.older, told.newer, told.choice) == (PAYER, "cur", "focus", "")
    assert [(line.month, line.older, line.newer, line.difference, line.counted) for line in told.lines] == [
        (JUNE, Decimal(60), Decimal(62), Decimal(2), ("cur",)),
        (MAY, Decimal(50), Decimal(51), Decimal(1), ("cur",)),
    ]
    assert told.left_out == {"USD": Decimal(113)}
    assert found.left_out_in_all == {"focus": {"USD": Decimal(113)}}
    assert found.unchosen == (told,)
    shown = both.shown("focus")["overlaps"]
    assert shown == both.shown("cur")["overlaps"] == [told.as_dict()]
    assert both.shown("cur")["overlaps"][0]["left_out"] == {"USD": "113"}


def test_a_month_that_counts_elsewhere_is_told_so_among_its_billing_periods(both: Outlay) -> None:
    # June holds another payer besides, whose charges count.
    counted = {view.period.month: view.is_counted for view in both.periods("focus")}
    assert counted == {MAY: False, JUNE: True, JULY: True}
    assert all(view.is_counted for view in both.periods("cur"))
    fresh = both.freshness(Question(metric="billed"))
    assert {each.month for each in (*fresh.unknown, *fresh.estimated, *fresh.final)} == {APRIL, MAY, JUNE, JULY}


def test_a_choice_is_written_down_and_taken_back_and_nothing_is_read_again(both: Outlay) -> None:
    before = by_sql(both)
    snapshot, runs = both.lake.seen().snapshot, both.runs()[1]
    assert choose(both, "focus")
    assert not choose(both, "focus")
    assert by_sql(both) != before
    said = [act.sentence for act in connecting.acts(both, "cur") if act.what == "overlap"]
    assert said == [f"said which of two bills counts: of payer {PAYER} in cur and focus: focus."]
    assert [act.who for act in connecting.acts(both, "focus") if act.what == "overlap"] == ["ada"]
    assert choose(both, "")
    assert by_sql(both) == before
    assert (both.lake.seen().snapshot, both.runs()[1]) == (snapshot, runs)


def test_what_is_no_choice_is_refused(both: Outlay) -> None:
    (told,) = overlapping.found(both).overlaps
    with pytest.raises(UsageError) as refused:
        overlapping.choose(both, told, "loose")
    assert refused.value.field == "count"
    with pytest.raises(UnknownName):
        overlapping.found(both, ["nobody"])
    with pytest.raises(UnknownName):
        overlapping.chosen(both, payer=OTHER)


def test_nothing_counts_twice_between_a_commit_and_the_next_look(o: Outlay, bills: Path) -> None:
    bring(o, bills, "cur", CUR)
    assert o.costs(metric="billed").totals == {"USD": Decimal(150)}
    put(bills, "focus", FOCUS)
    connecting.add(o, NewConnection("focus", "focus", str(bills / "focus")))
    totals = []
    for result in o.ingest(["focus"]):
        assert result.outcome == "committed"
        totals.append(o.costs(metric="billed").totals["USD"])
        assert sum(by_sql(o).values()) == totals[-1]
    # The newest month first: July and June's other payer are new, and May adds nothing.
    assert totals == [Decimal(223), Decimal(230), Decimal(230)]


def test_a_new_delivery_of_a_month_is_added_up_anew(both: Outlay, bills: Path) -> None:
    bring(both, bills, "cur", {(JUNE, OTHER): "5"})
    assert by_sql(both)[("focus", JUNE, PAYER)] == 62
    assert ("focus", JUNE, OTHER) not in by_sql(both)
    overlaps = {each.payer: each for each in overlapping.found(both).overlaps}
    assert [month.month for month in overlaps[OTHER].months] == [JUNE]
    assert [month.month for month in overlaps[PAYER].months] == [MAY]


def test_another_process_finds_what_was_added_up_and_adds_nothing_up_again(
    kept: Kept, both: Outlay, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = by_sql(both)
    with kept.open() as other:
        monkeypatch.setattr(type(other.desk), "held", lambda *_: pytest.fail("it was added up before"))
        assert by_sql(other) == wanted


def test_one_that_is_paused_or_removed_with_its_charges_kept_counts_on_until_another_is_chosen(both: Outlay) -> None:
    wanted = by_sql(both)
    both.pause("cur")
    assert by_sql(both) == wanted
    connecting.remove(both, "cur", by="ada")
    assert by_sql(both) == wanted
    (told,) = overlapping.found(both).overlaps
    assert (told.older, told.newer) == ("cur", "focus")
    assert choose(both, "focus")
    assert by_sql(both) == expected("focus", "cur")


def test_when_the_counted_one_goes_with_its_charges_the_other_counts(both: Outlay) -> None:
    choose(both, "cur")
    connecting.remove(both, "cur", purge=True, by="ada")
    assert by_sql(both) == expected("focus")
    from outlay.state.models import HeldBill

    assert not HeldBill.objects.filter(connection="cur").exists()
    assert not overlapping.found(both).overlaps


def test_a_removed_connection_is_as_old_as_it_was(o: Outlay, bills: Path) -> None:
    bring(o, bills, "focus", FOCUS)
    bring(o, bills, "cur", CUR)
    connecting.remove(o, "cur", by="ada")
    assert by_sql(o) == expected("focus", "cur")


def test_months_that_do_not_count_are_no_overlap(both: Outlay) -> None:
    connecting.count(both, "cur", "", MAY, by="ada")
    connecting.count(both, "focus", JUNE, "", by="ada")
    assert not overlapping.found(both).overlaps
    assert by_sql(both) == {
        ("cur", APRIL, PAYER): 40,
        ("cur", MAY, PAYER): 50,
        ("focus", JUNE, PAYER): 62,
        ("focus", JUNE, OTHER): 7,
        ("focus", JULY, PAYER): 73,
    }


def test_bills_of_one_payer_without_a_common_account_are_parts_of_it_and_all_count(o: Outlay, bills: Path) -> None:
    bring(o, bills, "cur", CUR)
    bring(o, bills, "focus", FOCUS, account="111122223333")
    assert not overlapping.found(o).overlaps
    assert sum(by_sql(o).values()) == 150 + 193


def test_of_three_connections_of_a_payer_one_counts(both: Outlay, bills: Path) -> None:
    bring(both, bills, "focus-pro-forma", {(JUNE, PAYER): "44"})
    assert by_sql(both) == expected("cur", "focus")
    with pytest.raises(UsageError, match="Several overlaps"):
        overlapping.chosen(both)
    choose(both, BOTH, "cur", "focus-pro-forma")
    assert by_sql(both) == {**expected("cur", "focus"), ("focus-pro-forma", JUNE, PAYER): Decimal(44)}
    choose(both, "focus", "cur", "focus")
    assert by_sql(both) == expected("focus", "cur")
    assert overlapping.found(both).left_out_in_all == {
        "cur": {"USD": Decimal(110)},
        "focus-pro-forma": {"USD": Decimal(44)},
    }


def test_counting_only_connected_accounts_goes_together_with_it(both: Outlay) -> None:
    accounting.count_only_connected(both, "cur", is_on=True, by="ada")
    # What the CUR holds is of an account that is not connected; what counts elsewhere does not come back for that.
    assert by_sql(both) == {
        ("focus", JUNE, OTHER): 7,
        ("focus", JULY, PAYER): 73,
    }
    assert both.costs(metric="billed").totals == {"USD": Decimal(80)}
    assert accounting.ignored(both).all == {"cur": {"USD": Decimal(150)}}
    choose(both, "focus")
    assert accounting.ignored(both).all == {"cur": {"USD": Decimal(40)}}
    assert sum(by_sql(both).values()) == 51 + 62 + 7 + 73


def test_whoever_has_one_bill_a_month_adds_nothing_up(o: Outlay, bills: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(o.desk), "held", lambda *_: pytest.fail("there is nothing to compare"))
    bring(o, bills, "cur", CUR)
    bring(o, bills, "focus", {(JULY, PAYER): "73"})
    assert by_sql(o) == {**expected("cur"), ("focus", JULY, PAYER): Decimal(73).normalize()}


def test_a_partition_that_is_cut_answers_from_roll_ups_that_name_the_payer(kept: Kept, both: Outlay) -> None:
    from outlay.costs.rollup import Builder

    builder = Builder(both.lake, both.engine, both.settings.spool, smallest=0, repeats=1)
    plain: Sequence[Counted] = [by_question(both)]
    before = both.costs(["Tags.of"], metric="billed").totals
    builder.build(Partition("focus", BillingPeriod.parse(JUNE)))
    both.desk.look_again()
    with kept.open() as other:
        assert [by_question(other)] == plain
        assert other.costs(["Tags.of"], metric="billed").totals == before


def test_a_notice_tells_of_an_overlap_once(both: Outlay, bills: Path) -> None:
    from outlay.state import noticing
    from outlay.state.models import Notice, ToldOverlap

    place = {"url": "https://example.com/hook", "has_secret": False}
    new = noticing.NewChannel("webhook", "FinOps", place, {"secret": "x" * 40}, ["overlap"])
    noticing.add(new, both.keyring, by="ada")
    bring(both, bills, "focus", {(JULY, PAYER): "74"})
    assert not Notice.objects.exists()
    ToldOverlap.objects.all().delete()
    bring(both, bills, "focus", {(JULY, PAYER): "75"})
    bring(both, bills, "focus", {(JULY, PAYER): "76"})
    (event,) = Notice.objects.values_list("event", flat=True)
    assert (event["kind"], event["connection"]) == ("overlap", "focus")
    assert event["reason"] == (
        f"Its bills of payer {PAYER} are those of cur in 2 months. They count once; 113.00 USD is left out."
    )


def test_what_goes_on_with_a_connection_is_as_old_and_what_was_chosen_of_that_holds_for_it(
    both: Outlay, bills: Path
) -> None:
    later = {(JUNE, PAYER): "61", (JULY, PAYER): "74"}
    put(bills, "cur-two", later)
    connecting.move(both, "cur", NewConnection("cur-two", "aws", str(bills / "cur-two")), JUNE, by="ada")
    bring(both, bills, "cur-two", later)
    moved = {("cur", APRIL, PAYER): Decimal(40), ("cur", MAY, PAYER): Decimal(50)}
    new = {("cur-two", JUNE, PAYER): Decimal(61), ("cur-two", JULY, PAYER): Decimal(74)}
    alone = {("focus", JUNE, OTHER): Decimal(7)}
    assert by_sql(both) == by_question(both) == {**moved, **new, **alone}
    # What is said of one holds for the other, and the last word counts.
    choose(both, BOTH, "cur", "focus")
    focus = {key: cost for key, cost in WHOLE.items() if key[0] == "focus"}
    assert by_sql(both) == by_question(both) == {**moved, **new, **focus}
    assert [each.choice for each in overlapping.found(both).overlaps] == [BOTH, BOTH]
    choose(both, "focus", "cur-two", "focus")
    assert by_sql(both) == {("cur", APRIL, PAYER): Decimal(40), **focus}
    choose(both, "cur", "cur", "focus")
    assert by_sql(both) == {**moved, **new, **alone}
    # And stays when one of them goes.
    choose(both, BOTH, "cur-two", "focus")
    connecting.remove(both, "cur", by="ada")
    assert by_sql(both) == {**moved, **new, **focus}


def test_what_was_chosen_of_the_new_one_holds_when_it_goes_with_its_charges(both: Outlay, bills: Path) -> None:
    later = {(JUNE, PAYER): "61"}
    put(bills, "cur-two", later)
    connecting.move(both, "cur", NewConnection("cur-two", "aws", str(bills / "cur-two")), JUNE, by="ada")
    bring(both, bills, "cur-two", later)
    choose(both, BOTH, "cur-two", "focus")
    connecting.remove(both, "cur-two", purge=True, by="ada")
    assert by_sql(both) == WHOLE


def test_what_a_connection_left_out_of_accounts_stays_left_out_when_it_goes_and_its_charges_stay(
    o: Outlay, bills: Path
) -> None:
    bring(o, bills, "cur", CUR)
    accounting.count_only_connected(o, "cur", is_on=True, by="ada")
    assert by_sql(o) == {}
    connecting.remove(o, "cur", by="ada")
    assert by_sql(o) == by_question(o) == {}
    assert accounting.ignored(o).all == {"cur": {"USD": Decimal(150)}}
