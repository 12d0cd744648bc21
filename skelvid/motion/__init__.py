"""Room 4: per-frame estimates become one motion per person: assembled, refined, smoothed, and set in its world.

`lift` makes a motion of keypoints; `assemble` joins several estimates and bridges gaps; `refine` fits the body to the
keypoints; `smooth` removes noise; `world` finds gravity, the floor and the scale.
"""
