"""Room 5: SKEL parameters become joint angles with clinical names, signs and zeros.

Users call `compute.compute_angles`; contributors find "Adding a new angle" in `table`.
"""
