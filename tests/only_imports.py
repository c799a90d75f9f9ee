"""A contract for import-linter: these modules import nothing but what is listed.

import-linter's own contracts name what is forbidden; a list of all third-party packages that must
not be imported cannot be written down. The standard library is always allowed.
"""

from __future__ import annotations

import sys

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

ALWAYS = sys.stdlib_module_names


class OnlyImports(Contract):
    """``modules`` (with all below them; ``exactly = true``: without) import only themselves, the
    standard library, and ``allowed`` (with all below)."""

    type_name = "only_imports"

    modules = fields.ListField(subfield=fields.StringField())
    allowed = fields.ListField(subfield=fields.StringField())
    exactly = fields.BooleanField(required=False, default=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        found = []
        for importer in sorted(self._sources(graph)):
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                if not self._may_import(imported):
                    details = graph.get_import_details(importer=importer, imported=imported)
                    found += [(importer, imported, detail["line_number"]) for detail in details]
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported, line in check.metadata["found"]:
            output.print_error(f"{importer} imports {imported} (line {line})", bold=False)

    def _sources(self, graph: ImportGraph) -> set[str]:
        sources = set(self.modules)
        missing = sources - graph.modules
        if missing:
            raise ValueError(f"no module {sorted(missing)[0]}")
        if not self.exactly:
            for module in self.modules:
                sources |= graph.find_descendants(module)
        return sources

    def _may_import(self, imported: str) -> bool:
        own = [] if self.exactly else list(self.modules)
        if imported.partition(".")[0] in ALWAYS:
            return True
        return any(f"{imported}.".startswith(f"{name}.") for name in [*own, *self.allowed])
