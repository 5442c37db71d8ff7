"""Answers revised: what the evidence contradicts is corrected, and nothing else changes."""
