"""Training of what ragattr ships."""
