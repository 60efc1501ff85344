"""What Outlay remembers: connections, runs, findings, and what was decided of each billing period."""

from __future__ import annotations

from datetime import datetime

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

    # Whose access is used instead of one of its own.
    access_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="lends_to")
    # An access key: the id as it is, its secret only as `state.secrets` seals it.
    access_key_id = models.CharField(max_length=128, blank=True)
    secret = models.TextField(blank=True)
    # When another access was given; null: it has the first one.
    access_changed_at = models.DateTimeField(null=True)

    # The connection whose bills it goes on with, from another bucket.
    moved_from = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="moved_to")
    # How far that is, by a word of `state.moving`; and is the old one checked on when this one counts?
    move_state = models.CharField(max_length=10, blank=True)
    keeps_old = models.BooleanField(default=False)

    # When it is checked. No next check: at once. The lease is `state.claims`' alone.
    check_every_minutes = models.PositiveIntegerField(default=60)
    next_check_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    wanted_at = models.DateTimeField(null=True)
    stop_requested_at = models.DateTimeField(null=True)
    lease_holder = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    progress = models.JSONField(null=True)

    # Months as `2026-05`. Earlier ones that were never brought in stay out: because a user said from when on, or since
    # a user stopped the check that would have brought them in.
    bring_from = models.CharField(max_length=7, blank=True)
    stopped_before = models.CharField(max_length=7, blank=True)
    # The first and the last month that answers count; what lies outside stays in the lake.
    count_from = models.CharField(max_length=7, blank=True)
    count_to = models.CharField(max_length=7, blank=True)
    # Of a payer's bill: are charges of accounts without a connection left out of answers?
    only_connected = models.BooleanField(default=False)

    # When Outlay made its export, what AWS calls that (blank for a legacy report), and what AWS last said of its runs.
    export_made_at = models.DateTimeField(null=True)
    export_arn = models.TextField(blank=True)
    export_said = models.TextField(blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def access_at(self) -> datetime:
        """When the access that is used was made or changed, be it its own or another's."""
        own = self.access_changed_at or self.created_at
        return max(own, self.access_of.access_at) if self.access_of else own


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
        indexes = (
            models.Index(fields=("connection", "period", "delivery")),
            # The newest commit of each connection, whose runs never end.
            models.Index(fields=("connection", "outcome", "finished_at"), name="run_by_outcome"),
        )

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


class RemovedConnection(models.Model):
    """A connection that is forgotten while its charges stay: which of its months, and whose charges, count.

    `created_at` is null where that was not kept when it went.
    """

    name = models.CharField(max_length=100, primary_key=True)
    created_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField()
    count_from = models.CharField(max_length=7, blank=True)
    count_to = models.CharField(max_length=7, blank=True)
    only_connected = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name


class StatusChange(models.Model):
    """A change of a connection's derived status, with the reason and next action that it had then.

    `before` is blank in the first one. `at` is when the change was noticed.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    before = models.CharField(max_length=12, blank=True)
    after = models.CharField(max_length=12)
    reason = models.TextField()
    next = models.TextField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.connection_id} {self.before} → {self.after}"


class Act(models.Model):
    """What somebody did. It outlives the connection, so it knows it by name alone; blank: it was done to none."""

    connection = models.CharField(max_length=100, db_index=True)
    at = models.DateTimeField()
    who = models.CharField(max_length=200)
    what = models.CharField(max_length=30)
    period = models.CharField(max_length=17, blank=True)
    delivery = models.CharField(max_length=100, blank=True)
    said = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.who}: {self.what} {self.connection}"


class PaperInvoice(models.Model):
    """The amount that stands on an invoice, as somebody typed it, to be held against the charges of that invoice."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="invoices")
    period = models.CharField(max_length=17)
    invoice = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    # As text: SQLite keeps decimals as floating-point numbers.
    amount = models.CharField(max_length=60)
    who = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("connection", "period", "invoice", "currency"), name="one_amount_per_invoice"
            ),
        )

    def __str__(self) -> str:
        return f"{self.connection_id} {self.invoice}"


class StreamAnswer(models.Model):
    """What a body that was sent with a key was answered: the same key gets the same answer."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="answers")
    key = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    told = models.JSONField()
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("connection", "key"), name="one_answer_per_key"),)

    def __str__(self) -> str:
        return f"{self.connection_id} {self.key}: {self.status}"


class NoticeChannel(models.Model):
    """Where notices go. `settings` are shown; `sealed` are those that are secret, as `state.secrets` seals them."""

    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=100, unique=True)
    settings = models.JSONField()
    sealed = models.TextField()
    events = models.JSONField()
    is_on = models.BooleanField(default=True)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Notice(models.Model):
    """An event to be told by a channel, and how that went. No `due_at`: it is told, or given up.

    While it `is_open`, what else is rejected in the same check, named by the holder of a lease, is put into it.

    `tries` are `{"at", "error"}`, the error blank when it was told.
    """

    channel = models.ForeignKey(NoticeChannel, on_delete=models.CASCADE, related_name="notices")
    event = models.JSONField()
    made_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    tries = models.JSONField(default=list)
    check_id = models.CharField(max_length=200, blank=True)
    is_open = models.BooleanField(default=False)

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("due_at",)),)

    def __str__(self) -> str:
        return f"{self.event['kind']} by {self.channel_id}"


class WorkerBeat(models.Model):
    """A worker that runs, by a name as holders of leases have, and when it last said so. It takes this away itself."""

    name = models.CharField(max_length=200, primary_key=True)
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class NamedAccount(models.Model):
    """What Organizations says of an account. A null unit may not be seen; a blank one is the organisation's root."""

    account = models.CharField(max_length=64, primary_key=True)
    payer = models.CharField(max_length=64)
    name = models.CharField(max_length=200, blank=True)
    unit = models.TextField(null=True)  # noqa: DJ001
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account} {self.name}"


class AccountBehind(models.Model):
    """The account that a connection's access is of, as AWS said when it was last looked at.

    `through` are the connections whose bills hold its charges, where it is a linked one. `said` is why Organizations
    shows nothing; blank when it does.
    """

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, primary_key=True, related_name="behind")
    account = models.CharField(max_length=64, blank=True)
    payer = models.CharField(max_length=64, blank=True)
    standing = models.CharField(max_length=10, blank=True)
    said = models.TextField(blank=True)
    through = models.JSONField(default=list)
    looked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.connection_id} {self.account}"


class HeldBill(models.Model):
    """What a live delivery holds of one payer; a blank payer is of charges that name none.

    Kept so that it is added up once: `content` is a name of the delivery's files, which no other content ever has.
    `costs` are by metric and currency, as text.
    """

    connection = models.CharField(max_length=100)
    period = models.CharField(max_length=17)
    content = models.CharField(max_length=300)
    payer = models.TextField(blank=True)
    costs = models.JSONField()
    accounts = models.JSONField()

    class Meta:
        indexes = (models.Index(fields=("connection", "period"), name="held_by_connection"),)

    def __str__(self) -> str:
        return f"{self.connection} {self.period} {self.payer}"


class CountedFirst(models.Model):
    """Which connection's bill of a payer counts where several hold the same month; without one, the older's."""

    payer = models.TextField(unique=True)
    connection = models.CharField(max_length=100)

    def __str__(self) -> str:
        return f"{self.payer} {self.connection}"


class CountedBoth(models.Model):
    """Two connections, in the order of their names, hold different bills of a payer: neither counts for the other."""

    payer = models.TextField()
    one = models.CharField(max_length=100)
    other = models.CharField(max_length=100)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("payer", "one", "other"), name="said_once_of_two"),)

    def __str__(self) -> str:
        return f"{self.payer} {self.one} {self.other}"


class ToldOverlap(models.Model):
    """Two connections, in the order of their names, of which a notice has told that they hold a payer's same bills."""

    payer = models.TextField()
    one = models.CharField(max_length=100)
    other = models.CharField(max_length=100)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("payer", "one", "other"), name="told_once_of_two"),)

    def __str__(self) -> str:
        return f"{self.payer} {self.one} {self.other}"


class InventoryLook(models.Model):
    """The looks for what runs in an account: when the last was, what it did not see, and who looks at the moment.

    `connection` is whose access it was; `said` is why nothing was seen, blank when something was.
    """

    account = models.CharField(max_length=64, primary_key=True)
    connection = models.CharField(max_length=100, blank=True)
    looked_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    seen = models.PositiveIntegerField(default=0)
    said = models.TextField(blank=True)
    next = models.TextField(blank=True)
    troubles = models.JSONField(default=list)
    lease_holder = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.account
