"""Pure maths on arrays; rotations come from SciPy."""
