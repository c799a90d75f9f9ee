"""What the program does, as it does it: calls, backward, optimizers, and the graph they leave."""
