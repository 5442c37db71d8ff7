"""Judgement to CitedAnswer: measured, judged and written citations, joined."""
