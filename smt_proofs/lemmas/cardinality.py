"""The number of members of a set, by induction on an upper bound of its indices.

`below(n)` counts the members below n: none below 0, and one more below n + 1 if n is a member. The
two equations are premises where they are used. The number of members of a set is `below(n)` for any
n that no member reaches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import z3

from smt_proofs.lemmas.index_induction import Given, Induction, Query, Wrong, query, register
from smt_proofs.lemmas.summaries import Test, cleared, filled, within
from smt_proofs.solving.solve import Term


@dataclass(frozen=True, slots=True)
class Counted:
    """A set by its membership test, and the function that counts its members."""

    name: str
    holds: Test
    below: Test

    def starts(self) -> Given:
        """No index is below 0."""
        return {f"{self.name}: none below 0": self.below(z3.IntVal(0)) == 0}

    def counts(self, n: Term) -> Given:
        """The count goes up by one exactly at members."""
        more = self.below(n + 1) == self.below(n) + z3.If(self.holds(n), 1, 0)
        return {f"{self.name}: n counts if it is a member": more}


def counted(name: str, holds: Test | None = None) -> Counted:
    """A set with a count of its own: a free one, or that of a membership test."""
    free = z3.Function(name, z3.IntSort(), z3.BoolSort())
    count = z3.Function(f"below.{name}", z3.IntSort(), z3.IntSort())
    return Counted(name, holds or (lambda i: free(i)), lambda n: count(n))


N = z3.Int("n")
FROM_ZERO: Given = {"n is an index": N >= 0}


def by_steps(
    sets: tuple[Counted, ...], claim: Test, known: Callable[[Term], Given]
) -> tuple[Query, ...]:
    """Base and step of a claim about the counts below n; `known` is what is given at an index."""
    starts = {label: term for each in sets for label, term in each.starts().items()}
    counts = {label: term for each in sets for label, term in each.counts(N).items()}
    zero = z3.IntVal(0)
    so_far = FROM_ZERO | {"the claim below n": claim(N)}
    return (
        query("base", claim(zero), starts | known(zero)),
        query("step", claim(N + 1), so_far | counts | known(N)),
    )


def of_range(
    change: Callable[..., Test], grows: Callable[[Term], Term], full: bool
) -> tuple[Query, ...]:
    """Base, step and end for a set whose range [a, b) is changed, all in (`full`) or none before.

    Below n as many indices changed as [a, b) has there; `grows` is what a number of changed indices
    does to the count.
    """
    a, b = z3.Ints("a b")
    before = counted("before")
    after = counted("after", change(before.holds, a, b))

    def reached(n: Term) -> Term:
        return z3.If(n <= a, 0, z3.If(n <= b, n - a, b - a))

    def claim(n: Term) -> Term:
        return after.below(n) == before.below(n) + grows(reached(n))

    def known(n: Term) -> Given:
        wanted = before.holds(n) if full else z3.Not(before.holds(n))
        what = "all" if full else "none"
        return {
            "a range of indices": z3.And(a >= 0, a <= b),
            f"{what} of the range is in before, at the index": z3.Implies(within(n, a, b), wanted),
        }

    whole = after.below(N) == before.below(N) + grows(b - a)
    past = {"n is past the range": b <= N, "the claim below n": claim(N)}
    return (
        *by_steps((before, after), claim, known),
        query("end", whole, FROM_ZERO | known(N) | past),
    )


def _range_longer(change: Callable[..., Test]) -> Callable[..., Test]:
    return lambda items, a, b: change(items, a, b + 1)


def growing(change: Callable[..., Test], grows: Callable[[Term], Term]) -> tuple[Query, ...]:
    """A range that holds no member is added."""
    return of_range(change, grows, full=False)


def shrinking(change: Callable[..., Test], grows: Callable[[Term], Term]) -> tuple[Query, ...]:
    """A range of members is removed."""
    return of_range(change, grows, full=True)


register(
    Induction(
        name="filling_adds_a_range",
        claim="filling a range [a, b) that holds no member adds b - a members",
        loop="",
        source="vmem->size += size in virtio_mem_set_block_state",
        parts={"change": filled, "grows": lambda more: more},
        queries=growing,
        wrong=(
            Wrong("range-one-longer", "change", _range_longer(filled), "step"),
            Wrong("shrinks", "grows", lambda more: -more, "step"),
        ),
    )
)
register(
    Induction(
        name="clearing_takes_a_range",
        claim="clearing a range [a, b) of members takes b - a members",
        loop="",
        source="vmem->size -= size in virtio_mem_set_block_state",
        parts={"change": cleared, "grows": lambda more: -more},
        queries=shrinking,
        wrong=(
            Wrong("range-one-longer", "change", _range_longer(cleared), "step"),
            Wrong("grows", "grows", lambda more: more, "step"),
        ),
    )
)


def bounded(holds: Test, claim: Callable[[Test, Term], Term]) -> tuple[Query, ...]:
    """A claim about the count of one set, given nothing else."""
    items = counted("items", holds)
    return by_steps((items,), lambda n: claim(items.below, n), lambda n: {})


register(
    Induction(
        name="empty_set_has_no_member",
        claim="a set without members counts none",
        loop="",
        source="vmem->size = 0 in virtio_mem_unplug_all",
        parts={
            "holds": lambda i: z3.BoolVal(False),
            "claim": lambda below, n: below(n) == 0,
        },
        queries=bounded,
        wrong=(
            Wrong("one-member", "holds", lambda i: i == 0, "step"),
            Wrong("counts-one", "claim", lambda below, n: below(n) == 1, "base"),
        ),
    )
)

_ITEMS = z3.Function("members", z3.IntSort(), z3.BoolSort())
_M = z3.Int("m")


def of_member(member: Callable[[Term], Term]) -> tuple[Query, ...]:
    """A set with a member m: the count is never negative, and at least 1 past m."""
    items = counted("items")

    def claim(n: Term) -> Term:
        return z3.And(items.below(n) >= 0, z3.Implies(n > _M, items.below(n) >= 1))

    def known(_: Term) -> Given:
        return {"m is an index": _M >= 0, "m is a member": member(items.holds(_M))}

    return by_steps((items,), claim, known)


register(
    Induction(
        name="a_member_counts",
        claim="a set with a member counts one or more",
        loop="",
        source="if (vmem->size) in virtio_mem_unplug_all",
        parts={"member": lambda holds: holds},
        queries=of_member,
        wrong=(Wrong("not-a-member", "member", z3.Not, "step"),),
    )
)
register(
    Induction(
        name="members_below_a_bound_are_no_more",
        claim="at most n members are below n",
        loop="",
        source="vmem->size <= region size",
        parts={
            "holds": lambda i: _ITEMS(i),
            "claim": lambda below, n: z3.And(below(n) >= 0, below(n) <= n),
        },
        queries=bounded,
        wrong=(
            Wrong(
                "fewer-than-the-bound",
                "claim",
                lambda below, n: z3.Or(n == 0, below(n) < n),
                "step",
            ),
        ),
    )
)


def past_members(reached: Callable[[Term, Term], Term]) -> tuple[Query, ...]:
    """A set of which no member reaches a bound: the count does not change from there on."""
    items, bound = counted("items"), z3.Int("bound")

    def claim(n: Term) -> Term:
        return items.below(n) == items.below(bound)

    past = {"the bound is an index": bound >= 0, "n is at the bound or past it": bound <= N}
    members = {
        "no member reaches the bound, at n": z3.Not(z3.And(items.holds(N), reached(N, bound)))
    }
    return (
        query("base", claim(N), {"n is the bound": bound == N}),
        query(
            "step", claim(N + 1), past | members | {"the claim at n": claim(N)} | items.counts(N)
        ),
    )


register(
    Induction(
        name="count_stops_at_the_bound",
        claim="past a bound on all members the count stays as it is",
        loop="",
        source="vmem->bitmap_size bits hold every plugged block",
        parts={"reached": lambda i, bound: i >= bound},
        queries=past_members,
        wrong=(Wrong("the-bound-is-a-member", "reached", lambda i, bound: i > bound, "step"),),
    )
)


def equal_sets(alike: Callable[[Term, Term], Term]) -> tuple[Query, ...]:
    """Two sets whose membership tests agree at every index."""
    a, b = counted("a"), counted("b")

    def known(n: Term) -> Given:
        return {"the sets agree at the index": alike(a.holds(n), b.holds(n))}

    return by_steps((a, b), lambda n: a.below(n) == b.below(n), known)


register(
    Induction(
        name="equal_sets_count_alike",
        claim="sets with the same members count the same",
        loop="",
        source="a set is its members",
        parts={"alike": lambda a, b: a == b},
        queries=equal_sets,
        wrong=(Wrong("included-only", "alike", z3.Implies, "step"),),
    )
)
