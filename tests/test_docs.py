"""The documentation: its links lead somewhere, and the commands that it shows exist."""

from __future__ import annotations

import argparse
import importlib
import re
from pathlib import Path

import pytest

from fkp.__main__ import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [path for folder in (".", "docs", "exported") for path in sorted((ROOT / folder).glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_into_the_repository_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def parser_of(module: str) -> argparse._SubParsersAction:
    subparsers = argparse.ArgumentParser().add_subparsers()
    importlib.import_module(module).add_parser(subparsers)
    return subparsers


def subcommands(parser: argparse.ArgumentParser) -> set[str]:
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {name for action in actions for name in action.choices}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_that_it_shows_exist(page):
    known = {
        name: subcommands(parser) for module in COMMANDS for name, parser in parser_of(module).choices.items()
    }
    code = "\n".join(re.findall(r"^```bash\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL))
    for command, word in re.findall(r"(?:^|-m )fkp ([a-z]+)(?: +([a-z]\w*))?", code, re.MULTILINE):
        assert command in known
        assert not known[command] or word in known[command], f"{command} {word}"
