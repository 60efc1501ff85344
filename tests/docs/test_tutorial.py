"""Every command of `docs/tutorial.md` runs on a real installation and prints what the page says, up to the chart."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.services.process import stop

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()
BIN = Path(sys.executable).parent
HERE = "http://127.0.0.1:8000"
PASSWORD = "a long enough password"


@dataclass(frozen=True)
class Step:
    """A block of commands, and the lines that it prints; an error among them means that the last command fails."""

    commands: str
    said: tuple[str, ...]


def steps() -> Iterator[Step]:
    for commands, said in re.findall(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", PAGE, re.MULTILINE | re.DOTALL):
        yield Step(commands, tuple(filter(None, map(plain, said.splitlines()))))


def plain(line: str) -> str:
    """Without what differs from run to run, and without widths."""
    return re.sub(r"\s+", " ", re.sub(r"\d{8}T\d{6}Z", "<drop>", line)).strip()


class Site:
    """`outlay up`, and a browser's session in it."""

    def __init__(self, folder: Path) -> None:
        self._log = (folder / "up.log").open("wb")
        self.process = subprocess.Popen(
            [BIN / "outlay", "up", "--port", "0"], cwd=folder, stdout=subprocess.PIPE, stderr=self._log
        )
        self.session = requests.Session()
        self.session.trust_env = False
        said = self._said_until("signs in with this link")
        found = re.search(r"Outlay is up: (\S+)", said)
        link = re.search(r"with this link, once: (\S+)", said)
        assert found, said
        assert link, said
        self.url, self._link = found[1], link[1]

    def _said_until(self, text: str) -> str:
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line.decode()
            if text in said:
                return said
        raise AssertionError(said)

    def sign_in(self) -> None:
        self.session.get(self._link, timeout=60)
        self._post(self._link, username="ada", password=PASSWORD, again=PASSWORD)

    def token(self) -> str:
        page = self._post(f"{self.url}/account/tokens", name="tutorial", role="viewer", scope="read", days="1")
        found = re.search(r'value="(outlay_[\w-]+)"', page)
        assert found, page
        return found[1]

    def page(self, address: str) -> str:
        answer = self.session.get(address.replace(HERE, self.url), timeout=60, allow_redirects=False)
        assert answer.status_code == 200, answer.text
        return answer.text

    def _post(self, url: str, **form: str) -> str:
        headers = {"X-CSRFToken": self.session.cookies["outlay-csrf"] or "", "Referer": f"{self.url}/"}
        answer = self.session.post(url, data=form, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.text

    def close(self) -> None:
        self.session.close()
        stop(self.process, signal.SIGTERM)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()


@pytest.fixture
def sites() -> Iterator[list[Site]]:
    started: list[Site] = []
    yield started
    for each in started:
        each.close()


def test_the_tutorial_leads_to_the_chart(tmp_path: Path, sites: list[Site]) -> None:
    environ = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "COLUMNS": "200"}
    for step in steps():
        if step.commands == "outlay up\n":
            sites.append(Site(tmp_path))
            sites[0].sign_in()
            environ["TOKEN"] = sites[0].token()
            continue
        commands = step.commands.replace(HERE, sites[0].url) if sites else step.commands
        assert commands == step.commands or "curl" in commands
        done = subprocess.run(["bash", "-ec", commands], cwd=tmp_path, env=environ, capture_output=True, text=True)
        printed = "\n".join(map(plain, f"{done.stdout}\n{done.stderr}".splitlines()))
        fails = any(line.startswith("error: ") for line in step.said)
        assert (done.returncode != 0) == fails, f"{commands}{printed}"
        for line in step.said:
            assert line in printed, printed
    (address,) = re.findall(rf"<({HERE}/explorer\S+)>", PAGE)
    page = sites[0].page(address)
    assert "data-chart" in page
    for shown in ("Virtual servers", "6,978.60", "Object storage", "225.28", "7,241.40"):
        assert shown in page


def test_the_tutorial_has_all_of_its_steps() -> None:
    """Blocks that the pattern does not find would be tested by nobody."""
    assert len(list(steps())) == PAGE.count("```sh\n") == 9
    assert sum(len(step.said) for step in steps()) == sum(
        1 for block in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines() if line.strip()
    )
