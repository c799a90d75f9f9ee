"""What the window may ask: one ``do_<verb>`` each."""
