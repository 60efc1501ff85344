"""Start-up, streams and exit codes, in a process of its own where that is what matters."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from outlay.cli.app import GROUPS, load, make_app
from outlay.cli.failing import run
from tests.cli.conftest import OUTLAY, Outlay

HEAVY = ("ibis", "pyiceberg", "django", "boto3", "botocore", "duckdb", "pandas", "pyarrow", "obstore", "sqlalchemy")

HELP = f"""
import contextlib, io, sys
from outlay.cli.app import load, make_app
from outlay.cli.failing import run

def paths(app, before=()):
    yield before
    for name, command in app.resolved_commands().items():
        if not name.startswith("-"):
            yield from paths(command, (*before, name))

app = make_app()
load(app)
for path in paths(app):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert run([*path, "--help"]) == 0, path
    assert "Usage: outlay" in said.getvalue(), path
    heavy = [name for name in {HEAVY!r} if name in sys.modules]
    assert not heavy, (path, heavy)
    print(*path)
"""


def test_the_help_of_every_command_imports_nothing_that_takes_long() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "connections add anycost" in done.stdout
    assert len(done.stdout.splitlines()) > 20


def test_every_command_shows_an_example_and_every_option_what_it_is_for() -> None:
    app = make_app()
    load(app)
    stack = [command for name, command in app.resolved_commands().items() if not name.startswith("-")]
    assert stack
    while stack:
        command = stack.pop()
        inner = [each for name, each in command.resolved_commands().items() if not name.startswith("-")]
        stack += inner
        if inner:
            continue
        assert "For example:\n\noutlay " in " ".join(str(command.help).split(" ")).replace("\n    ", "\n"), command.name
        for argument in command.assemble_argument_collection():
            assert argument.parameter.help, (command.name, argument.name)


def test_the_command_without_words_shows_its_help(outlay: Outlay) -> None:
    ran = outlay()
    assert ran.code == 0
    assert "Check connections now, and bring in what changed." in ran.out


@pytest.mark.parametrize("group", sorted(GROUPS - {"add"}))
def test_a_group_says_what_each_of_its_commands_is_for(outlay: Outlay, group: str) -> None:
    listed = outlay(group, "--help").out.partition("Commands")[2].splitlines()[1:]
    rows = [line.strip("│ ") for line in listed if line.startswith("│ ") and line[2] != " "]
    assert rows
    assert all(len(row.split()) > 3 for row in rows), rows


def test_the_version_is_told(child: Outlay) -> None:
    ran = child("--version")
    assert (ran.code, ran.out, ran.err) == (0, "outlay 0.1.0\n", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cost"], 'Unknown command "cost". Did you mean "costs"?'),
        (["costs", "--byy", "x"], "Unknown option: --byy. Did you mean --by?"),
        (["costs", "--format", "xml"], 'Invalid value "xml" for --format.'),
        (["costs", "extra"], "Nothing is done with 'extra'."),
        (["connections", "add", "anycost"], "NAME is missing."),
        (["connections", "add", "anycost", "a"], "--cloud-provider is missing"),
        (["lake", "tidy", "--older-than", "x"], "Invalid value for --older-than"),
        (["lake", "tidy", "--older-than", "-1"], "-1.0 is no age in hours."),
        (["demo", "/etc/passwd"], "/etc/passwd is not a folder."),
        (["demo", "x", "--months", "0"], "0 months cannot be written."),
        (["costs", "--json", "--format", "csv"], "--json and --format csv contradict each other."),
        (["completion", "powershell"], 'Invalid value "powershell" for SHELL.'),
    ],
)
def test_wrong_usage_ends_with_2_and_a_next_action_on_stderr(outlay: Outlay, words: list[str], said: str) -> None:
    ran = outlay(*words)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith(f"error: {said}")
    assert "\nnext: " in ran.err


def test_a_child_ends_with_the_same_code_and_streams(child: Outlay) -> None:
    ran = child("connections", "show", "nope", "--json")
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err == ("error: There is no connection named 'nope'.\nnext: Add one with outlay connections add.\n")


def test_a_home_that_cannot_be_used_is_told(child: Outlay) -> None:
    ran = child("costs", OUTLAY_HOME="/etc/passwd")
    assert ran.code == 1
    assert ran.err == (
        "error: /etc/passwd cannot be used: File exists.\nnext: Point OUTLAY_HOME to a folder you can write to.\n"
    )


def test_a_setting_that_cannot_be_read_is_told(outlay: Outlay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTLAY_THREADS", "none")
    ran = outlay("costs")
    assert ran.code == 2
    assert "OUTLAY_THREADS is 'none'" in ran.err


@pytest.mark.parametrize("url", ["nonsense", "mysql://u:hush@host/db", "redis://u:hush@host"])
def test_a_database_of_another_kind_is_told_without_its_password(
    outlay: Outlay, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    ran = outlay("connections", "list")
    assert ran.code == 2
    assert "DATABASE_URL" in ran.err
    assert "hush" not in ran.err


def test_a_database_that_does_not_answer_is_told_without_its_password(
    outlay: Outlay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:hush@127.0.0.1:1/outlay")
    ran = outlay("connections", "list")
    assert ran.code == 1
    assert "127.0.0.1:1/outlay cannot be used" in ran.err
    assert "hush" not in ran.err


def test_a_damaged_database_is_told(outlay: Outlay, outlay_home: Path) -> None:
    outlay_home.mkdir()
    (outlay_home / "state.db").write_bytes(b"no database" * 500)
    ran = outlay("connections", "list")
    assert ran.code == 1
    assert "state.db is damaged, or its disk is." in ran.err


def test_an_unexpected_error_is_one_line_and_its_details_a_file_without_secrets(
    outlay: Outlay, outlay_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:hush@host/outlay")

    def fail(**settings: object) -> None:
        raise RuntimeError("password hush, postgresql://someone:hush@host/outlay")

    monkeypatch.setattr("outlay.open", fail)
    ran = outlay("costs")
    (details,) = (outlay_home / "errors").iterdir()
    assert ran.code == 1
    assert ran.err == (
        f"error: Outlay failed unexpectedly: RuntimeError. The details are in {details}\n"
        "next: Report it with that file.\n"
    )
    assert "RuntimeError" in details.read_text()
    assert "hush" not in details.read_text()
    assert details.stat().st_mode & 0o777 == 0o600


def test_an_unexpected_error_without_a_home_is_written_to_a_temporary_folder(
    outlay: Outlay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OUTLAY_HOME", "/etc/passwd")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("outlay.open", lambda: 1 / 0)
    ran = outlay("costs")
    assert str(tmp_path) in ran.err
    assert len(list(tmp_path.glob("*Z.txt"))) == 1


def test_a_full_disk_under_stdout_is_told() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [OUTLAY, "sql", "select 1", "--json"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith("error: No space is left")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = f"'{OUTLAY}' sql 'select range from range(300000)' --format csv; echo code $? >&2"
    done = subprocess.run(["bash", "-c", f"({command}) | head -1"], capture_output=True, text=True, check=False)
    assert done.stdout == "range\n"
    assert done.stderr == "code 0\n"


def test_ctrl_c_ends_with_130_and_one_word(outlay_home: Path) -> None:
    query = "select count(*) from range(1000000) a, range(1000000) b where a.range * b.range % 7 = 3"
    process = subprocess.Popen(
        [OUTLAY, "sql", query],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Jobs in the background of a shell ignore it, and their children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    # The sandbox's own folder is the sign that the query is about to run.
    while not list(outlay_home.glob("spool/duckdb-*/sql-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert out == ""
    assert err == "error: stopped\n"


def test_nothing_is_coloured_where_nobody_looks(child: Outlay) -> None:
    ran = child("sql", "select 1 as one")
    assert "\x1b" not in ran.out
    assert ran.out.split() == ["one", "───", "1", "1", "row."]


def test_colour_is_left_out_when_the_user_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """`script` gives the command a terminal."""
    shown = {}
    for name, environ in {"colour": {}, "none": {"NO_COLOR": "1"}}.items():
        done = subprocess.run(
            ["script", "-qec", f"'{OUTLAY}' cost", "/dev/null"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "TERM": "xterm", **environ},
        )
        shown[name] = done.stdout
    assert "\x1b[1;31m" in shown["colour"]
    assert "31m" not in shown["none"]


def test_the_module_is_the_command_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "outlay.cli", "--version"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "outlay 0.1.0\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_commands_and_options(outlay: Outlay, shell: str, tmp_path: Path) -> None:
    ran = outlay("completion", shell)
    assert ran.code == 0
    assert "connections" in ran.out
    assert "granularity" in ran.out
    if shell == "bash":
        script = tmp_path / "completion"
        script.write_text(ran.out)
        subprocess.run(["bash", "-n", script], check=True)


def test_running_twice_in_one_process_is_running_twice(outlay: Outlay) -> None:
    assert run(["lake", "where"]) == run(["lake", "where"]) == 0
