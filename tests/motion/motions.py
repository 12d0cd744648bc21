"""A person who walks on the spot, as a motion: smooth, known, with all kinds of joints moving."""

import numpy as np

from skelvid.body.dofs import DOF_INDEX
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.skel import SkelParams

STRIDE_HZ = 0.9


def walking_q(time_s: np.ndarray) -> np.ndarray:
    """Harmonics of the stride, fading as those of a walker do; in front of a camera, turning slowly."""
    rng = np.random.default_rng(7)
    q = np.zeros((len(time_s), 46))
    for harmonic, size in ((1, 0.25), (2, 0.08), (3, 0.02)):
        phase = rng.uniform(0, 2 * np.pi, 46)
        q += size * np.sin(2 * np.pi * STRIDE_HZ * harmonic * time_s[:, None] + phase)
    q[:, DOF_INDEX["pelvis_tilt"]] += np.pi
    q[:, DOF_INDEX["pelvis_rotation"]] += 0.5 * time_s
    return q


def walking(frames: int = 120, rate_hz: float = 30.0, **known) -> Motion:
    time_s = np.arange(frames) / rate_hz
    trans_m = np.stack([0.3 * np.sin(2 * time_s), 0.02 * np.sin(11 * time_s), 4 - 0.2 * time_s], axis=1)
    params = SkelParams(walking_q(time_s), np.zeros((1, 10)), trans_m)
    return Motion(3, time_s, params, np.ones(frames, bool), **known)


def noisy(motion: Motion, sigma_rad: np.ndarray, rng: np.random.Generator) -> Motion:
    params = motion.params
    q = params.q + rng.normal(size=params.q.shape) * sigma_rad
    trans_m = params.trans_m + rng.normal(0, 0.01, params.trans_m.shape)
    visible = motion.visible.copy()
    return Motion(motion.person_id, motion.time_s, SkelParams(q, params.betas, trans_m), visible, motion.camera,
                  np.broadcast_to(sigma_rad, q.shape).copy())  # fmt: skip
