"""A legacy CUR as AWS writes it, large: gzip CSV, 128 columns, as many rows as asked for. The same rows every time."""

from __future__ import annotations

import gzip
import random
from datetime import datetime, timedelta
from pathlib import Path

PERIOD = "20261001-20261101"
_START, _HOURS = datetime(2026, 10, 1), 744
_STAMP = "%Y-%m-%dT%H:00:00Z"

_PRODUCT_DETAILS = [f"detail{number:02}" for number in range(1, 49)]
COLUMNS = [
    *(f"identity/{name}" for name in "LineItemId TimeInterval".split()),
    *(
        f"bill/{name}"
        for name in (
            "InvoiceId InvoicingEntity BillingEntity BillType PayerAccountId "
            "BillingPeriodStartDate BillingPeriodEndDate"
        ).split()
    ),
    *(
        f"lineItem/{name}"
        for name in (
            "UsageAccountId LineItemType UsageStartDate UsageEndDate ProductCode UsageType Operation AvailabilityZone "
            "ResourceId UsageAmount NormalizationFactor NormalizedUsageAmount CurrencyCode UnblendedRate UnblendedCost "
            "BlendedRate BlendedCost LineItemDescription TaxType LegalEntity"
        ).split()
    ),
    *(
        f"product/{name}"
        for name in (
            "ProductName sku region regionCode location locationType servicecode servicename productFamily usagetype "
            "operation"
        ).split()
    ),
    *(f"product/{name}" for name in _PRODUCT_DETAILS),
    *(
        f"pricing/{name}"
        for name in (
            "LeaseContractLength OfferingClass PurchaseOption RateCode RateId currency publicOnDemandCost "
            "publicOnDemandRate term unit"
        ).split()
    ),
    *(
        f"reservation/{name}"
        for name in (
            "AmortizedUpfrontCostForUsage AmortizedUpfrontFeeForBillingPeriod EffectiveCost RecurringFeeForUsage "
            "ReservationARN TotalReservedUnits UnusedAmortizedUpfrontFeeForBillingPeriod UnusedQuantity "
            "UnusedRecurringFee"
        ).split()
    ),
    *(
        f"savingsPlan/{name}"
        for name in (
            "TotalCommitmentToDate SavingsPlanARN SavingsPlanRate UsedCommitment SavingsPlanEffectiveCost "
            "AmortizedUpfrontCommitmentForBillingPeriod RecurringCommitmentForBillingPeriod OfferingType PaymentOption"
        ).split()
    ),
    *(
        f"resourceTags/{name}"
        for name in (
            "user:team user:env user:app user:cost-center user:owner aws:createdBy user:Name user:project user:tier "
            "user:customer aws:cloudformation:stack-name user:backup"
        ).split()
    ),
]

# product code, name, family, usage type, operation, unit, how many details its SKUs have
_SERVICES = [
    ("AmazonEC2", "Amazon Elastic Compute Cloud", "Compute Instance", "BoxUsage:m5.large", "RunInstances", "Hrs", 22),
    (
        "AmazonRDS",
        "Amazon Relational Database Service",
        "Database Instance",
        "InstanceUsage:db.m5",
        "Create",
        "Hrs",
        18,
    ),
    ("AmazonS3", "Amazon Simple Storage Service", "API Request", "Requests-Tier1", "GetObject", "Requests", 5),
    ("AWSLambda", "AWS Lambda", "Serverless", "Lambda-GB-Second", "Invoke", "Second", 4),
    ("AmazonCloudWatch", "AmazonCloudWatch", "Metric", "CW:MetricMonitorUsage", "PutMetric", "Metrics", 3),
]
_REGIONS = [("us-east-1", "US East (N. Virginia)"), ("eu-west-1", "EU (Ireland)"), ("eu-central-1", "EU (Frankfurt)")]
_TYPES = [
    *["Usage"] * 80,
    *["DiscountedUsage"] * 6,
    *["SavingsPlanCoveredUsage", "SavingsPlanNegation"] * 5,
    *["RIFee", "SavingsPlanRecurringFee", "Tax", "Credit"],
]


def write(path: Path, rows: int, seed: int = 7) -> None:
    """Write the bill. Savings Plan negations come right after the usage that they cancel, so they net to zero."""
    assert len(COLUMNS) == 128
    chance = random.Random(seed)
    maker = _Maker(chance)
    with gzip.open(path, "wb", compresslevel=6) as packed:
        packed.write((",".join(COLUMNS) + "\n").encode())
        for first in range(0, rows, 20_000):
            packed.write("".join(maker.row(number) for number in range(first, min(rows, first + 20_000))).encode())


class _Maker:
    """Draws rows. What depends on a SKU or a set of tags is written once and reused, as in a real bill."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._skus = [self._sku(number) for number in range(2000)]
        self._tags = [self._tag_set() for _ in range(5000)]
        self._accounts = [f"{chance.randrange(10**12):012}" for _ in range(40)]
        self._covered: tuple[str, str, str, str] | None = None

    def _sku(self, number: int) -> tuple[str, ...]:
        code, name, family, usage, operation, unit, filled = _SERVICES[number % len(_SERVICES)]
        region, location = _REGIONS[number % len(_REGIONS)]
        sku = f"{number * 2654435761 % 16**12:012X}"
        words = ["Yes", "NA", "2.5 GHz", "Up to 10 Gigabit", "64 GiB", "Intel Xeon Platinum 8175", '"a, b"']
        details = [self._chance.choice(words) if number < filled else "" for number in range(len(_PRODUCT_DETAILS))]
        product = [name, sku, region, region, location, "AWS Region", code, name, family, usage, operation, *details]
        rate = f"{self._chance.choice([0.0000004, 0.0116, 0.096, 0.192, 1.234567891]):.10f}"
        return code, usage, operation, region, unit, rate, sku, ",".join(product)

    def _tag_set(self) -> str:
        values = ["prod", "dev", "checkout", "CC-1042", "alice@example.com", '"a, b"', "web-frontend"]
        return ",".join(self._chance.choice(values) if self._chance.random() < 0.22 else "" for _ in range(12))

    def row(self, number: int) -> str:
        chance = self._chance
        code, usage, operation, region, unit, rate, sku, product = self._skus[int(2000 * chance.random() ** 2)]
        account = chance.choice(self._accounts)
        hour = chance.randrange(_HOURS - 1)
        start, end = ((_START + timedelta(hours=hour + more)).strftime(_STAMP) for more in (0, 1))
        kind = _TYPES[number % len(_TYPES)]
        amount = f"{chance.random() * 20:.10f}"
        cost = self._number(float(amount) * float(rate))
        public, reserved, planned, tax = cost, "," * 8, "," * 8, ""
        if kind == "DiscountedUsage":
            reserved, cost = f"{cost},,{cost},,{self._arn('ec2', account)},,,,", "0.0"
        elif kind == "SavingsPlanCoveredUsage":
            planned = f",{self._arn('savingsplans', account)},{rate},,{cost},,,ComputeSavingsPlans,No Upfront"
            self._covered = (account, cost, start, end)
        elif kind == "SavingsPlanNegation" and self._covered:
            account, cost, start, end = self._covered
            planned, cost, public = f",{self._arn('savingsplans', account)},,,,,,,", f"-{cost}", "0"
        elif kind == "RIFee":
            reserved = f",{cost},,,{self._arn('ec2', account)},744,{cost},12.5,{cost}"
        elif kind == "SavingsPlanRecurringFee":
            plan = self._arn("savingsplans", account)
            planned = f"{cost},{plan},,{cost},,0,{cost},ComputeSavingsPlans,No Upfront"
        elif kind == "Tax":
            tax = "VAT"
        elif kind == "Credit":
            cost, public = f"-{cost}", ""
        resource = f"arn:aws:ec2:{region}:{account}:instance/i-{chance.randrange(20_000):017x}"
        return (
            f"{number * 2654435761 % 2**64:016x}{chance.getrandbits(144):036x},{start}/{end},,"
            '"Amazon Web Services, Inc.",AWS,Anniversary,'
            f"011254002932,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,{account},{kind},{start},{end},{code},{usage},"
            f"{operation},{region}a,{resource if number % 3 else ''},{amount},,,USD,{rate},{cost},{rate},{cost},"
            f'"${rate} per {unit}, {usage}",{tax},"Amazon Web Services, Inc.",{product},,,,{sku}.JRTCKXETXF.6YS6EN2CT7,'
            f"{number % 10**6},USD,{public},{rate},OnDemand,{unit},{reserved},{planned},{chance.choice(self._tags)}\n"
        )

    def _arn(self, service: str, account: str) -> str:
        return f"arn:aws:{service}:us-east-1:{account}:commitment/{account[-4:]}"

    def _number(self, value: float) -> str:
        """Now and then in scientific notation, as AWS writes small amounts."""
        return f"{value:.1E}" if 0 < value < 1e-6 else f"{value:.10f}"
