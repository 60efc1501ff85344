"""Forms of connections. The rules are those of `outlay.connecting` and `outlay.aws.naming`; forms only carry them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django import forms

from outlay import connecting
from outlay.app import Outlay
from outlay.aws.exports import KINDS
from outlay.aws.making import MADE, Wish
from outlay.aws.making import faults as making_faults
from outlay.aws.naming import check_bucket, check_path, new_external_id
from outlay.errors import UsageError
from outlay.exporting import Access
from outlay.state import changing, connections
from outlay.state.models import Connection
from outlay.state.new import NewConnection
from outlay.storage.naming import check_container, check_google_bucket
from outlay.storage.roots import allowed


@dataclass(frozen=True)
class Section:
    title: str
    fields: tuple[str, ...]
    is_folded: bool = False


@dataclass(frozen=True)
class Tile:
    """One way to connect. `kind` is None where the form asks for it. `access` is what it offers, the usual first."""

    name: str
    title: str
    icon: str
    about: str
    kind: str | None
    sections: tuple[Section, ...]
    access: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(name for section in self.sections for name in section.fields)


_PLACE = ("bucket", "path")
_ANY_PLACE = ("storage", *_PLACE)
_MORE = Section("How it is checked", ("check_every", "bring_from"), is_folded=True)
_METADATA = "Connection metadata"
OF_ITS_OWN = ("connection", "role", "key", "profile", "ambient")
_S3_BUCKET, _BUCKET = "S3 bucket information", "Bucket information"
S3 = "s3"

TILES: tuple[Tile, ...] = (
    Tile(
        "anycost",
        "AnyCost Bucket",
        "bucket",
        "Drops in the Common Bill Format that an adaptor of yours puts into a bucket.",
        "anycost",
        (
            Section(_METADATA, ("cloud_provider", "name", "expect_every", "currency")),
            Section(_BUCKET, (*_ANY_PLACE, "access")),
            _MORE,
        ),
        OF_ITS_OWN,
    ),
    Tile(
        "stream",
        "CBF over HTTP",
        "api",
        "Rows in the Common Bill Format that an adaptor of yours posts to this site, without a bucket.",
        "stream",
        (Section(_METADATA, ("cloud_provider", "name", "expect_every", "currency")),),
    ),
    Tile(
        "aws",
        "AWS",
        "cloud",
        "A Cost and Usage Report or a data export (CUR 2.0 or FOCUS) of a management account.",
        "aws",
        (
            Section(_METADATA, ("name", "expect_every")),
            Section(_S3_BUCKET, (*_PLACE, "export", "access")),
            _MORE,
        ),
        ("role", "key", "profile", "ambient", "connection"),
        (("export", "Cost & Usage Report Name"),),
    ),
    Tile(
        "linked",
        "AWS linked account",
        "link",
        "Access to an account that another one pays for. Its charges come in through its payer's connection.",
        "linked",
        (Section(_METADATA, ("name",)), Section("Access", ("access",)), Section(_MORE.title, ("check_every",), True)),
        ("role", "key", "profile", "ambient"),
    ),
    Tile(
        "focus",
        "FOCUS export",
        "file",
        "FOCUS files of any provider in a bucket: one folder a month, or loose files.",
        "focus",
        (
            Section(_METADATA, ("cloud_provider", "name", "expect_every", "currency")),
            Section(_BUCKET, (*_ANY_PLACE, "export", "access")),
            _MORE,
        ),
        ("role", "key", "profile", "ambient", "connection"),
    ),
    Tile(
        "folder",
        "Folder on this server",
        "folder",
        "Bills of any of these kinds that lie in a folder which this installation may read.",
        None,
        (
            Section(_METADATA, ("cloud_provider", "name", "expect_every", "currency")),
            Section("Folder", ("kind", "folder", "export")),
            _MORE,
        ),
    ),
)
BY_NAME: Mapping[str, Tile] = MappingProxyType({tile.name: tile for tile in TILES})


@dataclass(frozen=True)
class Storage:
    """Whose buckets they are, what one is called, and the rule of its name. `about` is who reads it, but for S3."""

    label: str
    bucket: str
    check: Callable[[str], str]
    about: str = ""


# By the scheme of a location.
STORAGES: Mapping[str, Storage] = MappingProxyType(
    {
        S3: Storage("Amazon S3", "bucket", check_bucket),
        "az": Storage(
            "Azure Blob Storage",
            "container",
            check_container,
            "Read with this server's own Azure credentials, of the storage account that AZURE_STORAGE_ACCOUNT_NAME "
            "names. They need the role Storage Blob Data Reader on the container.",
        ),
        "gs": Storage(
            "Google Cloud Storage",
            "bucket",
            check_google_bucket,
            "Read with this server's own Google Cloud credentials. They need the role Storage Object Viewer on the "
            "bucket.",
        ),
    }
)
ACCESS: Mapping[str, str] = MappingProxyType(
    {
        "keep": "The access it has",
        "connection": "Use the access of an AWS connection",
        "role": "Assume a role",
        "key": "Use an access key",
        "profile": "Use a profile of this server",
        "ambient": "Use this server's own AWS credentials",
    }
)
# Which fields belong to which access; all others are left out of account.
ACCESS_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "connection": ("access_of",),
        "role": ("role_arn", "external_id"),
        "key": ("access_key_id", "secret_access_key"),
        "profile": ("profile",),
    }
)
OWN_ACCESS = tuple(name for names in ACCESS_FIELDS.values() for name in names)
# What an access cannot be without.
_NEEDED: tuple[tuple[str, str, str, str], ...] = (
    ("connection", "access_of", "No connection is chosen.", "Choose one, or another kind of access."),
    ("role", "role_arn", "The role is missing.", "Give its ARN, such as arn:aws:iam::123456789012:role/outlay."),
    ("key", "access_key_id", "The access key is missing.", "Give its id."),
    ("key", "secret_access_key", "The secret is missing.", "Give the secret of the access key."),
    ("profile", "profile", "The profile is missing.", "Give its name, as in this server's AWS configuration."),
)
# Where that access is chosen.
NEEDED = frozenset(field for _, field, _, _ in _NEEDED)
_PLAIN = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}


def _text(label: str, help_text: str = "", length: int = 300, **attrs: str) -> forms.CharField:
    widget = forms.TextInput(attrs={**_PLAIN, **attrs})
    return forms.CharField(label=label, help_text=help_text, required=False, max_length=length, widget=widget)


class _ConnectionFields(forms.Form):
    """All fields there are; a form keeps those that it asks for."""

    cloud_provider = _text(
        "Cloud Provider", "As it is shown beside AWS, Azure and the others, such as Simple Cloud.", 200
    )
    name = _text(
        "Connection Name",
        "Which account or environment it is, such as simple-cloud-prod. Letters, digits, hyphens and underscores.",
        100,
    )
    expect_every = _text(
        "Expected Data Delivery Frequency",
        "Optional: how often a delivery should come, in whole hours. Without it the connection is never late.",
        8,
        inputmode="numeric",
    )
    currency = _text("Currency", "Of bills that do not name theirs.", 3)
    kind = forms.ChoiceField(
        label="What lies in it",
        choices=[
            ("anycost", "AnyCost drops (CBF)"),
            ("aws", "An AWS Cost and Usage Report or data export"),
            ("focus", "FOCUS files"),
        ],
        required=False,
    )
    folder = _text("Folder", "Its whole path on this server.", 4096)
    storage = forms.ChoiceField(
        label="Storage", choices=[(scheme, each.label) for scheme, each in STORAGES.items()], required=False
    )
    bucket = _text(
        "Bucket Name",
        "The name alone, without path.",
        300,
        **{f"data-label-{scheme}": f"{each.bucket.title()} Name" for scheme, each in STORAGES.items()},
    )
    path = _text("Bucket Path", "The folder in the bucket, without a slash at its ends, such as my/file/path.", 1100)
    export = _text("Export", "Optional: its name, where several lie there.", 300)
    access = forms.ChoiceField(label="AWS Connection", widget=forms.RadioSelect, required=False)
    access_of = forms.ChoiceField(label="AWS connection", required=False)
    role_arn = _text("Role ARN", "The role that may read the bucket.", 2048)
    external_id = _text("External id", "Made for this connection: the role's trust policy asks for it.", 1224)
    access_key_id = _text("Access key id", "", 128)
    secret_access_key = forms.CharField(
        label="Secret access key",
        help_text="Encrypted here, and never shown again.",
        required=False,
        max_length=300,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    profile = _text("Profile", "As in this server's AWS configuration.", 200)
    check_every = _text("Check every", "Minutes, from 5 to 1440, which is a day.", 6, inputmode="numeric")
    bring_from = _text("Bring in from", "Optional: the first month to bring in, such as 2026-01.", 7)
    month = _text(
        "Month of the change",
        "The first month that the new connection counts, such as 2026-05. Blank: the first that it holds in full, "
        "which is found when its bills are in.",
        7,
    )
    keeps_old = forms.ChoiceField(
        label="The old connection",
        help_text="Paused, it misses what its bills of earlier months are corrected by later.",
        choices=[
            ("no", "Is paused when the new one counts and the month before is final"),
            ("yes", "Is checked on, for late corrections of earlier months"),
        ],
        required=False,
    )


_AWS_NAME = (
    "Which account it is, such as main-payer. Lower-case letters, digits and hyphens, without spaces and periods."
)
# Where other rules hold than for most kinds.
_HELP_BY_KIND: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "aws": {
            "name": _AWS_NAME,
            "expect_every": "Optional: how often a delivery should come, in whole hours. Without it 36.",
        },
        "linked": {"name": _AWS_NAME, "role_arn": "The role in that account that Outlay assumes."},
    }
)


class ConnectionForm(_ConnectionFields):
    """One way to connect. `new` is what it says."""

    def __init__(self, o: Outlay, tile: Tile, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {})
        kwargs["initial"] = {
            "currency": "USD",
            "check_every": "60",
            "external_id": new_external_id(),
            **kwargs["initial"],
        }
        super().__init__(*args, **kwargs)
        self.o, self.tile = o, tile
        lenders = [
            row.name
            for row in o.rows()
            if row.kind == "aws" and not row.access_of_id and row.location.startswith("s3://")
        ]
        self.offered = [name for name in tile.access if name != "connection" or lenders]
        _keep(self, {*tile.fields, *(OWN_ACCESS if tile.access else ())})
        if tile.access:
            _offer(self, self.offered, lenders)
        for name, label in tile.labels:
            self.fields[name].label = label
        for name, help_text in _HELP_BY_KIND.get(tile.kind or "", {}).items():
            if name in self.fields:
                self.fields[name].help_text = help_text
        if "bucket" in self.fields:
            self.fields["bucket"].label = f"{STORAGES[self.scheme].bucket.title()} Name"
        styled(self)

    @property
    def required(self) -> set[str]:
        """For the eye: what has to be filled in."""
        found = {"name", "bucket", "folder", "kind", "currency", "check_every"} | NEEDED
        if self.tile.kind in ("anycost", "stream"):
            found |= {"cloud_provider", "path"}
        return found & self.fields.keys()

    def said(self, name: str) -> str:
        """What was typed, without blanks at its ends; empty for what does not matter with this access."""
        if name not in self.fields:
            return ""
        given = (self.data.get(self.add_prefix(name)) or "") if self.is_bound else (self.initial.get(name) or "")
        if name in OWN_ACCESS and (self.scheme != S3 or name not in ACCESS_FIELDS.get(self.said("access"), ())):
            return ""
        return str(given).strip()

    @property
    def scheme(self) -> str:
        """Where the bucket is, by its scheme. What is not known has a fault of its own."""
        said = self.said("storage")
        return said if said in STORAGES else S3

    @property
    def own_access(self) -> Access:
        said = self.said
        return Access(
            said("access_of"),
            said("profile"),
            said("role_arn"),
            said("external_id"),
            said("access_key_id"),
            said("secret_access_key"),
        )

    @property
    def new(self) -> NewConnection:
        said = self.said
        return NewConnection(
            said("name"),
            self.tile.kind or said("kind"),
            self._location(),
            said("cloud_provider"),
            said("export"),
            said("currency") or "USD",
            said("expect_every"),
            said("profile"),
            said("role_arn"),
            said("external_id"),
            said("access_key_id"),
            said("secret_access_key"),
            said("access_of"),
            said("check_every") or 60,
            said("bring_from"),
        )

    def _location(self) -> str:
        if self.tile.kind in ("linked", "stream"):
            return ""
        if self.tile.name != "folder":
            return f"{self.scheme}://{self.said('bucket')}/{self.said('path')}".rstrip("/")
        try:
            return str(allowed(self.said("folder"), self.o.settings.folders))
        except UsageError:
            return ""

    def faults(self) -> dict[str, UsageError]:
        """By field, those of the place first: a bucket that is none makes no good location."""
        found = dict(_needed(self))
        for name, check in _PLACE_RULES.items():
            if name in self.fields:
                try:
                    check(self)
                except UsageError as error:
                    found.setdefault(name, error)
        place = [name for name in ("bucket", "path", "folder") if name in found]
        for name, fault in connecting.faults(self.o, self.new).items():
            if name == "location":
                if not place:
                    found.setdefault("folder" if "folder" in self.fields else "path", fault)
            else:
                found.setdefault(name, fault)
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        told(self, self.faults())
        return cleaned


# What holds of each part of a place, by field.
_PLACE_RULES: Mapping[str, Callable[[ConnectionForm], object]] = MappingProxyType(
    {
        "bucket": lambda form: STORAGES[form.scheme].check(form.said("bucket")),
        "path": lambda form: check_path(form.said("path"), required=form.tile.kind == "anycost"),
        "folder": lambda form: allowed(form.said("folder"), form.o.settings.folders),
    }
)


# By field of the form: the field of a wish.
_WISHED: Mapping[str, str] = MappingProxyType(
    {
        "export": "name",
        "bucket": "bucket",
        "path": "prefix",
        "export_kind": "kind",
        "region": "region",
        "file_format": "format",
        "granularity": "granularity",
        "versioning": "versioning",
        "split_cost": "split_cost",
    }
)


class MakeForm(ConnectionForm):
    """An export that is to be made, and the connection that waits for it."""

    export_kind = forms.ChoiceField(
        label="What it holds",
        choices=[(kind, f"{KINDS[kind][:1].upper()}{KINDS[kind][1:]}") for kind in MADE],
        required=False,
    )
    new_bucket = forms.ChoiceField(
        label="Bucket", choices=[("yes", "A new one, private and encrypted"), ("no", "One that exists")], required=False
    )
    region = _text("Region", "Of a new bucket, such as eu-central-1. Blank: us-east-1.", 40)
    file_format = forms.ChoiceField(label="Files", choices=[("parquet", "Parquet"), ("csv", "CSV")], required=False)
    granularity = forms.ChoiceField(
        label="Rows", choices=[("hourly", "By the hour"), ("daily", "By the day")], required=False
    )
    versioning = forms.ChoiceField(
        label="A new delivery",
        choices=[("overwrite", "Replaces the one before it"), ("new version", "Is kept beside those before it")],
        required=False,
    )
    split_cost = forms.ChoiceField(
        label="Split cost allocation data of containers",
        choices=[("no", "Off"), ("yes", "On (not in FOCUS)")],
        required=False,
    )

    def __init__(self, o: Outlay, *args: Any, **kwargs: Any) -> None:
        tile = Tile(
            "aws-export",
            "",
            "",
            "",
            "aws",
            (
                Section("Access to the account that pays", ("access",)),
                Section(
                    "The export",
                    ("export", "export_kind", "granularity", "file_format", "versioning", "split_cost"),
                ),
                Section(_S3_BUCKET, ("new_bucket", "bucket", "region", "path")),
                Section("The connection that waits for it", ("name",)),
            ),
            ("role", "key", "profile", "ambient", "connection"),
            (("export", "Export name"),),
        )
        super().__init__(o, tile, *args, **kwargs)
        self.fields["export"].help_text = "Letters, digits, hyphens and underscores."
        self.fields["path"].help_text = "The folder in the bucket that AWS delivers into, such as outlay."

    @property
    def required(self) -> set[str]:
        return super().required | {"export", "path"}

    @property
    def wish(self) -> Wish:
        said = self.said
        return Wish(
            said("export"),
            said("bucket"),
            said("path"),
            said("export_kind") or MADE[0],
            said("new_bucket") == "yes",
            said("region"),
            said("file_format") or "parquet",
            said("granularity") or "hourly",
            said("split_cost") == "yes",
            said("versioning") or "overwrite",
        )

    @staticmethod
    def field_of(name: str) -> str:
        """The form's field for one of a wish, or of an access."""
        return next((own for own, wished in _WISHED.items() if wished == name), name)

    def faults(self) -> dict[str, UsageError]:
        found = super().faults()
        for name, error in making_faults(self.wish).items():
            found.setdefault(self.field_of(name), error)
        return found


class MoveForm(ConnectionForm):
    """Another place or export for what a connection brings in; what it does not ask for is as the old one's."""

    def __init__(self, o: Outlay, old: Connection, *args: Any, **kwargs: Any) -> None:
        scheme = old.location.partition("://")[0]
        is_folder = scheme == "file"
        buckets = _PLACE if old.kind == "aws" and scheme == S3 else _ANY_PLACE
        export = ("export",) if old.kind != "anycost" else ()
        place: tuple[str, ...] = ("folder", *export) if is_folder else (*buckets, *export, "access")
        tile = Tile(
            "folder" if is_folder else old.kind,
            "",
            "",
            "",
            old.kind,
            (
                Section("The new connection", (*place, "name")),
                Section("The change", ("month", "keeps_old")),
            ),
            () if is_folder else (*(["keep"] if scheme == S3 else []), *OF_ITS_OWN),
            (("export", "Cost & Usage Report or Export Name"),) if old.kind == "aws" else (),
        )
        self.old = old
        initial = {"storage": scheme, "export": old.export, "name": connecting.name_for(o, old)}
        kwargs["initial"] = {**initial, **kwargs.get("initial", {})}
        super().__init__(o, tile, *args, **kwargs)
        # What another export puts in place of it, while nobody has typed a name.
        self.fields["name"].widget.attrs["data-suggested"] = ""

    @property
    def keeps_access(self) -> bool:
        return self.scheme == S3 and self.said("access") in ("", "keep")

    @property
    def new(self) -> NewConnection:
        old, typed = self.old, super().new
        kept = ("cloud_provider", "currency", *(() if "export" in self.fields else ("export",)))
        changes = {name: getattr(old, name) for name in kept}
        values = {name: getattr(typed, name) for name in NewConnection.__dataclass_fields__}
        return NewConnection(
            **{
                **values,
                **changes,
                "expect_every": old.expect_every_hours,
                "check_every": old.check_every_minutes,
            }
        )

    def faults(self) -> dict[str, UsageError]:
        from outlay.state.moving import check_month

        found = super().faults()
        try:
            if month := self.said("month"):
                check_month(month)
        except UsageError as error:
            found["month"] = error
        place = "folder" if "folder" in self.fields else "path"
        if place not in found and connecting.is_same_place(self.old, self.new):
            found[place] = UsageError(f"{self.old.name} reads that place already.", next="Give the new one.")
        return found


class SettingsForm(_ConnectionFields):
    """What can be changed of a connection; its place is there to say how that is changed."""

    location = _text("Location", "", 5000)

    def __init__(self, o: Outlay, row: Connection, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "location": row.location,
            "cloud_provider": row.cloud_provider,
            "expect_every": "" if row.expect_every_hours is None else str(row.expect_every_hours),
            "check_every": str(row.check_every_minutes),
            "bring_from": row.bring_from,
            "export": row.export,
            "access": "keep",
            "external_id": row.external_id or new_external_id(),
        }
        super().__init__(*args, **kwargs)
        self.o, self.row = o, row
        has_access = row.kind == "linked" or (row.kind != "stream" and row.location.startswith("s3://"))
        names = ["location", "cloud_provider", "expect_every", "check_every", "bring_from"]
        if row.kind not in ("anycost", "stream") and connections.may_name_export(row):
            names.insert(1, "export")
        _keep(self, {*names, *(("access", *OWN_ACCESS) if has_access else ())})
        self.order_fields([*names, "access", *OWN_ACCESS])
        if has_access:
            lenders = [
                each.name for each in o.rows() if each.kind == "aws" and not each.access_of_id and each.name != row.name
            ]
            can_borrow = bool(lenders) and row.kind != "linked"
            offered = ["keep", "role", "key", "profile", "ambient", *(["connection"] if can_borrow else [])]
            _offer(self, offered, lenders)
        needs_provider = row.kind in ("anycost", "stream")
        self.required = NEEDED | {"check_every"} | ({"cloud_provider"} if needs_provider else set())
        styled(self)

    def said(self, name: str) -> str:
        if name not in self.fields:
            return ""
        given = (self.data.get(name) or "") if self.is_bound else (self.initial.get(name) or "")
        if name in OWN_ACCESS and name not in ACCESS_FIELDS.get(self.said("access"), ()):
            return ""
        return str(given).strip()

    @property
    def wanted(self) -> changing.Settings:
        own = {name: self.said(name) for name in OWN_ACCESS}
        return changing.Settings(
            self.said("location"),
            self.said("cloud_provider"),
            self.said("expect_every"),
            self.said("check_every"),
            self.said("bring_from"),
            export=self.said("export") if "export" in self.fields else None,
            keeps_access=self.said("access") in ("", "keep"),
            **own,
        )

    def faults(self) -> dict[str, UsageError]:
        return {**changing.faults(self.row, self.wanted), **_needed(self)}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        told(self, self.faults())
        return cleaned


AnyForm = ConnectionForm | SettingsForm


def _needed(form: AnyForm) -> dict[str, UsageError]:
    if "access" not in form.fields or (isinstance(form, ConnectionForm) and form.scheme != S3):
        return {}
    access = form.said("access")
    offered = [name for name, _ in form.fields["access"].choices]  # type: ignore[attr-defined]
    if access not in offered:
        return {"access": UsageError("No access is chosen.", next="Choose one of them.")}
    return {
        field: UsageError(message, next=next_action)
        for wanted, field, message, next_action in _NEEDED
        if wanted == access and not form.said(field)
    }


def _keep(form: forms.Form, names: set[str]) -> None:
    for name in form.fields.keys() - names:
        del form.fields[name]


def _offer(form: forms.Form, offered: list[str], lenders: list[str]) -> None:
    form.fields["access"].choices = [(name, ACCESS[name]) for name in offered]  # type: ignore[attr-defined]
    form.fields["access_of"].choices = [(name, name) for name in lenders]  # type: ignore[attr-defined]
    form.initial.setdefault("access", offered[0])


def told(form: forms.Form, faults: Mapping[str, UsageError]) -> None:
    for name, error in faults.items():
        if name not in form.errors:
            form.add_error(name if name in form.fields else None, f"{error.message} {error.next}".strip())


def styled(form: forms.Form) -> None:
    """Tabler's classes; each field names where its help and its faults stand."""
    for name, field in form.fields.items():
        widget = field.widget
        if isinstance(widget, forms.RadioSelect):
            continue
        widget.attrs["class"] = "form-select" if isinstance(widget, forms.Select) else "form-control"
        said = f"id_{name}_said"
        widget.attrs["aria-describedby"] = f"id_{name}_help {said}" if field.help_text else said
        if form.is_bound and name in form.errors:
            widget.attrs["class"] += " is-invalid"
            widget.attrs["aria-invalid"] = "true"
