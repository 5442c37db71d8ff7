"""Characters only: sentences, markers, claims, offsets, language."""
