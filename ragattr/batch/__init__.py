"""Many cases: files in, files out."""
