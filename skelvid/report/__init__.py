"""A result as a page to look at and to hand over: curves, film and body in step, tables, and what can be trusted."""
