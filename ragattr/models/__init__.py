"""The one room for torch and transformers: what may be asked of a model, and who answers."""
