"""The bugs that the long form plants can be planted in the code as it is."""

import sys
import tomllib

import pytest

from squorum_tests.documents import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from planted_bugs import plant

# Each list, and what its files are below.
LISTS = {
    "crates/queue/tests/mutants/mutants.toml": "crates/queue/src",
    "crates/simulation/mutants/mutants.toml": "crates",
}


@pytest.mark.parametrize("bugs", LISTS)
def test_every_bug_finds_its_place(bugs):
    mutants = tomllib.loads((ROOT / bugs).read_text())["mutant"]
    assert mutants
    for mutant in mutants:
        source = (ROOT / LISTS[bugs] / mutant["file"]).read_text()
        assert plant(source, mutant) != source, mutant["name"]
