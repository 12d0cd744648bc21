"""Room 6: results become files that other programs read."""
