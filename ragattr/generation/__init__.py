"""Context to Answer."""
