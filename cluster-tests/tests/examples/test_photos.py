"""examples/photos while nodes are killed: every photo resized, none in the hands of two workers."""

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import pytest
from PIL import Image

from squorum_tests.programs import kills_in_turn, run_to_the_end
from squorum_tests.size import size

pytestmark = pytest.mark.timeout(900)

PHOTOS = size(100, 400)
VISIBILITY_TIMEOUT_SECONDS = 10
# Clocks run at slightly different speeds, and logs are cut to milliseconds.
TOLERANCE_SECONDS = 0.05
COLOUR_TOLERANCE = 8
LINE = re.compile(r"(\S+) worker (\d+) (received|deleted) (\S+) (\S+)(?: after (\S+) s)?")


@dataclass
class Hold:
    """A message in the hands of a worker. It was handed out at some time from `asked` to `received`."""

    worker: str
    asked: float
    received: float
    deleted: float | None = None


def holds_of(lines: list[str]) -> dict[str, list[Hold]]:
    """By MessageId, in the order of the receives."""
    found: dict[str, list[Hold]] = defaultdict(list)
    for match in filter(None, map(LINE.fullmatch, lines)):
        at = datetime.fromisoformat(match[1]).timestamp()
        holds = found[match[4]]
        if match[3] == "received":
            holds.append(Hold(match[2], at - float(match[6]), at))
        else:
            own = [hold for hold in holds if hold.worker == match[2] and hold.deleted is None]
            own[-1].deleted = at
    for holds in found.values():
        holds.sort(key=lambda hold: hold.received)
    return found


def violations(found: dict[str, list[Hold]]) -> list[str]:
    """What is wrong under every timing that the times allow."""
    wrong = []
    for message_id, holds in found.items():
        for number, later in enumerate(holds):
            for earlier in holds[:number]:
                free = earlier.asked + VISIBILITY_TIMEOUT_SECONDS - TOLERANCE_SECONDS
                if later.received < free:
                    wrong.append(f"{message_id} is in two hands: {earlier} {later}")
                if earlier.deleted is not None and earlier.deleted < later.asked:
                    wrong.append(f"{message_id} is back after its deletion: {earlier} {later}")
    return wrong


def assert_resized(directory) -> None:
    """Each thumbnail is whole and shows its own photo: the colour of a corner tells which."""
    photos = sorted(directory.glob("photos-*/photo-*.jpg"))
    assert len(photos) == PHOTOS
    for photo in photos:
        with Image.open(photo) as large, Image.open(photo.parent / "small" / photo.name) as small:
            small.load()
            assert small.size == (160, 120)
            colours = zip(large.getpixel((8, 8)), small.getpixel((1, 1)), strict=True)
            assert all(abs(one - other) <= COLOUR_TOLERANCE for one, other in colours), photo


def test_every_photo_is_resized_and_in_one_hand(cluster, tmp_path):
    arguments = ("photos/photos.py", "--photos", str(PHOTOS))
    with kills_in_turn(cluster) as kills:
        for directory in kills.rounds(tmp_path):
            lines = run_to_the_end(cluster, directory, *arguments)
            assert_resized(directory)
            found = holds_of(lines)
            assert len(found) >= PHOTOS
            assert violations(found) == []
            assert all(any(hold.deleted for hold in holds) for holds in found.values())


def test_judge_finds_what_it_is_for():
    received = "2026-01-05T10:00:0{}.000 worker {} received id photo after 0.010 s".format
    deleted = "2026-01-05T10:00:0{}.000 worker {} deleted id photo".format
    assert violations(holds_of([received(1, 7), deleted(2, 7)])) == []
    assert "two hands" in violations(holds_of([received(1, 7), received(5, 8)]))[0]
    back = violations(holds_of([received(1, 7), deleted(2, 7), received(3, 8)]))
    assert "back after its deletion" in back[1]
