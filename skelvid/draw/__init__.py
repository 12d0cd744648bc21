"""Pictures of meshes; nothing but the command line, the demos and the docs depends on it."""
