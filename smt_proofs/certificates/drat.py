"""A checker of DRAT proofs of scripts with bit-vectors, independent of any solver.

The script is made clauses by `bits`, anew for each check, so that a proof of other clauses is none
of it. dratify goes through the proof from its start and accepts a clause only if it follows from
those before it by unit propagation: DRAT also has clauses that merely keep satisfiability, which
CaDiCaL does not need here, and which are not accepted.
"""

from __future__ import annotations

from smt_proofs.certificates.alethe import Rejected
from smt_proofs.certificates.bits import Unreadable, clauses_of


def check(script: str, proof: str) -> int:
    """Check that the proof derives a contradiction from the script's clauses.

    Returns the number of clauses that were seen to follow, the empty one among them. Raises
    Rejected where it does not.
    """
    from dratify import CNF, check_proof

    try:
        formula = CNF()
        for clause in clauses_of(script).clauses:
            formula.add_dimacs(clause)
        judged = check_proof(formula, proof, check_rat=False, engine="python")
    except Unreadable as error:
        raise Rejected(str(error)) from None
    except ValueError as error:
        raise Rejected(f"the proof cannot be read: {error}") from None
    if not judged.ok or not judged.reached_empty:
        raise Rejected(judged.reason)
    # Where the clauses contradict each other by unit propagation, no other step is looked at.
    return max(judged.rup_steps, 1)
