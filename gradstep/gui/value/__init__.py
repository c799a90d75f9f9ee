"""The selected value: its number or its table, its facts, and the list to choose from."""
