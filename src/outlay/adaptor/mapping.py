"""A mapping: which columns of CBF are made of what, read from YAML and checked as far as that goes without an invoice.

`docs/adaptors.md` is its reference.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping as ReadMapping
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NoReturn, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from outlay.adaptor.document import At, Section, Value, entries, read
from outlay.drops.carrying import DAY_AND_ITEM, check_key
from outlay.drops.publishing import MODES, Mode
from outlay.errors import UsageError
from outlay.formats.cbf import KNOWN, LINE_ITEM_TYPES, NUMBERS, REQUIRED, TAG, TAG_KEY, TIMES

Round = Literal["exact", "hour", "day", "month"]
ROUNDS: tuple[Round, ...] = ("exact", "hour", "day", "month")
ISO, UNIX, UNIX_MS = "iso", "unix", "unix-ms"

_START, _TYPE = "time/usage_start", "lineitem/type"
_SOURCES = ("column", "value", "sql")
_REFERENCE = "docs/adaptors.md has all that a mapping may hold."


@dataclass(frozen=True)
class Times:
    """How a text is read as a time: the first of `formats` that fits; without a zone of its own it is in `zone`."""

    formats: tuple[str, ...] = (ISO,)
    zone: str = "UTC"
    round: Round = "exact"


@dataclass(frozen=True)
class Numbers:
    """How a vendor writes numbers: the sign before the places, and the sign between thousands."""

    decimal: str = "."
    thousands: str = ""

    @property
    def is_plain(self) -> bool:
        return self.decimal == "." and not self.thousands


@dataclass(frozen=True)
class Rule:
    """What makes one column of CBF: a column of the invoice (or a key of the JSON in it), a constant, an expression."""

    target: str
    at: At
    column: Value | None = None
    key: str = ""
    value: Value | None = None
    sql: Value | None = None
    default: str | None = None
    words: ReadMapping[str, str] | None = None
    otherwise: str | None = None
    times: Times | None = None
    numbers: Numbers | None = None

    @property
    def is_tag(self) -> bool:
        return self.target.startswith(TAG)


@dataclass(frozen=True)
class TagsFrom:
    """Tags whose keys the invoice names: by columns that begin with `prefix`, or by the JSON object in a column."""

    at: At
    prefix: Value | None = None
    json: Value | None = None
    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    add: str = ""

    def wants(self, key: str) -> bool:
        return key not in self.without and (not self.only or key in self.only)


@dataclass(frozen=True)
class Access:
    """By which AWS profile or role a place is reached; blank: as the environment says."""

    profile: str = ""
    role_arn: str = ""


@dataclass(frozen=True)
class Source:
    """Where the invoice lies, and how its files are written."""

    location: str
    files: str = ""
    delimiter: str = ","
    encoding: str = "utf-8"
    skip_lines: int = 0
    floats: bool = False
    access: Access = field(default_factory=Access)

    @property
    def is_plain(self) -> bool:
        """Are CSV files as they are read, with no need to be written anew?"""
        return self.delimiter == "," and self.encoding == "utf-8" and not self.skip_lines


@dataclass(frozen=True)
class Target:
    """Where the drops go, and how."""

    location: str
    mode: Mode = "replace"
    key: tuple[str, ...] = DAY_AND_ITEM
    access: Access = field(default_factory=Access)


@dataclass(frozen=True)
class Mapping:
    """All of a file. `fingerprint` changes whenever the file does."""

    name: str
    at: At
    source: Source
    target: Target
    rules: tuple[Rule, ...]
    tags_from: tuple[TagsFrom, ...] = ()
    where: Value | None = None
    fingerprint: str = ""

    def place(self, target: str) -> At:
        """Where the file says how a column of CBF is made."""
        for rule in self.rules:
            if rule.target == target:
                return rule.at
        if target.startswith(TAG) and self.tags_from:
            return self.tags_from[0].at
        return self.at


def load(path: Path) -> Mapping:
    """Read a mapping. Raises UsageError that names line and column."""
    top = read(path)
    folder = path.parent
    name = _name(top, path)
    source = _source(top.required("source", "Say where the invoice lies: source: {from: …}."), folder)
    where = top.value("where")
    target = _target(top.required("publish", "Say where the drops go: publish: {to: …}."), folder)
    columns = top.required("columns", f"Say what the columns of CBF are made of. {_REFERENCE}")
    rules = [_rule(key, at, given) for key, at, given in entries(columns)]
    if tags := top.section("tags"):
        rules += [_tag(key, at, given) for key, at, given in entries(tags)]
    tags_from = tuple(_tags_from(each) for each in top.sections("tags_from"))
    top.done()
    for name_ in REQUIRED:
        if all(rule.target != name_ for rule in rules):
            columns.at.wrong(f"{name_} is not among the columns, and CBF needs it.", "Say what it is made of.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Mapping(name, top.at, source, target, tuple(rules), tags_from, where, digest)


def _name(top: Section, path: Path) -> str:
    given = top.value("name")
    name = given.text if given else path.stem
    if not name or not all(letter.isalnum() or letter in "._-" for letter in name) or name.startswith("."):
        at = given.at if given else top.at
        at.wrong(f"{name!r} is no name of an adaptor.", "Write name: with letters, digits, dots, hyphens.")
    return name


def _source(section: Section, folder: Path) -> Source:
    delimiter = section.value("delimiter")
    if delimiter and (len(delimiter.text) != 1 or delimiter.text in '"\n\r'):
        delimiter.at.wrong(f"{delimiter.text!r} separates no fields.", 'Write one character, such as ";" or "\\t".')
    encoding = section.value("encoding")
    if encoding:
        try:
            "".encode(encoding.text)
        except LookupError:
            encoding.at.wrong(f"There is no encoding {encoding.text!r}.", "Write one such as utf-8, cp1252 or utf-16.")
    found = Source(
        _location(section, "from", folder),
        section.text("files"),
        delimiter.text if delimiter else ",",
        encoding.text.lower() if encoding else "utf-8",
        section.number("skip_lines"),
        section.flag("floats"),
        _access(section),
    )
    section.done()
    return found


def _target(section: Section, folder: Path) -> Target:
    location = _location(section, "to", folder)
    mode = cast(Mode, section.choice("mode", MODES))
    key = tuple(each.text for each in section.values("key")) or DAY_AND_ITEM
    try:
        check_key(key)
    except UsageError as error:
        section.at_key("key").wrong(error.message, error.next)
    if "key" in section and mode != "append":
        section.at_key("key").wrong("A key is for mode: append.", "Add mode: append, or leave the key out.")
    access = _access(section)
    section.done()
    return Target(location, mode, key, access)


def _location(section: Section, key: str, folder: Path) -> str:
    """A folder or a file is meant as seen from the YAML file."""
    given = section.value(key)
    if given is None or not given.text:
        section.at.wrong(f"There is no {key}.", "Write s3://bucket/path, az://…, gs://…, a folder or a file.")
    return given.text if "://" in given.text else str(folder / Path(given.text).expanduser())


def _access(section: Section) -> Access:
    for key in ("access_key", "secret_key", "secret", "password", "token", "access_key_id", "secret_access_key"):
        if key in section:
            section.at_key(key).wrong(
                "A mapping holds no secret.", "Name a profile or a role_arn, or leave it to the environment."
            )
    return Access(section.text("profile"), section.text("role_arn"))


def _rule(target: str, at: At, given: Value | Section) -> Rule:
    if target.startswith(TAG):
        at.wrong("Tags have a place of their own.", f"Write {target.removeprefix(TAG)} below tags:.")
    if target not in KNOWN:
        near = difflib.get_close_matches(target.casefold(), sorted(KNOWN), 1, 0.6)
        hint = f"{near[0]} is meant? " if near else ""
        at.wrong(f"CBF has no column {target}.", f"{hint}What CBF has no column for may be a tag. {_REFERENCE}")
    return _made(target, at, given)


def _tag(key: str, at: At, given: Value | Section) -> Rule:
    if not TAG_KEY.fullmatch(key):
        at.wrong(f"{key!r} is no key of a tag.", "A key holds letters, digits and _ . : / = + - @ only.")
    return _made(f"{TAG}{key}", at, given)


def _made(target: str, at: At, given: Value | Section) -> Rule:
    """A value alone is the name of a column of the invoice."""
    if isinstance(given, Value):
        if not given.is_text:
            given.at.wrong(
                f"{given.text or 'nothing'} is no name of a column.",
                f"For a constant write {{value: {given.text}}}, for a column of that name quote it.",
            )
        return Rule(target, at, column=given, times=_times(target, None), numbers=_numbers(target, None))
    sources = {key: found for key in _SOURCES if (found := given.value(key)) is not None}
    if len(sources) != 1:
        what = " and ".join(sources) or "nothing to make it of"
        given.at.wrong(f"{target} has {what}.", "Give one of column, value and sql.")
    words, otherwise = _words(target, given)
    rule = Rule(
        target,
        at,
        column=sources.get("column"),
        key=given.text("key"),
        value=sources.get("value"),
        sql=sources.get("sql"),
        default=_default(given),
        words=words,
        otherwise=otherwise,
        times=_times(target, given),
        numbers=_numbers(target, given),
    )
    given.done()
    if rule.key and rule.column is None:
        given.at_key("key").wrong("A key is of the JSON in a column.", "Name the column, too.")
    _check_constant(rule)
    return rule


def _default(given: Section) -> str | None:
    found = given.value("default")
    return None if found is None else found.text


def _check_constant(rule: Rule) -> None:
    if rule.target == _TYPE and rule.value and rule.value.text not in LINE_ITEM_TYPES:
        _no_type(rule.value.at, rule.value.text)


def _words(target: str, given: Section) -> tuple[ReadMapping[str, str] | None, str | None]:
    """The vendor's words, whatever their case, and what CBF says for each."""
    section, otherwise = given.section("words"), given.value("else")
    if section is None:
        if otherwise:
            given.at_key("else").wrong("An else is for words.", "Add words:, or write default: for blank values.")
        return None, None
    words: dict[str, str] = {}
    for word, at, meant in entries(section):
        if isinstance(meant, Section):
            at.wrong(f"{word} means several values.", "Write one.")
        if word.casefold() in words:
            at.wrong(f"{word} is there twice; upper and lower case are one.", "Write each word once.")
        if target == _TYPE and meant.text not in LINE_ITEM_TYPES:
            _no_type(meant.at, meant.text)
        words[word.casefold()] = meant.text
    if target == _TYPE and otherwise and otherwise.text not in LINE_ITEM_TYPES:
        _no_type(otherwise.at, otherwise.text)
    return words, otherwise.text if otherwise else None


def _no_type(at: At, text: str) -> NoReturn:
    at.wrong(f"{text!r} is no lineitem/type.", f"Choose one of {', '.join(LINE_ITEM_TYPES)}.")


def _times(target: str, given: Section | None) -> Times | None:
    """Usage starts on the hour that it belongs to, as CBF has it."""
    if target not in TIMES:
        for key in ("format", "zone", "round"):
            if given is not None and key in given:
                given.at_key(key).wrong(f"{key} is for times.", f"Write it at one of {', '.join(TIMES)}.")
        return None
    usual: Round = "hour" if target == _START else "exact"
    if given is None:
        return Times(round=usual)
    zone = given.value("zone")
    if zone:
        try:
            ZoneInfo(zone.text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            zone.at.wrong(f"There is no time zone {zone.text!r}.", "Write one such as UTC or Europe/Berlin.")
    formats = tuple(each.text for each in given.values("format")) or (ISO,)
    for value in given.values("format"):
        if value.text not in (ISO, UNIX, UNIX_MS) and "%" not in value.text:
            value.at.wrong(
                f"{value.text!r} is no format of times.", f"Write {ISO}, {UNIX}, {UNIX_MS} or one such as %d.%m.%Y."
            )
    return Times(formats, zone.text if zone else "UTC", cast(Round, given.choice("round", ROUNDS, usual)))


def _numbers(target: str, given: Section | None) -> Numbers | None:
    if target not in NUMBERS:
        for key in ("decimal", "thousands"):
            if given is not None and key in given:
                given.at_key(key).wrong(f"{key} is for numbers.", f"Write it at one of {', '.join(NUMBERS)}.")
        return None
    if given is None:
        return Numbers()
    decimal, thousands = given.text("decimal", "."), given.text("thousands")
    if len(decimal) != 1 or decimal.isalnum() or decimal == thousands or len(thousands) > 1 or thousands.isalnum():
        given.at_key("decimal").wrong(
            f"{decimal!r} cannot stand before the places.", "Write two signs, such as ',' and '.'."
        )
    return Numbers(decimal, thousands)


def _tags_from(section: Section) -> TagsFrom:
    prefix, json = section.value("prefix"), section.value("json")
    if (prefix is None) == (json is None):
        section.at.wrong("These tags have no source, or two.", "Give one of prefix and json.")
    found = TagsFrom(
        section.at,
        prefix,
        json,
        _set(section.values("only")),
        _set(section.values("except")),
        section.text("add"),
    )
    section.done()
    return found


def _set(values: Sequence[Value]) -> frozenset[str]:
    return frozenset(value.text for value in values)
