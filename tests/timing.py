"""How long things take, in a process where much else has happened."""

import gc
import time
from collections.abc import Callable


def cpu_seconds(work: Callable[[], object], rounds: int = 1) -> float:
    """The least processor time of some rounds.

    The collector stands still meanwhile: in the process of a long test run a full collection takes longer than what is
    measured.
    """
    spent = []
    gc.disable()
    try:
        for _ in range(rounds):
            began = time.process_time()
            work()
            spent.append(time.process_time() - began)
    finally:
        gc.enable()
    return min(spent)
