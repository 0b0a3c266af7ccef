"""What a schema can cost: how often it can have one value looked at, and how deep that goes.

A few hundred bytes of schema can ask for 2**60 looks at a single number, by definitions that each
refer to the next one twice, or by one that refers to itself twice and so doubles with each level
of the record. And a chain of references that each level of a record goes through anew exhausts
the stack of the validator, and ends the process. So for all depths that a value may have in a
record, bounds of both are counted before a schema is compiled. The looks at a value ``d`` levels
deep are ``C[d]`` of the root::

    C[0](s) = weight(s)          + factor(s) * sum of C[0] over what s applies to the same value
    C[d](s) = below[d - 1](s)    + factor(s) * sum of C[d] over what s applies to the same value

where ``below`` is the greater of what ``s`` applies to one member, and to one item. It is an upper
bound: of ``anyOf`` all branches are counted, as are all patterns for a name. The steps down to such
a value are counted in the same way, by the greatest in place of the sum.
"""

from collections.abc import Callable, Iterator, Sequence

from datavault.domain.errors import Invalid
from datavault.domain.json_text import NESTING_MAX
from datavault.domain.schema_tree import Node, SchemaTree

# Of a chat with six roles and five kinds of content, a part's text is looked at 70 times. A look
# takes 20 ns, so that a megabyte of hostile values and schema are some seconds, and not an age.
LOOKS_MAX = 1000
# Ten for each level of the deepest record, where a tree of nullable lists takes four. A thread's
# stack of 1 MiB was enough for 4000.
STEPS_MAX = 1000
# To find what is unevaluated, the validator looks at what was evaluated once or twice more:
# nested ones took 2.7 times as long with each level.
_UNEVALUATED_FACTOR = 3

type Counts = list[int]
# What a node counts for a depth, given what others do for it, and what all did for the one above.
type Count = Callable[[Node, Counts, Counts | None], int]


def require_affordable(tree: SchemaTree) -> None:
    """Refuse a schema that costs more than ``LOOKS_MAX`` or ``STEPS_MAX`` at any depth.

    Raises:
        Invalid: it could, or it applies itself to the same value again.
    """
    order = _ordered(tree.nodes)
    for depth, looks in _by_depth(tree.nodes, order, _looks, LOOKS_MAX):
        if looks > LOOKS_MAX:
            raise Invalid(
                f"it could have one value, {depth} levels deep in a record, looked at more than"
                f" {LOOKS_MAX} times: let fewer of its parts apply to the same value",
                field="schema",
            )
    for depth, steps in _by_depth(tree.nodes, order, _steps, STEPS_MAX):
        if steps > STEPS_MAX:
            raise Invalid(
                f"it goes down to a value, {depth} levels deep in a record, in more than"
                f" {STEPS_MAX} steps: let references lead to what they mean at once",
                field="schema",
            )


def _by_depth(
    nodes: Sequence[Node], order: Sequence[int], count: Count, most: int
) -> Iterator[tuple[int, int]]:
    """What the root counts for each depth, until that does not change any more."""
    before: Counts | None = None
    for depth in range(NESTING_MAX + 1):
        now = [0] * len(nodes)
        for at in order:
            # More than too many is as bad as too many, and a smaller number.
            now[at] = min(count(nodes[at], now, before), most + 1)
        yield depth, now[0]
        if now == before:
            return
        before = now


def _looks(node: Node, now: Counts, before: Counts | None) -> int:
    factor = _UNEVALUATED_FACTOR if node.has_unevaluated else 1
    same = factor * sum(now[each] for each in node.same)
    if before is None:
        return same + _weight(node)
    member = _greatest(before, node.member_any) + sum(before[each] for each in node.member_all)
    item = _greatest(before, node.item_any) + sum(before[each] for each in node.item_all)
    return same + max(member, item)


def _steps(node: Node, now: Counts, before: Counts | None) -> int:
    down = [*node.member_any, *node.member_all, *node.item_any, *node.item_all]
    further = 0 if before is None else _greatest(before, down)
    return 1 + max(_greatest(now, node.same), further)


def _greatest(before: list[int], some: Sequence[int]) -> int:
    return max((before[each] for each in some), default=0)


def _weight(node: Node) -> int:
    """Looks at a value by a node's own keywords: one, and one for each value that is compared.

    Strings alone, or numbers alone, are looked up at once, however many.
    """
    options = node.keywords.get("enum")
    compared = options if isinstance(options, list) else []
    kinds = {type(each) for each in compared}
    looked_up = kinds <= {str} or kinds <= {int}
    constant = node.keywords.get("const")
    return 1 + (0 if looked_up else _size(compared)) + (_size(constant) - 1)


def _size(value: object) -> int:
    """How many JSON values a value is, with all within it."""
    count = 0
    left = [value]
    while left:
        count += 1
        value = left.pop()
        if isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list):
            left += value
    return count


def _ordered(nodes: Sequence[Node]) -> list[int]:
    """The nodes so that each comes after those that it applies to the same value.

    Raises:
        Invalid: one applies itself, over others or not.
    """
    waiting = [len(set(node.same)) for node in nodes]
    applied_by: list[list[int]] = [[] for _ in nodes]
    for at, node in enumerate(nodes):
        for other in set(node.same):
            applied_by[other].append(at)
    order = [at for at, count in enumerate(waiting) if not count]
    for done in order:  # Grows meanwhile.
        for at in applied_by[done]:
            waiting[at] -= 1
            if not waiting[at]:
                order.append(at)
    if len(order) < len(nodes):
        raise Invalid(
            "it applies itself to the same value again, which no record would ever pass or fail",
            field="schema",
        )
    return order
