"""A sitting before a camera: what is seen is shown at once, in a window or not at all, and recorded if wanted."""
