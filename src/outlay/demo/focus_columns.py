"""The columns of FOCUS 1.0 and 1.2, and those that AWS's exports add, as far as a writer of files needs them.

Kinds: s text, n number, t time, m map. `since` is the first version with the column, `until` the last.
"""

from __future__ import annotations

from dataclasses import dataclass

_TABLE = """
AvailabilityZone s | BilledCost n | BillingAccountId s | BillingAccountName s | BillingAccountType s 1.2
BillingCurrency s | BillingPeriodEnd t | BillingPeriodStart t | CapacityReservationId s 1.2
CapacityReservationStatus s 1.2 | ChargeCategory s | ChargeClass s | ChargeDescription s | ChargeFrequency s
ChargePeriodEnd t | ChargePeriodStart t | CommitmentDiscountCategory s | CommitmentDiscountId s
CommitmentDiscountName s | CommitmentDiscountQuantity n 1.2 | CommitmentDiscountStatus s | CommitmentDiscountType s
CommitmentDiscountUnit s 1.2 | ConsumedQuantity n | ConsumedUnit s | ContractedCost n | ContractedUnitPrice n
EffectiveCost n | InvoiceId s 1.2 | InvoiceIssuerName s | ListCost n | ListUnitPrice n | PricingCategory s
PricingCurrency s 1.2 | PricingCurrencyContractedUnitPrice n 1.2 | PricingCurrencyEffectiveCost n 1.2
PricingCurrencyListUnitPrice n 1.2 | PricingQuantity n | PricingUnit s | ProviderName s | PublisherName s
RegionId s | RegionName s | ResourceId s | ResourceName s | ResourceType s | ServiceCategory s | ServiceName s
ServiceSubcategory s 1.2 | SkuId s | SkuMeter s 1.2 | SkuPriceDetails m 1.2 | SkuPriceId s | SubAccountId s
SubAccountName s | SubAccountType s 1.2 | Tags m
"""

_AWS_TABLE = "x_CostCategories m 1.0 1.0 | x_Discounts m | x_Operation s | x_ServiceCode s | x_UsageType s 1.0 1.0"


@dataclass(frozen=True)
class FocusColumn:
    name: str
    kind: str
    since: str = "1.0"
    until: str = "9"


def _columns(table: str) -> tuple[FocusColumn, ...]:
    cells = table.strip().replace("\n", " | ").split(" | ")
    return tuple(FocusColumn(*cell.split()) for cell in cells)


FOCUS_COLUMNS = _columns(_TABLE)
AWS_COLUMNS = _columns(_AWS_TABLE)


def focus_columns(version: str, *, aws: bool = False) -> list[FocusColumn]:
    """The columns of a version: 43 of FOCUS 1.0 or 57 of 1.2, with AWS's own 48 and 60."""
    every = FOCUS_COLUMNS + (AWS_COLUMNS if aws else ())
    return [column for column in every if column.since <= version <= column.until]
