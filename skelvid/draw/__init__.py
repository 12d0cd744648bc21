"""Pictures: meshes, a motion over its video, curves. Only the pipeline, the command line, demos and docs use it."""
