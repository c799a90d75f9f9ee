"""Painting the graph: items, links, trays, and the far view."""
