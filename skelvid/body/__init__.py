"""The SKEL body: table of degrees of freedom, kinematics, meshes, landmarks, fitting, files."""
