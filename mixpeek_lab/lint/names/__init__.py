"""What the names and expressions of an extractor stand for, found without running it.

`scopes` says which statements bind a name, `values` what an expression can be, `folding` what
pure operations on constants give, `calls` what Python's own ways of looking things up do, and
`evaluator` puts them together.
"""

from __future__ import annotations

from mixpeek_lab.lint.names.evaluator import Evaluator, Note
from mixpeek_lab.lint.names.scopes import Scope, Tree, children
from mixpeek_lab.lint.names.values import Const, Ref, Unknown, Values

__all__ = ["Const", "Evaluator", "Note", "Ref", "Scope", "Tree", "Unknown", "Values", "children"]
