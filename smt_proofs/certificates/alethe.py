"""A checker of proofs in the Alethe format, independent of any solver.

It reads the script and the proof, and accepts each step only if its conclusion follows from the
clauses that the step names: by propositional reasoning with relations of integers in normal form,
by congruence, by multiplication, or as the sum of inequalities whose factors the step gives. Rule
names choose how to look, and nothing is taken from them on trust; a step that does not follow so is
not accepted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from smt_proofs.certificates.linear import Arithmetic, contradict, multiplied
from smt_proofs.certificates.propositional import Clause, Logic, stripped
from smt_proofs.certificates.sexpr import Expression, Term, Terms, expressions

CONGRUENCE = frozenset({"refl", "symm", "not_symm", "trans", "cong"})
PRODUCTS = frozenset({"la_mult_pos", "la_mult_neg", "la_mult_sign"})
REORDERED = "aci_simp"


class Rejected(ValueError):
    """The text is no proof of the script: it says where and why."""


@dataclass(slots=True)
class _Scope:
    """The clauses known within a subproof, and what it assumes."""

    clauses: dict[str, Clause] = field(default_factory=dict)
    assumed: dict[str, Term] = field(default_factory=dict)
    last: Clause | None = None


def check(script: str, proof: str) -> int:
    """Check that the proof derives a contradiction from the script's assertions.

    Returns the number of steps. Raises Rejected where it does not.
    """
    return _Checker(script).run(proof)


class _Checker:
    def __init__(self, script: str) -> None:
        self._terms = Terms()
        self._arithmetic = Arithmetic()
        self._logic = Logic(self._terms, self._arithmetic)
        self._asserted: set[Term] = set()
        self._asked = False
        self._scopes = [_Scope()]
        self._steps = 0
        try:
            for command in expressions(script):
                self._command(command)
        except (ValueError, IndexError, TypeError, RecursionError) as error:
            raise Rejected(f"the script cannot be read: {error}") from None

    def _command(self, command: Expression) -> None:
        match command:
            case ["declare-const", str(name), sort]:
                self._terms.declare(name, [], sort)
            case ["declare-fun", str(name), [*domain], sort]:
                self._terms.declare(name, domain, sort)
            case ["assert", said] if not self._asked:
                self._asserted.add(self._claim(said))
            case ["check-sat"]:
                self._asked = True
            case ["set-info" | "set-logic", *_]:
                pass
            case _:
                raise Rejected(f"the script has a command that is not read: {str(command)[:60]}")

    def _claim(self, said: Expression) -> Term:
        term = self._terms.read(said)
        if not term.logical:
            raise Rejected(f"a truth value is expected: {str(said)[:60]}")
        return term

    def run(self, proof: str) -> int:
        try:
            commands = list(expressions(proof))
            # The whole may stand in one more pair of parentheses.
            if len(commands) == 1 and commands[0] and isinstance(commands[0][0], list):
                commands = list(commands[0])
            for command in commands:
                self._carry_out(command)
        except (ValueError, IndexError, KeyError, TypeError, RecursionError) as error:
            if isinstance(error, Rejected):
                raise
            raise Rejected(f"the proof cannot be read: {error}") from None
        if len(self._scopes) != 1 or self._scopes[0].last is None or self._scopes[0].last:
            raise Rejected("the proof does not end in the empty clause")
        return self._steps

    def _carry_out(self, command: Expression) -> None:
        match command:
            case ["assume", str(name), said]:
                self._assume(name, self._claim(said))
            case ["anchor", ":step", str()]:
                self._scopes.append(_Scope())
            case ["step", str(name), ["cl", *literals], ":rule", str(rule), *rest]:
                clause = [self._claim(literal) for literal in literals]
                self._step(name, clause, rule, rest)
            case _:
                raise Rejected(f"no command of a proof: {str(command)[:60]}")

    def _assume(self, name: str, term: Term) -> None:
        scope = self._scopes[-1]
        if len(self._scopes) == 1 and term not in self._asserted:
            raise Rejected(f"{name} assumes what the script does not assert")
        scope.assumed[name] = term
        self._know(name, [term])

    def _know(self, name: str, clause: Clause) -> None:
        if any(name in scope.clauses for scope in self._scopes):
            raise Rejected(f"{name} is used twice")
        self._scopes[-1].clauses[name] = clause
        self._scopes[-1].last = clause

    def _clause(self, name: Expression) -> Clause:
        for scope in reversed(self._scopes):
            if isinstance(name, str) and name in scope.clauses:
                return scope.clauses[name]
        raise Rejected(f"{name} is not known here")

    def _step(self, name: str, clause: Clause, rule: str, rest: Sequence[Expression]) -> None:
        attributes = dict(zip(map(str, rest[::2]), rest[1::2], strict=True))
        self._steps += 1
        if rule == "subproof":
            good = self._discharge(clause, attributes.get(":discharge", []))
        else:
            premises = [self._clause(premise) for premise in attributes.get(":premises", [])]
            good = self._follows(rule, premises, clause, attributes.get(":args", []))
        if not good:
            raise Rejected(f"{name} does not follow by {rule}, as far as can be seen")
        self._know(name, clause)

    def _discharge(self, clause: Clause, discharged: Expression) -> bool:
        """What was shown under assumptions holds where one of them does not."""
        if len(self._scopes) < 2:
            return False
        scope = self._scopes.pop()
        if set(discharged) != set(scope.assumed) or scope.last is None:
            return False
        shown = {stripped(term, False) for term in scope.assumed.values()}
        shown |= {stripped(literal) for literal in scope.last}
        return shown <= {stripped(literal) for literal in clause}

    def _follows(
        self, rule: str, premises: Sequence[Clause], clause: Clause, arguments: Expression
    ) -> bool:
        if rule in CONGRUENCE and self._congruent(premises, clause):
            return True
        if rule == "la_generic" and self._sums_up(clause, arguments):
            return True
        if rule in PRODUCTS and self._multiplied(clause):
            return True
        if rule == REORDERED and _same_parts(clause):
            return True
        return self._logic.follows(premises, clause)

    def _congruent(self, premises: Sequence[Clause], clause: Clause) -> bool:
        """The sides are equal by the premises, which are equations, or part by part."""
        if len(clause) != 1:
            return False
        classes: dict[Term, Term] = {}

        def find(term: Term) -> Term:
            while term in classes:
                term = classes[term]
            return term

        (conclusion, positive), denied = stripped(clause[0]), None
        for premise in premises:
            if len(premise) != 1:
                return False
            equation, holds = stripped(premise[0])
            if equation.operator != "=" or len(equation.arguments) != 2:
                return False
            left, right = map(find, equation.arguments)
            if not holds:
                denied = {left, right}
            elif left is not right:
                classes[left] = right
        if conclusion.operator != "=" or len(conclusion.arguments) != 2:
            return False
        left, right = conclusion.arguments
        if not positive:
            return denied is not None and {find(left), find(right)} == {*map(find, denied)}
        if find(left) is find(right):
            return True
        same = left.operator == right.operator and len(left.arguments) == len(right.arguments)
        pairs = zip(left.arguments, right.arguments, strict=True) if same else ()
        return same and all(find(a) is find(b) for a, b in pairs)

    def _multiplied(self, clause: Clause) -> bool:
        """What is said of factors implies what is said of their product."""
        if len(clause) != 1 or clause[0].operator != "=>" or len(clause[0].arguments) != 2:
            return False
        known, claim = clause[0].arguments
        return known.operator == "and" and multiplied(self._arithmetic, known.arguments, claim)

    def _sums_up(self, clause: Clause, arguments: Expression) -> bool:
        read = (self._terms.read(argument).value for argument in arguments)
        factors = [factor for factor in read if factor is not None]
        known = [self._terms.negation(literal) for literal in clause]
        return len(factors) == len(known) and contradict(self._arithmetic, known, factors)


def _same_parts(clause: Clause) -> bool:
    """The clause equates two conjunctions, or two disjunctions, of the same parts."""
    if len(clause) != 1 or clause[0].operator != "=" or len(clause[0].arguments) != 2:
        return False
    left, right = clause[0].arguments
    return any(
        operator in {left.operator, right.operator}
        and _parts(left, operator) == _parts(right, operator)
        for operator in ("and", "or")
    )


def _parts(term: Term, operator: str) -> set[Term]:
    """What is joined by the operator, however nested, without what adds nothing to it."""
    neutral = "true" if operator == "and" else "false"
    found: set[Term] = set()
    seen: set[Term] = set()
    waiting = [term]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        if one.operator == operator:
            waiting += one.arguments
        elif one.operator != neutral:
            found.add(one)
    return found
