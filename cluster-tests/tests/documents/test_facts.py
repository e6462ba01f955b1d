"""Every fact on AWS has a test that names it, or says why it has none."""

from squorum_tests.parity.facts import SOURCES, all_facts, exists, naming_tests

FACTS = all_facts()
TESTS = naming_tests()


def test_facts_are_well_formed():
    ids = [fact.id for fact in FACTS]
    assert len(set(ids)) == len(ids)
    assert {fact.source for fact in FACTS} <= set(SOURCES)
    assert [fact.id for fact in FACTS if fact.untested and fact.id in TESTS] == []


def test_every_fact_has_a_test():
    assert [fact.id for fact in FACTS if fact.id not in TESTS and not fact.untested] == []


def test_tests_name_facts_that_exist():
    known = {fact.id for fact in FACTS}
    assert {fact: TESTS[fact] for fact in TESTS.keys() - known} == {}


def test_tests_that_facts_name_exist():
    named = {test for fact in FACTS for test in fact.tests}
    assert [test for test in sorted(named) if not exists(test)] == []
