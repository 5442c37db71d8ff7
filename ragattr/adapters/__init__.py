"""Other people's shapes, read and written: one file each, plain dicts in and out."""
