"""Writes docs/sqs-compatibility.md from AWS's model, the code, the facts, the table of cases and the
verdicts on other servers. `python -m squorum_tests.compatibility [--check]`."""

import sys

import botocore.session

from squorum_tests.differential import peers, verdicts
from squorum_tests.parity import source
from squorum_tests.parity.cases import LEAST, all_cases
from squorum_tests.parity.errors import ELSEWHERE, NEVER, NEVER_OF_ACTION
from squorum_tests.parity.facts import CASES_TEST, ROOT, all_facts, naming_tests

PAGE = ROOT / "docs" / "sqs-compatibility.md"
INTRODUCTION = (ROOT / "docs" / "sqs-compatibility.head.md").read_text()
MODEL = botocore.session.Session().get_service_model("sqs")
CASES = all_cases()


def main() -> None:
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        sys.exit(f"{PAGE} is stale: run `make compatibility-page`")


def page() -> str:
    parts = [INTRODUCTION.rstrip(), actions(), attributes(), errors(), limits()]
    parts += [facts(section) for section in dict.fromkeys(fact.section for fact in all_facts())]
    return "\n\n".join([*parts, other_servers()]) + "\n"


def table(head: tuple[str, ...], rows: list[tuple]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        cells = (str(cell).replace("|", "\\|").replace("\n", "⏎") for cell in row)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def actions() -> str:
    rows = []
    for action in sorted(MODEL.operation_names):
        cases = [case for case in CASES if case.action == action]
        modelled = {shape.name for shape in MODEL.operation_model(action).error_shapes}
        tested = {case.error for case in cases if case.error} & modelled
        supported = "yes" if source.handles(action) and action in LEAST else "**no**"
        rows.append((action, supported, len(cases), listed(tested)))
    head = ("action", "supported", "cases", "errors of its model that cases bring about")
    text = (
        "Each over JSON and Query, by current boto3 and by Debian 12's. A case is one call with what "
        f"AWS answers, in [the table of cases]({link('cluster-tests/squorum_tests/parity/cases.py')})."
    )
    return f"## Actions\n\n{text}\n\n{table(head, rows)}"


def attributes() -> str:
    named = naming_tests()
    rows = []
    for name in sorted(MODEL.shape_for("QueueAttributeName").enum):
        if name == "All":
            continue
        about = [fact for fact in all_facts() if name in fact.text or name in _attributes(fact.id)]
        differs = "; ".join(dict.fromkeys(fact.differs for fact in about if fact.differs))
        tests = sorted({test for fact in about for test in named.get(fact.id, ())})
        cases = sum(name in case.arguments.get("Attributes", {}) for case in CASES)
        rows.append((name, "yes", differs or "–", len(tests), cases))
    head = ("attribute", "supported", "how it differs from AWS", "tests", "cases")
    return f"## Queue attributes\n\n{table(head, rows)}"


def _attributes(fact: str) -> tuple[str, ...]:
    """Attributes that a fact is about without naming them in full."""
    return {
        "attribute.counters": (
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
        ),
        "limit.delay": ("DelaySeconds",),
        "limit.visibility": ("VisibilityTimeout",),
        "limit.retention": ("MessageRetentionPeriod",),
        "queue.arn": ("QueueArn",),
    }.get(fact, ())


def errors() -> str:
    rows = []
    for shape, (namespace, code, status) in source.error_shapes().items():
        cases = sum(case.error == shape for case in CASES)
        elsewhere = [test for (_, error), test in ELSEWHERE.items() if error == shape]
        never = NEVER.get(shape) or _never_of_actions(shape)
        if cases:
            tested = f"cases: {cases}"
        elif elsewhere:
            tested = ", ".join(f"[{short(test)}]({link(test)})" for test in elsewhere)
        else:
            tested = f"never: {never}" if never else "Rust tests of `crates/aws`"
        rows.append((f"`{namespace}{shape}`", f"`{code}`", status, tested))
    head = ("JSON `__type`", "Query code", "status", "tested by")
    never = [(action, error, reason) for (action, error), reason in sorted(NEVER_OF_ACTION.items())]
    return "\n\n".join(
        [
            "## Errors",
            table(head, rows),
            "Of single actions, never:",
            table(("action", "error", "why"), never),
        ]
    )


def _never_of_actions(shape: str) -> str | None:
    """Why an error that single actions have never occurs, if one of them says so."""
    reasons = (reason for (_, error), reason in NEVER_OF_ACTION.items() if error == shape)
    return next(reasons, None)


def limits() -> str:
    rows = []
    for name, figure in source.limits().items():
        text = f"{figure[0]:,}–{figure[1]:,}" if isinstance(figure, tuple) else f"{figure:,}"
        rows.append((f"`{name}`", text))
    return "\n\n".join(
        [
            "## Figures",
            f"As `{source.LIMITS.relative_to(ROOT)}` has them; a test holds them against AWS's.",
            table(("limit", "figure"), rows),
        ]
    )


def facts(section: str) -> str:
    named = naming_tests()
    rows = []
    for fact in all_facts():
        if fact.section != section:
            continue
        tests = [f"[{short(test)}]({link(test)})" for test in named.get(fact.id, ())]
        tested = ", ".join(tests) or f"not: {fact.untested}"
        rows.append((fact.text, fact.source, fact.differs or "–", tested))
    head = ("what AWS does", "source", "how Squorum differs", "tested by")
    return f"## {section}\n\n{table(head, rows)}"


def other_servers() -> str:
    known = verdicts.read()
    kinds = table(("verdict", "meaning"), list(verdicts.KINDS.items()))
    rows = []
    for step, row in known.items():
        verdict = row["verdict"] + (f": {row['why']}" if row.get("why") else "")
        answers = "; ".join(f"**{peer}** {row[peer]}" for peer in peers.NAMES if peer in row)
        rows.append((step, verdict, answers))
    counts = ", ".join(
        f"{sum(peer in row for row in known.values())} steps at {peer}" for peer in peers.NAMES
    )
    return "\n\n".join(
        [
            "## Other servers",
            "`make compare-servers` makes the same calls, the table of cases and some stories, to "
            "Squorum and to other servers that speak SQS, and lists what differs: "
            f"{counts}. An answer of AWS that was recorded wins. An empty verdict fails.",
            kinds,
            table(("call", "verdict", "what others answer"), rows),
        ]
    )


def listed(names) -> str:
    return ", ".join(sorted(names)) or "–"


def short(test: str) -> str:
    """A test's name without its folders."""
    if test == CASES_TEST:
        return "cases"
    place, _, name = test.partition("::")
    return name.removeprefix("test_").replace("_", " ") if name else place.rsplit("/", 1)[1]


def link(test: str) -> str:
    return f"../{test.partition('::')[0]}"


if __name__ == "__main__":
    main()
