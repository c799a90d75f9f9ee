"""Panels that show the program itself: its source and what it prints."""
