"""What Outlay remembers: connections, runs, findings, and what was decided of each billing period."""

from __future__ import annotations

from django.db import models


class Connection(models.Model):
    """A registered place where bills arrive. Its name is its id everywhere: in the lake, in commands, in SQL."""

    name = models.CharField(max_length=100, primary_key=True)
    kind = models.CharField(max_length=20)
    cloud_provider = models.CharField(max_length=200, blank=True)
    location = models.TextField()
    export = models.CharField(max_length=300, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    expect_every_hours = models.PositiveIntegerField(null=True)
    profile = models.CharField(max_length=200, blank=True)
    role_arn = models.CharField(max_length=2048, blank=True)
    external_id = models.CharField(max_length=1224, blank=True)
    created_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    # The run that could not be done, until a check succeeds.
    trouble = models.ForeignKey("Run", on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """One attempt to bring in one delivery, or to look for any. Runs that found nothing new are not kept."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="runs")
    period = models.CharField(max_length=17, blank=True)
    delivery = models.CharField(max_length=100, blank=True)
    outcome = models.CharField(max_length=10)
    state = models.CharField(max_length=10)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    steps = models.JSONField(default=list)
    reconciliation = models.JSONField(null=True)
    counts = models.JSONField(default=dict)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("connection", "period", "delivery")),)

    def __str__(self) -> str:
        return f"{self.connection_id} {self.period} {self.outcome}"


class RunFinding(models.Model):
    """A finding of a run; the first hundred of each code, in the order in which they were found."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="findings")
    code = models.CharField(max_length=50)
    severity = models.CharField(max_length=10)
    message = models.TextField()
    next = models.TextField()
    # Null is no place at all; an empty text is a blank value.
    file = models.TextField(null=True)  # noqa: DJ001
    row = models.BigIntegerField(null=True)
    column = models.TextField(null=True)  # noqa: DJ001
    value = models.TextField(null=True)  # noqa: DJ001

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.message


class DecidedPeriod(models.Model):
    """The last delivery of a period that was decided, and the fingerprint that it had in the listing."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="decided")
    period = models.CharField(max_length=17)
    delivery = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
    outcome = models.CharField(max_length=10)
    rows_out = models.BigIntegerField(default=0)
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("connection", "period"), name="one_decision_per_period"),)

    def __str__(self) -> str:
        return f"{self.connection_id} {self.period} {self.delivery}"


class SeenFile(models.Model):
    """Which billing periods the rows of a loose file belong to, so that an unchanged file is not opened again."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="seen_files")
    path = models.TextField()
    etag = models.CharField(max_length=200)
    periods = models.JSONField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("connection", "path"), name="one_row_per_file"),)

    def __str__(self) -> str:
        return self.path
