"""Calls in expressions: of functions of the file, of primitives, and those that are ignored."""

from __future__ import annotations

from tree_sitter import Node

from smt_proofs.source.c_types import (
    I32,
    POINTER,
    U64,
    VOID,
    CType,
)
from smt_proofs.source.names import (
    APART,
    CALLBACK,
    HELPERS,
    OWN,
    PRIMITIVES,
    PURE,
    RANGED,
    SLOT_TYPE,
    is_ignored,
)
from smt_proofs.source.operators import (
    MACROS,
    converted,
)
from smt_proofs.source.places import Places
from smt_proofs.source.structs import SWAPS
from smt_proofs.source.syntax import text_of
from smt_proofs.source.typed import Call, Const, Convert, Expr, Place


class Calling(Places):
    """The calls that expressions make."""

    def _ignored(self, node: Node, name: str) -> Call:
        """A call that touches nothing that is compared; its arguments are evaluated though."""
        line, nodes = self._line(node), self._arguments(node)
        outer, self._loose = self._loose, True
        arguments = [self._expr(n) for n in nodes]
        self._loose = outer
        if name == "snprintf":
            room = self._arrays.get(text_of(nodes[0])) if len(nodes) > 1 else None
            if room is None:
                raise self._refuse("snprintf into what is no array here", node)
            arguments = [Const(U64, line, room), converted(arguments[1], U64), *arguments[2:]]
        return Call(VOID, line, name, tuple(arguments))

    def _callback(self, node: Node) -> Expr:
        """A function of the file that is handed over, by its name."""
        name = text_of(node)
        if name not in self._source.functions or self._kind_of(name) is not None:
            raise self._refuse(f"a call of {name[:40]} for each range", node)
        return Place(POINTER, self._line(node), f"{CALLBACK}{name}")

    def _call(self, node: Node) -> Expr:
        name, nodes, line = self._callee(node), self._arguments(node), self._line(node)
        own = name in self._source.functions
        if own and name not in HELPERS | APART and (name in PRIMITIVES or name in MACROS):
            raise self._refuse(f"call of {name}, which the file defines itself", node)
        if name in self._source.declared:
            raise self._refuse(f"call of {name}, which the file declares", node)
        if is_ignored(name) and not own:
            return self._ignored(node, name)
        if name in ("OBJECT", "VIRTIO_DEVICE") and not own:
            return Place(POINTER, line, "object")
        if name in SWAPS and len(nodes) == 1 and not own:
            taken, given_kind = SWAPS[name]
            return Convert(given_kind, line, converted(self._expr(nodes[0]), taken))
        if name in PURE and self._loose and not own:
            for inner in nodes:
                self._expr(inner)
            return Place(POINTER, line, "text")
        if name == "g_new0":
            if not nodes or text_of(nodes[0]) != SLOT_TYPE:
                raise self._refuse(f"g_new0 of another type than {SLOT_TYPE}", node)
            nodes = nodes[1:]
        if name == "virtqueue_pop":
            if len(nodes) != 2 or text_of(nodes[1]) != "sizeof(VirtQueueElement)":
                raise self._refuse(f"{name} of something else than a VirtQueueElement", node)
            nodes = nodes[:1]
        if name in MACROS and len(nodes) == MACROS[name][0]:
            return MACROS[name][1]([self._expr(n) for n in nodes], line)
        if name in self._followed:
            name = f"{OWN}{name}"
        found = None if name in PRIMITIVES else self._find(name)
        if name in PRIMITIVES:
            kind: CType = PRIMITIVES[name].kind
            wanted: tuple[CType, ...] = PRIMITIVES[name].parameters
        elif found is not None:
            kind = found.kind
            wanted = tuple(POINTER if p is None else p[1] for p in found.parameters)
        else:
            raise self._refuse(f"call of {name}", node)
        given = [self._expr(n) for n in (nodes[:-1] if name in RANGED else nodes)]
        if name in RANGED:
            given.append(self._callback(nodes[-1]))
        if name == "qemu_prealloc_mem" and len(given) == len(wanted) - 1:
            # Before QEMU 9.0 it is never asynchronous.
            given.insert(5, Const(I32, line, 0))
        if name == "virtio_mem_is_busy":
            given = []
        if len(given) != len(wanted):
            raise self._refuse(f"call of {name} with {len(given)} arguments", node)
        if name == "visit_type_size":
            self._written |= {a.path[1:] for a in given if isinstance(a, Place)}
        arguments = tuple(converted(a, k) for a, k in zip(given, wanted, strict=False))
        for argument, want in zip(arguments, wanted, strict=False):
            if (argument.kind == POINTER) != (want == POINTER):
                raise self._refuse(f"argument of {name}", node)
        return Call(kind, line, name, arguments)
