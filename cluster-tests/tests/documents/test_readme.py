"""A newcomer who follows README.md to the letter, in a fresh clone with nothing built, gets a message
through, and sees no message lost when a node dies. At full size alone: it compiles everything."""

import json
import subprocess

import pytest

from squorum_tests.documents import ROOT
from squorum_tests.size import LONG

SECONDS_MAX = 9_000


@pytest.mark.timeout(SECONDS_MAX)
@pytest.mark.skipif(not LONG, reason="compiles everything; test_commands.py has the short form")
def test_followed_to_the_letter():
    followed = subprocess.run(
        [ROOT / "scripts/follow-readme"], stdout=subprocess.PIPE, text=True, timeout=SECONDS_MAX
    )
    print(followed.stdout)
    assert followed.returncode == 0
    figures = json.loads(followed.stdout.splitlines()[-1])
    assert figures["seconds_to_first_message"] > 0
    assert figures["none_lost"]
