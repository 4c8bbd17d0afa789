"""Work in a thread: its end, what it returned, and what it failed with."""

from __future__ import annotations

import threading

import pytest

from TTAUncertaintyLib.background_work import BackgroundWork
from TTAUncertaintyLib.errors import InputError, TTAUncertaintyError


def test_it_goes_on_beside_and_hands_over_what_it_made() -> None:
    go_on = threading.Event()
    work = BackgroundWork(lambda: go_on.wait(20) and 7)
    assert not work.ended and not work.wait(0.01) and work.result is None
    go_on.set()
    assert work.take() == 7
    assert work.ended and work.wait() and work.error is None and work.result == 7


def test_an_error_in_words_is_raised_as_it_is_and_any_other_becomes_one() -> None:
    def refuse() -> None:
        raise InputError("No.", "Yes.")

    with pytest.raises(InputError, match=r"No\."):
        BackgroundWork(refuse).take()

    work = BackgroundWork(lambda: 1 / 0)
    with pytest.raises(TTAUncertaintyError, match="ZeroDivisionError"):
        work.take()
    assert work.error is not None and work.ended
