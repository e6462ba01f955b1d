"""What the code itself says, read from its sources: limits and the table of errors that is generated
from AWS's model."""

import re

from .facts import ROOT

LIMITS = ROOT / "crates/types/src/limits.rs"
HANDLERS = ROOT / "crates/aws/src/actions"
ERROR_SHAPES = ROOT / "crates/aws/src/generated/error_shape.rs"


def limits() -> dict[str, int | tuple[int, int]]:
    """Figures by name; ranges with both ends."""
    constant = re.compile(r"^pub const (\w+): [^=]+ = ([^;]+);", re.MULTILINE)
    return {name: _figure(value) for name, value in constant.findall(LIMITS.read_text())}


def _figure(text: str) -> int | tuple[int, int]:
    if "..=" in text:
        low, high = text.split("..=")
        return _product(low), _product(high)
    return _product(text)


def _product(text: str) -> int:
    result = 1
    for factor in text.split("*"):
        result *= int(factor.strip().replace("_", ""))
    return result


def handles(action: str) -> bool:
    """Whether there is a handler of the action."""
    file = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", action).lower()
    return (HANDLERS / f"{file}.rs").exists()


def error_shapes() -> dict[str, tuple[str, str, int]]:
    """Of each error the namespace, the code of the Query protocol and the status."""
    text = ERROR_SHAPES.read_text()
    json_types, rest = text.split("fn query_code")
    codes, statuses = rest.split("fn http_status")
    arm = r"ErrorShape::(\w+) => (?:\{\s*)?\"([^\"]+)\""
    namespaces = {name: value.split("#")[0] + "#" for name, value in re.findall(arm, json_types)}
    by_code = dict(re.findall(arm, codes))
    by_status = {
        name: int(status)
        for names, status in re.findall(r"((?:\|?\s*ErrorShape::\w+\s*)+)=> (\d+)", statuses)
        for name in re.findall(r"ErrorShape::(\w+)", names)
    }
    return {name: (namespaces[name], by_code[name], by_status[name]) for name in namespaces}
