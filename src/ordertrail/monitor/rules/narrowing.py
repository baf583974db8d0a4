"""What is left to ask of events of a form: the rule, without what its form has answered already."""

from ordertrail.monitor.rules.expression import All, Either, Form, Node, Not


def narrowed(node: Node, form: Form) -> Node:
    """Return what is left to ask of events of a form: without what they surely are, or surely are not."""
    match node:
        case All(parts):
            left = tuple(narrowed(part, form) for part in parts if not part.of(form).surely)
            return left[0] if len(left) == 1 else All(left)
        case Either(parts):
            if node.of(form).surely:
                return All(())
            left = tuple(narrowed(part, form) for part in parts if part.of(form).maybe)
            return left[0] if len(left) == 1 else Either(left)
        case Not(part):
            return All(()) if node.of(form).surely else Not(narrowed(part, form))
    return node
