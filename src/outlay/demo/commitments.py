"""Reserved instances and Savings Plans: what they cover in a day, what they cost in a month.

The fields keep AWS's sums: per reservation, effective cost of what was used and of what was not is the recurring fee
plus the amortised upfront; per Savings Plan, covered usage and its negation are nothing together.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from outlay.demo.company import Line, Reservation, SavingsPlan
from outlay.demo.files import Row, instant
from outlay.demo.ledger import Book, midnight, number, rate_text
from outlay.demo.prices import METERS, REGIONS, SERVICES, Meter


class Coverage:
    """Hands out what the commitments have left on each day, and remembers it."""

    def __init__(self, book: Book) -> None:
        self.book = book
        held = book.months_ago
        self.reservations = {r.key: r for r in book.payer.reservations if held <= r.bought_months_ago}
        self.savings_plans = {s.key: s for s in book.payer.savings_plans if held <= s.bought_months_ago}
        self.hours_used: defaultdict[tuple[str, date], Decimal] = defaultdict(Decimal)
        self.money_used: defaultdict[tuple[str, date], Decimal] = defaultdict(Decimal)

    def add_usage(self, line: Line, meter: Meter, day: date, amount: Decimal) -> None:
        """A day of a resource whose price a commitment lowers: the covered part, then what is left on demand."""
        way, _, key = line.pays.partition(":")
        covered = Decimal(0)
        if way == "ri" and key in self.reservations:
            covered = self._reserved(self.reservations[key], line, meter, day, amount)
        if way == "sp" and key in self.savings_plans:
            covered = self._planned(self.savings_plans[key], line, meter, day, amount)
        if amount > covered:
            self.book.add_usage("Usage", line, meter, day, amount - covered)

    def _reserved(self, held: Reservation, line: Line, meter: Meter, day: date, amount: Decimal) -> Decimal:
        hours = min(amount, 24 * held.count - self.hours_used[held.key, day])
        if hours > 0:
            self.hours_used[held.key, day] += hours
            self.book.add_usage("DiscountedUsage", line, meter, day, hours, **_discounted(self.book, held, hours))
        return hours

    def _planned(self, plan: SavingsPlan, line: Line, meter: Meter, day: date, amount: Decimal) -> Decimal:
        rate = plan.rates[line.meter]
        hours = min(amount, (plan.per_day - self.money_used[plan.key, day]) // rate)
        if hours > 0:
            self.money_used[plan.key, day] += hours * rate
            columns = {
                **_plan_facts(self.book, plan),
                "savings_plan_savings_plan_rate": rate,
                "savings_plan_savings_plan_effective_cost": hours * rate,
            }
            row = self.book.add_usage("SavingsPlanCoveredUsage", line, meter, day, hours, **columns)
            self._negate(plan, row, day)
        return hours

    def _negate(self, plan: SavingsPlan, covered: Row, day: date) -> None:
        usage_type = str(covered["line_item_usage_type"])
        self.book.add(
            *("SavingsPlanNegation", str(covered["line_item_usage_account_id"])),
            *(midnight(day), midnight(day) + timedelta(days=1)),
            product_code=str(covered["line_item_product_code"]),
            description=f"SavingsPlanNegation used by AccountId : {covered['line_item_usage_account_id']} and "
            f"UsageSku : {covered['identity_line_item_id']}",
            cost=-number(covered, "line_item_unblended_cost"),
            line_item_usage_type=usage_type,
            line_item_operation=covered["line_item_operation"],
            line_item_usage_amount=covered["line_item_usage_amount"],
            product=covered["product"],
            **_plan_facts(self.book, plan),
        )

    def add_fees(self) -> None:
        for held in self.reservations.values():
            self._reservation_fee(held)
        for plan in self.savings_plans.values():
            self._plan_fees(plan)

    def _reservation_fee(self, held: Reservation) -> None:
        book, meter = self.book, METERS[held.meter]
        total = Decimal(book.hours * held.count)
        unused = total - sum((self.hours_used[held.key, day] for day in book.days), Decimal(0))
        if book.months_ago == held.bought_months_ago and held.upfront:
            _upfront_reservation(book, held, meter)
        book.add(
            *("RIFee", held.account, book.period.start),
            midnight(book.days[-1]) + timedelta(days=1, seconds=-1),
            product_code=meter.product_code,
            description=f"USD {held.recurring} hourly fee per {meter.product_code} {_size(meter)} reservation",
            cost=total * held.recurring,
            line_item_usage_type=f"{REGIONS[held.region][1]}HeavyUsage:{_size(meter)}",
            line_item_operation=meter.operation,
            line_item_usage_amount=total,
            line_item_unblended_rate=rate_text(held.recurring),
            product={"ProductName": _service(meter), "region": held.region, "regionCode": held.region},
            **_reservation_facts(book, held),
            pricing_public_on_demand_cost=Decimal(0),
            reservation_amortized_upfront_fee_for_billing_period=total * held.upfront,
            reservation_unused_quantity=unused,
            reservation_unused_recurring_fee=unused * held.recurring,
            reservation_unused_amortized_upfront_fee_for_billing_period=unused * held.upfront,
            reservation_total_reserved_units=str(total),
            reservation_units_per_reservation=str(book.hours),
            reservation_number_of_reservations=str(held.count),
            reservation_start_time=_start(book, held.bought_months_ago),
            reservation_end_time=_end(book, held.bought_months_ago, held.years),
            reservation_modification_status="Original",
            reservation_upfront_value=_upfront(held) * held.count,
        )

    def _plan_fees(self, plan: SavingsPlan) -> None:
        book = self.book
        if book.months_ago == plan.bought_months_ago and plan.upfront:
            self._upfront_plan(plan)
        tomorrow = book.days[-1] + timedelta(days=1)
        # AWS writes the fee ahead: rows of days to come are normal in the open month.
        ahead = [tomorrow] if tomorrow < book.period.end.date() else []
        for day in [*book.days, *ahead]:
            book.add(
                *("SavingsPlanRecurringFee", plan.account, midnight(day), midnight(day) + timedelta(days=1)),
                product_code="ComputeSavingsPlans",
                description=f"{plan.years} year {plan.payment_option} Compute Savings Plan",
                cost=24 * plan.recurring,
                line_item_usage_type=f"ComputeSP:{plan.years}yr{plan.payment_option.replace(' ', '')}",
                line_item_usage_amount=Decimal(24),
                **_plan_facts(book, plan),
                savings_plan_total_commitment_to_date=plan.per_day,
                savings_plan_used_commitment=self.money_used[plan.key, day],
                savings_plan_recurring_commitment_for_billing_period=24 * plan.recurring,
                savings_plan_amortized_upfront_commitment_for_billing_period=24 * plan.upfront,
            )

    def _upfront_plan(self, plan: SavingsPlan) -> None:
        self.book.add(
            *("SavingsPlanUpfrontFee", plan.account, self.book.period.start, self.book.period.end),
            product_code="ComputeSavingsPlans",
            description=f"{plan.years} year {plan.payment_option} Compute Savings Plan, upfront fee",
            cost=plan.upfront * 24 * 365 * plan.years,
            bill_bill_type="Purchase",
            line_item_usage_type=f"ComputeSP:{plan.years}yr{plan.payment_option.replace(' ', '')}",
            **_plan_facts(self.book, plan),
        )


def _size(meter: Meter) -> str:
    return dict(meter.extras)["instanceType"]


def _service(meter: Meter) -> str:
    return SERVICES[meter.product_code]


def _upfront(held: Reservation) -> Decimal:
    return held.upfront * 24 * 365 * held.years


def _start(book: Book, bought_months_ago: int) -> str:
    return instant(book.story.back(bought_months_ago).start)


def _end(book: Book, bought_months_ago: int, years: int) -> str:
    return instant(book.story.back(bought_months_ago).start + timedelta(days=365 * years, seconds=-1))


def _upfront_reservation(book: Book, held: Reservation, meter: Meter) -> None:
    book.add(
        *("Fee", held.account, book.period.start, book.period.end),
        product_code=meter.product_code,
        description=f"Sign up charge for subscription: {book.story.code(held.key, length=10)}, planId: {held.key}",
        cost=_upfront(held) * held.count,
        bill_bill_type="Purchase",
        line_item_usage_type=f"{REGIONS[held.region][1]}HeavyUsage:{_size(meter)}",
        line_item_operation=meter.operation,
        line_item_usage_amount=Decimal(held.count),
        product={"ProductName": _service(meter), "region": held.region, "regionCode": held.region},
        **_reservation_facts(book, held),
    )


def _reservation_facts(book: Book, held: Reservation) -> dict[str, Any]:
    database = METERS[held.meter].product_code == "AmazonRDS"
    service, thing = ("rds", "ri:") if database else ("ec2", "reserved-instances/")
    arn = f"arn:aws:{service}:{held.region}:{held.account}:{thing}{book.story.uuid(held.key, 'ri')}"
    return {
        "reservation_reservation_a_r_n": arn,
        "reservation_subscription_id": str(int(book.story.code(held.key, "subscription"), 16) % 10**10),
        "pricing_lease_contract_length": f"{held.years}yr",
        "pricing_offering_class": "standard",
        "pricing_purchase_option": held.purchase_option,
    }


def _discounted(book: Book, held: Reservation, hours: Decimal) -> dict[str, Any]:
    return {
        **_reservation_facts(book, held),
        "description": f"{METERS[held.meter].product_code} {_size(METERS[held.meter])} reserved instance applied",
        "cost": Decimal(0),
        "line_item_unblended_rate": rate_text(Decimal(0)),
        "line_item_blended_rate": rate_text(Decimal(0)),
        "pricing_term": "Reserved",
        "reservation_effective_cost": hours * (held.recurring + held.upfront),
        "reservation_recurring_fee_for_usage": hours * held.recurring,
        "reservation_amortized_upfront_cost_for_usage": hours * held.upfront,
    }


def _plan_facts(book: Book, plan: SavingsPlan) -> dict[str, Any]:
    arn = f"arn:aws:savingsplans::{plan.account}:savingsplan/{book.story.uuid(plan.key, 'sp')}"
    return {
        "savings_plan_savings_plan_a_r_n": arn,
        "savings_plan_offering_type": "ComputeSavingsPlans",
        "savings_plan_payment_option": plan.payment_option,
        "savings_plan_purchase_term": f"{plan.years}yr",
        "savings_plan_start_time": _start(book, plan.bought_months_ago),
        "savings_plan_end_time": _end(book, plan.bought_months_ago, plan.years),
        "savings_plan_region": "Any",
    }
