"""Answer to Attribution: what the model used, measured."""
