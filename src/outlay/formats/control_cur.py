"""Control totals of a CUR: AWS's own formulas, worked out without the mapping.

The amortised cost is that of AWS's Cloud Intelligence Dashboards (`summary_view.sql`), with net columns where a row has
a net cost. Nothing here calls a table or a helper of the mapping: columns are found by their letters alone, numbers are
read by the engine's own cast, and the rows are told apart anew.
"""

from __future__ import annotations

import re

import ibis
import ibis.expr.types as ir

from outlay.formats.base import Totals

_AMOUNT = "decimal(38, 18)"
# A text of so many characters has at most as many places as the narrow kind keeps.
_NARROW, _NARROW_LENGTH = "decimal(18, 12)", 13
_DISCOUNTS = ("EdpDiscount", "PrivateRateDiscount", "BundledDiscount", "Discount", "RiVolumeDiscount")
_READ = "control "
_AMOUNTS = (
    "lineItemUnblendedCost",
    "lineItemNetUnblendedCost",
    "pricingPublicOnDemandCost",
    "reservationEffectiveCost",
    "reservationNetEffectiveCost",
    "savingsPlanSavingsPlanEffectiveCost",
    "savingsPlanNetSavingsPlanEffectiveCost",
)
_REPEATED = ("EKSPod-EC2", "ECSTask-EC2")


def cur(table: ir.Table) -> Totals:
    """Per currency and usage account. Rows of split cost allocation repeat others and count as nothing."""
    bill = _Bill(table)
    sums = {
        "BilledCost": bill.paid(net=True),
        "EffectiveCost": bill.amortized(net=True),
        "ListCost": bill.listed(),
        "ContractedCost": bill.contracted(),
        "x_AmortizedCost": bill.amortized(net=False),
    }
    nothing = bill.operation.isin(_REPEATED).fill_null(False)
    return Totals(
        bill.text("lineItemCurrencyCode"),
        bill.text("lineItemUsageAccountId"),
        {name: ibis.cases((nothing, bill.zero), else_=amount).cast(_AMOUNT) for name, amount in sums.items()},
    )


def amounts(table: ir.Table) -> dict[str, ir.DecimalValue]:
    """The amounts of a row, read once each: the totals need them several times over."""
    bill = _Bill(table)
    return {_READ + name: bill.amount(name) for name in _AMOUNTS if _letters(name) in bill.own}


class _Bill:
    zero = ibis.literal(0, _AMOUNT)

    def __init__(self, table: ir.Table) -> None:
        self.table = table
        self.own = {_letters(column): column for column in reversed(table.columns) if not column.endswith("@map")}
        self.type = self.text("lineItemLineItemType")
        self.operation = self.text("lineItemOperation")
        self.arn = self.text("reservationReservationARN", "reservationARN")
        self.plan = self.text("savingsPlanSavingsPlanARN", "savingsPlanARN")
        self.gross = self.amount("lineItemUnblendedCost")
        self.net = self.amount("lineItemNetUnblendedCost")

    def text(self, *names: str) -> ir.StringValue:
        found = [self.table[self.own[_letters(name)]].nullif("") for name in names if _letters(name) in self.own]
        return ibis.coalesce(*found) if found else ibis.null("string")

    def amount(self, name: str) -> ir.DecimalValue:
        """The engine's own casts, of the narrowest kind that holds the text: wide ones cost ten times as much.

        A small number like 4.0E-7 is exact as a double times 10^18.
        """
        if (read := _letters(_READ + name)) in self.own:
            return self.table[self.own[read]]
        text = self.text(name)
        is_narrow = (text.length() <= _NARROW_LENGTH) & ~text.re_search("[^0-9.-]")
        is_small = text.re_search("^-?[0-9][.]?[0-9]*[eE]-(0?[4-9]|[1-9][0-9])$")
        wide = ibis.cases((is_small, text.try_cast("float64").try_cast(_AMOUNT)), else_=text.try_cast(_AMOUNT))
        narrow = ibis.cases((is_narrow, text.try_cast(_NARROW).cast(_AMOUNT)))
        return ibis.cases((narrow.notnull(), narrow), else_=wide)

    def paid(self, net: bool) -> ir.DecimalValue:
        return ibis.coalesce(self.net, self.gross) if net else self.gross

    def either(self, net: bool, gross_name: str, net_name: str) -> ir.DecimalValue:
        """The net amount on a row with a net cost, where it is given; else the gross one; 0 without either."""
        gross = self.amount(gross_name)
        if not net:
            return gross.fill_null(self.zero)
        return ibis.coalesce(ibis.cases((self.net.notnull(), self.amount(net_name))), gross, self.zero)

    def of_a_commitment(self) -> ir.BooleanValue:
        bought = (
            self.arn.notnull() | self.plan.notnull() | self.text("lineItemProductCode").right(12).isin(["SavingsPlans"])
        )
        return (self.type == "Refund") & self.text("lineItemTaxType").isnull() & bought.fill_null(False)

    def amortized(self, net: bool) -> ir.DecimalValue:
        """CID: what is covered at its effective cost, fees at their unused part, upfront payments at nothing."""
        used = self.either(net, "reservationEffectiveCost", "reservationNetEffectiveCost")
        covered = self.either(net, "savingsPlanSavingsPlanEffectiveCost", "savingsPlanNetSavingsPlanEffectiveCost")
        unused = self.either(
            net,
            "reservationUnusedAmortizedUpfrontFeeForBillingPeriod",
            "reservationNetUnusedAmortizedUpfrontFeeForBillingPeriod",
        ) + self.either(net, "reservationUnusedRecurringFee", "reservationNetUnusedRecurringFee")
        is_absorbed = self.type.isin(_DISCOUNTS) & (self.net == self.zero)
        return ibis.cases(
            (self.type == "SavingsPlanCoveredUsage", covered),
            (self.type == "SavingsPlanRecurringFee", self.unused_plan(net)),
            (self.type.isin(["SavingsPlanNegation", "SavingsPlanUpfrontFee"]), self.zero),
            (self.type == "DiscountedUsage", used),
            (self.type == "RIFee", unused),
            ((self.type == "Fee") & self.arn.notnull(), self.zero),
            (self.of_a_commitment(), self.zero),
            (is_absorbed, self.zero),
            else_=self.paid(net),
        )

    def unused_plan(self, net: bool) -> ir.DecimalValue:
        commitment = self.amount("savingsPlanTotalCommitmentToDate").fill_null(self.zero)
        left = commitment - self.amount("savingsPlanUsedCommitment").fill_null(self.zero)
        if not net:
            return left
        lowered = [
            _share(
                left,
                self.amount(f"savingsPlanNet{paid}CommitmentForBillingPeriod"),
                self.amount(f"savingsPlan{paid}CommitmentForBillingPeriod"),
            )
            for paid in ("Recurring", "AmortizedUpfront")
        ]
        return ibis.cases((self.net.notnull(), ibis.coalesce(*lowered, left)), else_=left)

    def at_public_price(self, otherwise: ir.DecimalValue) -> ir.DecimalValue:
        """The public on-demand cost of a row that has a public rate."""
        cost = self.amount("pricingPublicOnDemandCost")
        if _letters("pricingPublicOnDemandRate") not in self.own:
            return ibis.cases((cost != self.zero, cost), else_=otherwise)
        is_priced = self.text("pricingPublicOnDemandRate").notnull() & cost.notnull()
        return ibis.cases((is_priced, cost), else_=otherwise)

    def listed(self) -> ir.DecimalValue:
        used = self.either(True, "reservationEffectiveCost", "reservationNetEffectiveCost")
        cost = self.amount("pricingPublicOnDemandCost")
        is_plain_fee = (self.type == "Fee") & self.arn.isnull() & (cost > self.zero)
        return ibis.cases(
            (self.type == "Usage", self.at_public_price(self.paid(True))),
            (self.type == "DiscountedUsage", self.at_public_price(used)),
            (self.type == "SavingsPlanCoveredUsage", self.at_public_price(self.gross)),
            (self.type.isin(["SavingsPlanNegation", *_DISCOUNTS]), self.zero),
            (is_plain_fee, cost),
            else_=self.paid(True),
        )

    def contracted(self) -> ir.DecimalValue:
        """Reserved usage: public prices, lowered as its effective cost is. Covered usage: its on-demand rates."""
        used = self.either(True, "reservationEffectiveCost", "reservationNetEffectiveCost")
        full = self.at_public_price(used)
        before = self.either(False, "reservationEffectiveCost", "reservationNetEffectiveCost")
        lowered = _share(self.at_public_price(ibis.null(_AMOUNT)), used, before)
        reserved = ibis.cases((self.net.notnull(), ibis.coalesce(lowered, full)), else_=full)
        return ibis.cases(
            (self.type == "DiscountedUsage", reserved),
            (self.type == "SavingsPlanCoveredUsage", self.gross),
            (self.type == "SavingsPlanNegation", self.zero),
            else_=self.paid(True),
        )


def _letters(name: str) -> str:
    """`lineItem/UnblendedCost`, `line_item_unblended_cost` and `lineItemUnblendedCost` have the same letters."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _share(amount: ir.DecimalValue, part: ir.DecimalValue, whole: ir.DecimalValue) -> ir.DecimalValue:
    """`amount × part ÷ whole`, in floating point and to 10 places, as AWS keeps amounts."""
    product = amount.cast("float64") * part.cast("float64") / whole.cast("float64").nullif(0)
    return product.round(10).try_cast("decimal(38, 10)").cast(_AMOUNT)
