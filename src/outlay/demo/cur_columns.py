"""The columns of a Cost and Usage Report, once, under AWS's legacy names; all other spellings follow from these.

Kinds: s text, n number, t time. Columns marked `2` exist in CUR 2.0 alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

_TABLE = """
identity/LineItemId s                                  identity/TimeInterval s
bill/InvoiceId s                                       bill/InvoicingEntity s
bill/BillingEntity s                                   bill/BillType s
bill/PayerAccountId s                                  bill/PayerAccountName s2
bill/BillingPeriodStartDate t                          bill/BillingPeriodEndDate t
lineItem/UsageAccountId s                              lineItem/UsageAccountName s2
lineItem/LineItemType s                                lineItem/UsageStartDate t
lineItem/UsageEndDate t                                lineItem/ProductCode s
lineItem/UsageType s                                   lineItem/Operation s
lineItem/AvailabilityZone s                            lineItem/ResourceId s
lineItem/UsageAmount n                                 lineItem/NormalizationFactor n
lineItem/NormalizedUsageAmount n                       lineItem/CurrencyCode s
lineItem/UnblendedRate s                               lineItem/UnblendedCost n
lineItem/BlendedRate s                                 lineItem/BlendedCost n
lineItem/LineItemDescription s                         lineItem/TaxType s
lineItem/NetUnblendedRate s                            lineItem/NetUnblendedCost n
lineItem/LegalEntity s
pricing/LeaseContractLength s                          pricing/OfferingClass s
pricing/PurchaseOption s                               pricing/RateCode s
pricing/RateId s                                       pricing/currency s
pricing/publicOnDemandCost n                           pricing/publicOnDemandRate s
pricing/term s                                         pricing/unit s
reservation/AmortizedUpfrontCostForUsage n             reservation/AmortizedUpfrontFeeForBillingPeriod n
reservation/AvailabilityZone s                         reservation/EffectiveCost n
reservation/EndTime s                                  reservation/ModificationStatus s
reservation/NetAmortizedUpfrontCostForUsage n          reservation/NetAmortizedUpfrontFeeForBillingPeriod n
reservation/NetEffectiveCost n                         reservation/NetRecurringFeeForUsage n
reservation/NetUnusedAmortizedUpfrontFeeForBillingPeriod n  reservation/NetUnusedRecurringFee n
reservation/NetUpfrontValue n                          reservation/NormalizedUnitsPerReservation s
reservation/NumberOfReservations s                     reservation/RecurringFeeForUsage n
reservation/ReservationARN s                           reservation/StartTime s
reservation/SubscriptionId s                           reservation/TotalReservedNormalizedUnits s
reservation/TotalReservedUnits s                       reservation/UnitsPerReservation s
reservation/UnusedAmortizedUpfrontFeeForBillingPeriod n  reservation/UnusedNormalizedUnitQuantity n
reservation/UnusedQuantity n                           reservation/UnusedRecurringFee n
reservation/UpfrontValue n
savingsPlan/TotalCommitmentToDate n                    savingsPlan/SavingsPlanARN s
savingsPlan/SavingsPlanRate n                          savingsPlan/UsedCommitment n
savingsPlan/SavingsPlanEffectiveCost n                 savingsPlan/AmortizedUpfrontCommitmentForBillingPeriod n
savingsPlan/RecurringCommitmentForBillingPeriod n      savingsPlan/NetSavingsPlanEffectiveCost n
savingsPlan/NetAmortizedUpfrontCommitmentForBillingPeriod n  savingsPlan/NetRecurringCommitmentForBillingPeriod n
savingsPlan/StartTime s                                savingsPlan/EndTime s
savingsPlan/InstanceTypeFamily s                       savingsPlan/OfferingType s
savingsPlan/PaymentOption s                            savingsPlan/PurchaseTerm s
savingsPlan/Region s
splitLineItem/ActualUsage n                            splitLineItem/NetSplitCost n
splitLineItem/NetUnusedCost n                          splitLineItem/ParentResourceId s
splitLineItem/PublicOnDemandSplitCost n                splitLineItem/PublicOnDemandUnusedCost n
splitLineItem/ReservedUsage n                          splitLineItem/SplitCost n
splitLineItem/SplitUsage n                             splitLineItem/SplitUsageRatio n
splitLineItem/UnusedCost n
"""

# What CUR 2.0 keeps as columns of its own, beside the `product` map.
PRODUCT_COLUMNS = (
    *("fromLocation", "fromLocationType", "fromRegionCode", "instanceFamily", "instanceType", "location"),
    *("locationType", "operation", "productFamily", "regionCode", "servicecode", "sku", "toLocation"),
    *("toLocationType", "toRegionCode", "usagetype"),
)

MAPS = {
    "product": "product",
    "discount": "discount",
    "cost_category": "costCategory",
    "resource_tags": "resourceTags",
}


@cache
def athena_name(header: str) -> str:
    """`lineItem/UsageType` as `line_item_usage_type`; `savingsPlan/SavingsPlanARN` ends in `_a_r_n`."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", re.sub(r"([A-Z])", r"_\1", header))
    return re.sub(r"_+", "_", words).strip("_").lower()


@dataclass(frozen=True)
class Column:
    header: str
    name: str
    kind: str
    only_cur2: bool


def _column(header: str, kind: str) -> Column:
    return Column(header, athena_name(header), kind[0], kind.endswith("2"))


COLUMNS = tuple(_column(*pair.split()) for pair in re.findall(r"\S+ s2|\S+ [snt]\b", _TABLE))

# Columns that AWS leaves out of a legacy report in which they would be empty.
LEFT_OUT_WHEN_UNUSED = re.compile(r"(lineItem|reservation|savingsPlan)/Net|savingsPlan/|splitLineItem/")
