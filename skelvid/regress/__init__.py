"""A person's picture goes in, a SKEL pose, shape and place come out: the image regressor."""
