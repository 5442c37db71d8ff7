"""Arithmetic on labels, spans and arrays; no model and no file."""
