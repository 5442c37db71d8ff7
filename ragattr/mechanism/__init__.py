"""Which heads and layers carry the context into the answer, and what steers them."""
