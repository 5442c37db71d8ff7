"""Query to Context: documents are read, cut into passages, and ranked."""
