"""Where a NaN or Inf was made, how it was handed on, and that in words."""
