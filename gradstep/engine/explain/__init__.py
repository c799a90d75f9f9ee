"""Where a number came from: chain rule, accumulation, updates, and the checks of each."""
