"""A YAML document whose every value knows its line and column."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import yaml

from outlay.errors import UsageError

_MOST = 1024 * 1024
_KINDS = {yaml.MappingNode: "a mapping", yaml.SequenceNode: "a list", yaml.ScalarNode: "one value"}


@dataclass(frozen=True)
class At:
    """A place in a document; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def wrong(self, what: str, next: str) -> NoReturn:
        raise UsageError(f"{self}: {what}", next=next)


@dataclass(frozen=True)
class Value:
    """A scalar as it is written: `0.10` stays that text. `is_text` is False for what YAML takes as another type."""

    text: str
    at: At
    is_text: bool = True
    style: str = ""
    lines: Sequence[str] = field(default=(), repr=False)

    def within(self, offset: int) -> At:
        """The place of a letter of it, as far as the style of writing tells."""
        before = self.text[:offset]
        row, column = before.count("\n"), len(before.rpartition("\n")[2])
        if self.style == "|":
            line = self.at.line + 1 + row
            shown = self.lines[line - 1] if line <= len(self.lines) else ""
            return At(self.at.file, line, len(shown) - len(shown.lstrip()) + column + 1)
        if row or self.style == ">":
            return self.at
        # A quote in quotes is written twice.
        quotes = 1 + before.count("'") if self.style == "'" else 1 if self.style == '"' else 0
        return At(self.at.file, self.at.line, self.at.column + quotes + column)


class Section:
    """A mapping of the document, read key by key; `done` refuses the keys that nobody asked for."""

    def __init__(self, document: _Document, node: yaml.MappingNode) -> None:
        self._document = document
        self.at = document.at(node)
        self._nodes: dict[str, yaml.Node] = {}
        self._keys: dict[str, At] = {}
        self._asked: set[str] = set()
        for key, value in node.value:
            name = document.value(key).text
            if name in self._nodes:
                document.at(key).wrong(f"{name} is there twice.", "Write each key once.")
            self._nodes[name] = value
            self._keys[name] = document.at(key)

    def __contains__(self, key: str) -> bool:
        return key in self._nodes

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._nodes)

    def at_key(self, key: str) -> At:
        return self._keys.get(key, self.at)

    def value(self, key: str) -> Value | None:
        """A scalar; None where the key is not there or has no value."""
        node = self._node(key)
        if node is None or node.tag == "tag:yaml.org,2002:null":
            return None
        return self._document.value(node)

    def text(self, key: str, default: str = "") -> str:
        found = self.value(key)
        return default if found is None else found.text

    def number(self, key: str) -> int:
        """A whole number from 0 on."""
        found = self.value(key)
        if found is not None and not found.text.isdecimal():
            found.at.wrong(f"{key} is {found.text!r}, no whole number.", "Write a number such as 3.")
        return int(found.text) if found else 0

    def flag(self, key: str) -> bool:
        return self.choice(key, ("false", "true")) == "true"

    def choice(self, key: str, choices: Sequence[str], default: str = "") -> str:
        """One of `choices`; the first, or `default`, where the key is not there."""
        found = self.value(key)
        if found is None:
            return default or choices[0]
        if found.text not in choices:
            found.at.wrong(f"{key} is {found.text!r}.", f"Choose one of {', '.join(choices)}.")
        return found.text

    def values(self, key: str) -> list[Value]:
        """A list of scalars; one alone may stand without a list."""
        node = self._node(key)
        if node is None:
            return []
        if isinstance(node, yaml.SequenceNode):
            return [self._document.value(each) for each in node.value]
        return [self._document.value(node)]

    def section(self, key: str) -> Section | None:
        node = self._node(key)
        return None if node is None else self._document.section(node)

    def required(self, key: str, next: str) -> Section:
        return self.section(key) or self.at.wrong(f"There is no {key}.", next)

    def sections(self, key: str) -> list[Section]:
        node = self._node(key)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self._document.at(node).wrong(f"{key} is no list.", "Write one entry a line, each after a dash.")
        return [self._document.section(each) for each in node.value]

    def value_or_section(self, key: str) -> Value | Section:
        node = self._nodes[key]
        self._asked.add(key)
        return self._document.section(node) if isinstance(node, yaml.MappingNode) else self._document.value(node)

    def done(self) -> None:
        known = sorted(self._asked)
        for key, at in self._keys.items():
            if key not in self._asked:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"; {near[0]} is meant?" if near else "."
                at.wrong(f"Nothing is called {key} here{hint}", f"Here may stand {', '.join(known)}.")

    def _node(self, key: str) -> yaml.Node | None:
        self._asked.add(key)
        return self._nodes.get(key)


class _Document:
    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._lines = text.splitlines()

    def at(self, node: yaml.Node) -> At:
        return At(self._file, node.start_mark.line + 1, node.start_mark.column + 1)

    def value(self, node: yaml.Node) -> Value:
        if not isinstance(node, yaml.ScalarNode):
            self.at(node).wrong(f"Here is {_KINDS[type(node)]}, where one value is wanted.", "Write one value.")
        is_text = node.tag == "tag:yaml.org,2002:str"
        return Value(node.value, self.at(node), is_text, node.style or "", self._lines)

    def section(self, node: yaml.Node) -> Section:
        if not isinstance(node, yaml.MappingNode):
            self.at(node).wrong(f"Here is {_KINDS[type(node)]}, where keys are wanted.", "Write `key: value` lines.")
        return Section(self, node)


def read(path: Path) -> Section:
    """The top of a YAML file. Raises UsageError with file, line and column."""
    shown = str(path)
    try:
        content = path.read_bytes()
        text = content.decode()
    except FileNotFoundError as error:
        raise UsageError(f"There is no file {shown}.", next="Correct the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{shown} cannot be read as text in UTF-8.", next="Give a YAML file.") from error
    if len(content) > _MOST:
        raise UsageError(f"{shown} is larger than 1 MiB.", next="Give the YAML file of an adaptor.")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = At(shown, mark.line + 1, mark.column + 1) if mark else At(shown, 1, 1)
        raise UsageError(f"{at}: this is no YAML: {error.problem}.", next="Correct it there.") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{shown}: this is no YAML: {error}.", next="Correct it.") from error
    document = _Document(shown, text)
    if node is None:
        At(shown, 1, 1).wrong("The file is empty.", "See docs/adaptors.md for what it holds.")
    return document.section(node)


def entries(section: Section) -> Iterator[tuple[str, At, Value | Section]]:
    """Every key of a section with its place and what it has."""
    for key in section.keys:
        yield key, section.at_key(key), section.value_or_section(key)
