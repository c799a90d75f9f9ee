"""Reading, measuring, evaluating, editing and comparing what is alive at a stop."""
