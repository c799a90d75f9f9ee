"""Cards: where a number came from, made of the numbers themselves."""
