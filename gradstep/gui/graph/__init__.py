"""The graph panel: model, layout, painting, canvas."""
