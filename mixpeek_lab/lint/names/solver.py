"""Computes values that may depend on each other in circles, each once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from mixpeek_lab.lint.names.scopes import Scope
from mixpeek_lab.lint.names.values import NOTHING, UNKNOWN, Values, bounded, union, weight_of

MAX_DEPTH = 80
"""Expressions that are followed into each other before the rest counts as unknown."""
ROUNDS = 5
"""Times a circle is gone through; one that still gives new values then is unknown."""
WEIGHT_PER_STEP = 16
_FREE = 10**9
_CUT = -1

Frame: TypeAlias = Mapping[tuple[int, str], Values]


@dataclass(slots=True, eq=False)
class Context:
    """What is known inside one call of a function, or one round of a comprehension."""

    root: Scope | None
    """The scope in which it holds; None for everywhere."""
    frame: Frame
    """(id of a scope, name) → what the name is in this call."""
    parent: Context | None = None
    memo: dict[object, Values] = field(default_factory=dict)

    def holds(self, scope: Scope | None) -> bool:
        """Whether `scope` is inside."""
        while scope is not None and scope is not self.root:
            scope = scope.parent
        return self.root is None or scope is not None

    @property
    def outmost(self) -> Context:
        """The context that holds everywhere."""
        found = self
        while found.parent is not None:
            found = found.parent
        return found

    def outward(self, scope: Scope) -> Context:
        """The innermost context that holds for `scope`."""
        found = self
        while found.parent is not None and not found.holds(scope):
            found = found.parent
        return found


_Key: TypeAlias = tuple[Context, object]


class Solver:
    """A memo that knows circles.

    What depends on something that is still being computed is only provisional. The outermost
    member of a circle goes round until nothing new comes, and then all of it is final.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        """How many computations are left; at 0 everything else is unknown."""
        self.cut_short = 0
        """How many expressions were too deep to be followed to their end."""
        self.context = Context(None, {})
        self._busy: dict[_Key, int] = {}
        self._provisional: dict[_Key, tuple[Values, int]] = {}
        self._trail: list[_Key] = []
        self._guesses: dict[_Key, Values] = {}
        self._lowest = _FREE
        """The outermost unfinished computation that was asked for since."""
        self._is_new = False

    def solve(self, key: object, context: Context, compute: Callable[[], Values]) -> Values:
        """What `compute` gives for `key`, in `context`; computed once."""
        found = context.memo.get(key)
        if found is not None:
            return found
        whole = (context, key)
        kept = self._provisional.get(whole)
        if kept is not None:
            self._lowest = min(self._lowest, kept[1])
            return kept[0]
        if whole in self._busy:
            self._lowest = min(self._lowest, self._busy[whole])
            return self._guesses.get(whole, NOTHING)
        if len(self._busy) > MAX_DEPTH or self.steps <= 0:
            self._lowest = _CUT
            return UNKNOWN
        return self._compute(whole, compute)

    def _compute(self, whole: _Key, compute: Callable[[], Values]) -> Values:
        depth, start = len(self._busy), len(self._trail)
        around = self._lowest, self._is_new, self.context
        self._busy[whole], self.context = depth, whole[0]
        try:
            found, low = self._rounds(whole, compute, depth, start)
        finally:
            del self._busy[whole]
            self._lowest, self._is_new, self.context = around
        if low >= depth:
            whole[0].memo[whole[1]] = found
            self._settle(start)
        elif depth == 0:
            self.cut_short += 1
            found = union([found, UNKNOWN])
            whole[0].memo[whole[1]] = found
            self._open(0)
            self._settle(0)
        else:
            self._is_new |= self._guess(whole, found)
            self._provisional[whole] = found, low
            self._trail.append(whole)
            self._lowest = min(self._lowest, low)
        return found

    def _rounds(
        self, whole: _Key, compute: Callable[[], Values], depth: int, start: int
    ) -> tuple[Values, int]:
        found: Values = NOTHING
        for _ in range(ROUNDS):
            self._lowest, self._is_new = _FREE, False
            self.steps -= 1
            try:
                found = compute()
                weight = weight_of(found)
                if weight > WEIGHT_PER_STEP:
                    self.steps -= weight // WEIGHT_PER_STEP
                    found = bounded(found)
            except RecursionError:
                self._lowest, found = _CUT, UNKNOWN
            if self._lowest != depth:
                return found, self._lowest
            if not self._guess(whole, found) and not self._is_new:
                return found, depth
            self._forget(start)
        self._open(start)
        return union([found, UNKNOWN]), depth

    def _guess(self, key: _Key, found: Values) -> bool:
        """Keep what a member of a circle is for the next round; whether it is something new."""
        before = self._guesses.get(key)
        self._guesses[key] = found
        return before is None or set(before) != set(found)

    def _open(self, start: int) -> None:
        """All of a circle that did not come to its end may be something else, too."""
        for key in self._trail[start:]:
            values, low = self._provisional[key]
            self._provisional[key] = union([values, UNKNOWN]), low

    def _settle(self, start: int) -> None:
        for context, key in self._trail[start:]:
            context.memo[key] = self._provisional.pop((context, key))[0]
        del self._trail[start:]

    def _forget(self, start: int) -> None:
        for key in self._trail[start:]:
            del self._provisional[key]
        del self._trail[start:]
