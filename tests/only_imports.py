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
    """``modules`` (with all below them) import only each other, the standard library, and
    ``allowed`` (with all below). ``a.*`` stands for ``a`` itself and the files beside it that are
    not packages, save those in ``but``: whoever adds a file there need not add it here."""

    type_name = "only_imports"

    modules = fields.ListField(subfield=fields.StringField())
    but = fields.ListField(subfield=fields.StringField(), required=False, default=[])
    allowed = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        found = []
        sources = self._sources(graph)
        for importer in sorted(sources):
            for imported in sorted(graph.find_modules_directly_imported_by(importer) - sources):
                if not self._may_import(imported):
                    details = graph.get_import_details(importer=importer, imported=imported)
                    found += [(importer, imported, detail["line_number"]) for detail in details]
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported, line in check.metadata["found"]:
            output.print_error(f"{importer} imports {imported} (line {line})", bold=False)

    def _sources(self, graph: ImportGraph) -> set[str]:
        sources: set[str] = set()
        for name in self.modules:
            module = name.removesuffix(".*")
            if module not in graph.modules:
                raise ValueError(f"no module {module}")
            sources.add(module)
            if name != module:
                children = graph.find_children(module)
                sources |= {child for child in children if not graph.find_children(child)}
            else:
                sources |= graph.find_descendants(module)
        return sources - set(self.but)

    def _may_import(self, imported: str) -> bool:
        if imported.partition(".")[0] in ALWAYS:
            return True
        return any(f"{imported}.".startswith(f"{name}.") for name in self.allowed)
