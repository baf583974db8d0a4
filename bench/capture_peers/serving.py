"""What a process that is measured answers: it does a work some times and says how long each took."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any


def serve(work: Callable[[str, int], None], count: Callable[[], int], tidy: Callable[[bool], None]) -> None:
    """Answer until nobody asks any more.

    ``{"work": name, "first": n, "times": m}`` is answered by ``{"seconds": [...]}``; with ``"count": true`` by
    ``{"recorded": n}`` too, how many changes were recorded of it. Before it answers, the database is tidied, and with
    ``"vacuum": true`` of the dead rows that many changes leave behind.
    """
    for line in sys.stdin:
        question = json.loads(line)
        answer = _answer(question, work, count)
        tidy(question.get("vacuum", False))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _answer(
    question: dict[str, Any], work: Callable[[str, int], None], count: Callable[[], int]
) -> dict[str, Any]:
    counted = question.get("count", False)
    before = count() if counted else 0
    seconds = []
    try:
        for number in range(question["first"], question["first"] + question["times"]):
            begun = time.perf_counter()
            work(question["work"], number)
            seconds.append(time.perf_counter() - begun)
    except Exception as error:  # noqa: BLE001 - whatever a library raises is its result
        return {"error": f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"}
    return {"seconds": seconds} | ({"recorded": count() - before} if counted else {})
