"""Room 2: frames in, people out, as boxes over time and their 2D keypoints."""
