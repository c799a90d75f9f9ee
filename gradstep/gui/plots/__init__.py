"""What runs over time, and how steep the loss is: plots."""
