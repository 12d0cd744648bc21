"""Builds the open SKEL body: source meshes in, `skel_open_*.npz` out."""
