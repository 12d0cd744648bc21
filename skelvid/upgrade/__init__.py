"""SMPL motion goes in; SKEL motion, with what is wrong with each frame, comes out as training shards."""
