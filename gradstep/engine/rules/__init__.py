"""Derivatives of torch's operations, written out: one table, keyed by operation.

``table.rule_of(name)`` finds an operation's rule. Nothing here asks autograd for a derivative: a
rule is an independent computation, which is what makes it worth comparing with.
"""
