"""The charge: every column of the lake, as one table.

The union of FOCUS 1.2 and FOCUS 1.4 Cost and Usage, and the `x_` columns for what FOCUS has no name for.
Levels are those of the specification, one letter a version from 1.0 to 1.4: M mandatory, C conditional,
R recommended, `-` not in that version. Source: the FOCUS specification 1.0 to 1.2; its changelog for 1.3; the
Foundation's data model for 1.4.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")

# Type names as Ibis writes them. Times are UTC with micro-seconds: Iceberg's `timestamptz`.
TEXT = "string"
DECIMAL = "decimal(38, 18)"
TIME = "timestamp('UTC', 6)"
MAP = "map<string, string>"
JSON = "string"
INTEGER = "int64"

CHARGE_CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")
CHARGE_FREQUENCIES = ("One-Time", "Recurring", "Usage-Based")
PRICING_CATEGORIES = ("Standard", "Dynamic", "Committed", "Other")

# Service category to its subcategories, as of FOCUS 1.4.
SUBCATEGORIES: dict[str, tuple[str, ...]] = {
    "AI and Machine Learning": (
        "AI Platforms",
        "Bots",
        "Generative AI",
        "Machine Learning",
        "Natural Language Processing",
        "Other (AI and Machine Learning)",
    ),
    "Analytics": (
        "Analytics Platforms",
        "Business Intelligence",
        "Data Processing",
        "Other (Analytics)",
        "Search",
        "Streaming Analytics",
    ),
    "Business Applications": ("Other (Business Applications)", "Productivity and Collaboration"),
    "Compute": (
        "Containers",
        "End User Computing",
        "Other (Compute)",
        "Quantum Compute",
        "Serverless Compute",
        "Virtual Machines",
    ),
    "Databases": (
        "Caching",
        "Data Warehouses",
        "Ledger Databases",
        "NoSQL Databases",
        "Other (Databases)",
        "Relational Databases",
        "Time Series Databases",
    ),
    "Developer Tools": (
        "Continuous Integration and Deployment",
        "Developer Platforms",
        "Development Environments",
        "Other (Developer Tools)",
        "Quality Assurance",
        "Source Code Management",
    ),
    "Identity": ("Identity and Access Management", "Other (Identity)"),
    "Integration": ("API Management", "Messaging", "Other (Integration)", "Workflow Orchestration"),
    "Internet of Things": ("IoT Analytics", "IoT Platforms", "Other (Internet of Things)"),
    "Management and Governance": (
        "Architecture",
        "Compliance",
        "Cost Management",
        "Data Governance",
        "Disaster Recovery",
        "Endpoint Management",
        "Observability",
        "Other (Management and Governance)",
        "Support",
    ),
    "Media": ("Content Creation", "Gaming", "Media Streaming", "Mixed Reality", "Other (Media)"),
    "Migration": ("Data Migration", "Other (Migration)", "Resource Migration"),
    "Mobile": ("Other (Mobile)",),
    "Multicloud": ("Multicloud Integration", "Other (Multicloud)"),
    "Networking": (
        "Application Networking",
        "Content Delivery",
        "Network Connectivity",
        "Network Infrastructure",
        "Network Routing",
        "Network Security",
        "Other (Networking)",
    ),
    "Other": ("Other (Other)",),
    "Security": (
        "Other (Security)",
        "Secret Management",
        "Security Posture Management",
        "Threat Detection and Response",
    ),
    "Storage": (
        "Backup Storage",
        "Block Storage",
        "File Storage",
        "Object Storage",
        "Other (Storage)",
        "Storage Platforms",
    ),
    "Web": ("Application Platforms", "Other (Web)"),
}
SERVICE_CATEGORIES = tuple(SUBCATEGORIES)


@dataclass(frozen=True)
class Column:
    """One column of the lake. `values` is the enumeration where FOCUS has one; null stays allowed if nullable."""

    name: str
    type: str
    nullable: bool
    levels: str = "-----"
    values: tuple[str, ...] = ()
    about: str = ""
    json: bool = False

    def level(self, version: str) -> str:
        """`M`, `C`, `R`, or `-` when `version` does not have the column."""
        return self.levels[VERSIONS.index(version)]

    def is_in(self, version: str) -> bool:
        return self.level(version) != "-"

    @property
    def is_focus(self) -> bool:
        return not self.name.startswith("x_")


nullable, not_null = True, False
_JSON_COLUMNS = {
    "AllocatedMethodDetails",
    "AllocatedTags",
    "CommitmentProgramEligibilityDetails",
    "ContractApplied",
    "SkuPriceDetails",
    "Tags",
}


def _focus(name: str, type_: str, null: bool, levels: str, values: tuple[str, ...] = ()) -> Column:
    return Column(name, type_, null, levels, values, json=name in _JSON_COLUMNS)


def _extra(name: str, type_: str, null: bool, about: str) -> Column:
    return Column(name, type_, null, about=about)


COLUMNS: tuple[Column, ...] = (
    _focus("AllocatedMethodDetails", JSON, nullable, "---RR"),
    _focus("AllocatedMethodId", TEXT, nullable, "---CC"),
    _focus("AllocatedResourceId", TEXT, nullable, "---CC"),
    _focus("AllocatedResourceName", TEXT, nullable, "---CC"),
    _focus("AllocatedTags", MAP, nullable, "---CC"),
    _focus("AvailabilityZone", TEXT, nullable, "RRRRR"),
    _focus("BilledCost", DECIMAL, not_null, "MMMMM"),
    _focus("BillingAccountId", TEXT, not_null, "MMMMM"),
    _focus("BillingAccountName", TEXT, nullable, "MMMMM"),
    _focus("BillingAccountType", TEXT, not_null, "--CCC"),
    _focus("BillingCurrency", TEXT, not_null, "MMMMM"),
    _focus("BillingPeriodEnd", TIME, not_null, "MMMMM"),
    _focus("BillingPeriodStart", TIME, not_null, "MMMMM"),
    _focus("CapacityReservationId", TEXT, nullable, "-CCCC"),
    _focus("CapacityReservationStatus", TEXT, nullable, "-CCCC", ("Used", "Unused")),
    _focus("ChargeCategory", TEXT, not_null, "MMMMM", CHARGE_CATEGORIES),
    _focus("ChargeClass", TEXT, nullable, "MMMMM", ("Correction",)),
    _focus("ChargeDescription", TEXT, nullable, "MMMMM"),
    _focus("ChargeFrequency", TEXT, not_null, "RRRRR", CHARGE_FREQUENCIES),
    _focus("ChargePeriodEnd", TIME, not_null, "MMMMM"),
    _focus("ChargePeriodStart", TIME, not_null, "MMMMM"),
    _focus("CommitmentDiscountCategory", TEXT, nullable, "CCCCC", ("Spend", "Usage")),
    _focus("CommitmentDiscountId", TEXT, nullable, "CCCCC"),
    _focus("CommitmentDiscountName", TEXT, nullable, "CCCCC"),
    _focus("CommitmentDiscountQuantity", DECIMAL, nullable, "-CCCC"),
    _focus("CommitmentDiscountStatus", TEXT, nullable, "CCCCC", ("Used", "Unused")),
    _focus("CommitmentDiscountType", TEXT, nullable, "CCCCC"),
    _focus("CommitmentDiscountUnit", TEXT, nullable, "-CCCC"),
    _focus("CommitmentProgramEligibilityDetails", JSON, nullable, "----C"),
    _focus("ConsumedQuantity", DECIMAL, nullable, "CCCCC"),
    _focus("ConsumedUnit", TEXT, nullable, "CCCCC"),
    _focus("ContractApplied", JSON, nullable, "---CC"),
    _focus("ContractedCost", DECIMAL, not_null, "MMMMM"),
    _focus("ContractedUnitPrice", DECIMAL, nullable, "CCCCC"),
    _focus("EffectiveCost", DECIMAL, not_null, "MMMMM"),
    _focus("HostProviderName", TEXT, nullable, "---MM"),
    _focus("InvoiceDetailId", TEXT, nullable, "----C"),
    _focus("InvoiceId", TEXT, nullable, "--RRC"),
    _focus("InvoiceIssuerName", TEXT, not_null, "MMMMM"),
    _focus("ListCost", DECIMAL, not_null, "MMMMM"),
    _focus("ListUnitPrice", DECIMAL, nullable, "CCCCC"),
    _focus("PricingCategory", TEXT, nullable, "CCCCC", PRICING_CATEGORIES),
    _focus("PricingCurrency", TEXT, nullable, "--CCC"),
    _focus("PricingCurrencyContractedUnitPrice", DECIMAL, nullable, "--CCC"),
    _focus("PricingCurrencyEffectiveCost", DECIMAL, nullable, "--CCC"),
    _focus("PricingCurrencyListUnitPrice", DECIMAL, nullable, "--CCC"),
    _focus("PricingQuantity", DECIMAL, nullable, "MMMMM"),
    _focus("PricingUnit", TEXT, nullable, "MMMMM"),
    _focus("ProviderName", TEXT, not_null, "MMMM-"),
    _focus("PublisherName", TEXT, not_null, "MMMM-"),
    _focus("RegionId", TEXT, nullable, "CCCCC"),
    _focus("RegionName", TEXT, nullable, "CCCCC"),
    _focus("ResourceId", TEXT, nullable, "CCCCC"),
    _focus("ResourceName", TEXT, nullable, "CCCCC"),
    _focus("ResourceType", TEXT, nullable, "CCCCC"),
    _focus("ServiceCategory", TEXT, not_null, "MMMMM", SERVICE_CATEGORIES),
    _focus("ServiceName", TEXT, not_null, "MMMMM"),
    _focus("ServiceProviderName", TEXT, not_null, "---MM"),
    _focus("ServiceSubcategory", TEXT, not_null, "-RRRR"),
    _focus("SkuId", TEXT, nullable, "CCCCC"),
    _focus("SkuMeter", TEXT, nullable, "-CCCC"),
    _focus("SkuPriceDetails", JSON, nullable, "-CCCC"),
    _focus("SkuPriceId", TEXT, nullable, "CCCCC"),
    _focus("SubAccountId", TEXT, nullable, "CCCCC"),
    _focus("SubAccountName", TEXT, nullable, "CCCCC"),
    _focus("SubAccountType", TEXT, nullable, "--CCC"),
    _focus("Tags", MAP, nullable, "CCCCC"),
    _extra("x_AmortizedCost", DECIMAL, not_null, "cost with commitments amortised, before negotiated discounts"),
    _extra("x_BillingPeriod", TEXT, not_null, "the billing period's id, such as 20260501-20260601; a partition key"),
    _extra("x_Connection", TEXT, not_null, "the connection that the charge came by; a partition key"),
    _extra("x_CostCategories", MAP, nullable, "AWS cost categories, by name"),
    _extra("x_Delivery", TEXT, not_null, "the delivery that the charge came in"),
    _extra("x_Discounts", MAP, nullable, "discounts by name, as the bill gives them"),
    _extra("x_LineItemId", TEXT, nullable, "the bill's own id of the row, where an adaptor gives one"),
    _extra("x_LineItemType", TEXT, nullable, "the bill's own type of the row"),
    _extra("x_Operation", TEXT, nullable, "the operation that was charged"),
    _extra("x_ServiceCode", TEXT, nullable, "the provider's short code of the service"),
    _extra("x_SourceFile", TEXT, not_null, "the file of the delivery that holds the raw row"),
    _extra("x_SourceRow", INTEGER, not_null, "the raw row's number in that file; the first row of data is 1"),
    _extra("x_UsageFamily", TEXT, nullable, "the provider's group of like usage"),
    _extra("x_UsageType", TEXT, nullable, "the provider's own name of what was metered"),
)

BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}

# The four costs of FOCUS and the one CBF and CUR need besides; all in the billing currency, never null.
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "x_AmortizedCost")

# What a column that FOCUS 1.3 deprecated or brought is filled from where a bill does not have it, the first that is
# filled. 1.3 gives no one-to-one successor: ServiceProviderName takes ProviderName's place; the host of a direct or
# market-place purchase is the old provider, and a service provider who shows no host is the host; the old publisher is
# who made the service, which is the new service provider. Source: FOCUS 1.3, its migration guide.
FILLED_FROM: dict[str, tuple[str, ...]] = {
    "ServiceProviderName": ("ProviderName", "PublisherName"),
    "HostProviderName": ("ProviderName", "ServiceProviderName"),
    "ProviderName": ("ServiceProviderName",),
    "PublisherName": ("ServiceProviderName", "ProviderName"),
}


def of_version(version: str) -> tuple[Column, ...]:
    """The FOCUS columns of one version, in alphabetical order. Raises ValueError for a version FOCUS does not have."""
    return tuple(column for column in COLUMNS if column.is_focus and column.is_in(version))
