"""Training of the lifter: motions, cameras and the noise of keypoints in, weights out."""
