"""`slotproof prove --without CONTRACT`: what becomes possible where one contract is dropped."""

from __future__ import annotations

import functools
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import click

from conformance.commands.common import exit_with
from model.profiles import Mapping, Profile
from smt_proofs.book.book import prove_book
from smt_proofs.solving.solve import Verdict
from smt_proofs.transitions.claims import claims_of, mappings_of, transitions
from smt_proofs.transitions.determined import determined
from smt_proofs.transitions.needed import SETTINGS, Needed, contract_names, without

ALONE = "--without shows one second device by itself: only --profile goes with it"


def without_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--without CONTRACT`, which is carried out in the place of the command."""

    @click.option(
        "--without",
        "dropped",
        metavar="CONTRACT",
        help="Drop a contract instead, and show a second device that all others permit.",
    )
    @functools.wraps(command)
    def either(dropped: str | None, profile: Profile, **given: Any) -> None:
        if dropped is None:
            command(profile=profile, **given)
            return
        kept = ("theorems", "export", "certificate", "expect", "shard", "listing", "mutants")
        if any(given[name] for name in (*kept, "junit_file", "sarif_file", "as_json")):
            raise click.UsageError(ALONE)
        exit_with(judged_without(dropped, profile))

    return either


def judged_without(name: str, profile: Profile) -> int:
    """Say what a profile's devices may be without a contract.

    Returns 1 where a second device is shown, else what proving without it comes to. Raises
    click.UsageError for a name that is no contract of the profile.
    """
    known = [*contract_names(follows=False), *contract_names(follows=True)]
    if name not in known:
        close = get_close_matches(name, known, n=3)
        meant = f"did you mean {' or '.join(close)}? " if close else ""
        raise click.UsageError(f"unknown contract {name!r}: {meant}docs/rules.md has all")
    concerned = _concerned(name, profile)
    if not concerned:
        raise click.UsageError(f"{name} is claimed of nothing that {profile.name} does")
    if name in contract_names(follows=False):
        here = [(profile, mapping) for mapping in mappings_of(profile)]
        # Another profile's devices may need what follows for this one's.
        found = next(without(name, [*here, *SETTINGS]), None)
        if found is None:
            click.echo(f"not decided: no second device found without {name}")
            return 3
        click.echo("\n".join(_told(found)))
        return 1
    theorems = list(dict.fromkeys(determined(transition) for transition in concerned))
    book = prove_book(theorems, profile=profile.name)
    for proof in book.transitions:
        if proof.theorem not in theorems:
            continue
        verdict = "proven" if proof.verdict is Verdict.PROVEN else proof.verdict.value.upper()
        click.echo(f"{proof.theorem} without {name} (mapping {proof.mapping.value}): {verdict}")
    code = book.exit_code()
    if code == 0:
        click.echo(f"{name} is a consequence of the other contracts and the invariants")
    return code


def _concerned(name: str, profile: Profile) -> list[str]:
    """The transitions of which a contract is claimed."""

    def claimed(mapping: Mapping, transition: str) -> bool:
        return any(claim.serves == name for claim in claims_of(mapping, transition))

    return [t for t in transitions() if any(claimed(m, t) for m in mappings_of(profile))]


def _told(found: Needed) -> list[str]:
    """A second device, line by line."""
    situation, _, outcomes = found.shown.partition(": ")
    right, _, other = outcomes.partition("; or else ")
    return [
        f"{determined(found.transition)} does not hold without {found.contract} "
        f"({found.profile}, mapping {found.mapping})",
        f"  situation, executed: {situation}",
        f"  the rules:           {right}",
        f"  a second device:     {other}",
    ]
