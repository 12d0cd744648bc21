"""GLB files, read back by another program's reader and posed by the rules of the glTF specification."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib
import pytest
import torch
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import JOINT_NAMES, limits_rad
from skelvid.body.load import load_body_assets
from skelvid.body.model import SkelBody
from skelvid.datatypes.mesh import Mesh
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.skel import SkelParams
from skelvid.export import to_glb
from skelvid.export.to_glb import UPRIGHT_CAMERA, MotionGlb, four_largest, write_meshes_glb, write_motion_glb
from skelvid.geometry.ground import ground_axes
from tests.made_result import FLOOR_M, make_result
from tests.toy_skel import make_toy_assets

TETRAHEDRON = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]])
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
TYPES = {5126: np.float32, 5125: np.uint32, 5121: np.uint8}
WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


Gltf = Any  # pygltflib.GLTF2, every field of which may be None by its types


def load(path: Path) -> Gltf:
    return pygltflib.GLTF2().load(str(path))


def array(gltf: Gltf, index: int) -> np.ndarray:
    accessor = gltf.accessors[index]
    view = gltf.bufferViews[accessor.bufferView]
    blob = gltf.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
    values = np.frombuffer(blob, TYPES[accessor.componentType]).reshape(accessor.count, WIDTHS[accessor.type])
    if accessor.type == "MAT4":
        return values.reshape(-1, 4, 4).swapaxes(1, 2)
    return values[:, 0] if accessor.type == "SCALAR" else values


def node_matrices(gltf: Gltf, frame: int) -> np.ndarray:
    """World matrix of every node at one key of the animation."""
    rotation = [node.rotation or [0, 0, 0, 1] for node in gltf.nodes]
    translation = [node.translation or [0, 0, 0] for node in gltf.nodes]
    for channel in gltf.animations[0].channels:
        value = array(gltf, gltf.animations[0].samplers[channel.sampler].output)[frame]
        (rotation if channel.target.path == "rotation" else translation)[channel.target.node] = value
    world = np.zeros((len(gltf.nodes), 4, 4))

    def visit(index: int, above: np.ndarray) -> None:
        local = np.eye(4)
        local[:3, :3] = Rotation.from_quat(rotation[index]).as_matrix()
        local[:3, 3] = translation[index]
        world[index] = above @ local
        for child in gltf.nodes[index].children or []:
            visit(child, world[index])

    for root in gltf.scenes[0].nodes:
        visit(root, np.eye(4))
    return world


def skinned(gltf: Gltf, name: str, frame: int) -> np.ndarray:
    """Vertices of a skinned mesh at one key, by the formula of the specification."""
    node = next(node for node in gltf.nodes if node.name == name)
    attributes = gltf.meshes[node.mesh].primitives[0].attributes
    skin = gltf.skins[node.skin]
    bind = node_matrices(gltf, frame)[skin.joints] @ array(gltf, skin.inverseBindMatrices)
    weight, joint = array(gltf, attributes.WEIGHTS_0), array(gltf, attributes.JOINTS_0)
    matrices = np.einsum("vk,vkij->vij", weight, bind[joint])
    rest = array(gltf, attributes.POSITION)
    return np.einsum("vij,vj->vi", matrices[:, :3, :3], rest) + matrices[:, :3, 3]


class TestStill:
    def test_comes_back_vertex_for_vertex(self, tmp_path: Path):
        painted = np.random.default_rng(0).uniform(0, 1, (4, 3))
        meshes = {
            "red": Mesh(TETRAHEDRON, FACES, (1.0, 0.0, 0.0), alpha=0.4),
            "painted": Mesh(TETRAHEDRON + 5.0, FACES[:, ::-1], painted),
        }
        write_meshes_glb(meshes, tmp_path / "a.glb")
        gltf = load(tmp_path / "a.glb")
        assert [node.name for node in gltf.nodes] == ["red", "painted"]
        for node, mesh in zip(gltf.nodes, meshes.values(), strict=True):
            primitive = gltf.meshes[node.mesh].primitives[0]
            np.testing.assert_array_equal(array(gltf, primitive.attributes.POSITION), mesh.vertices_m.astype("f4"))
            np.testing.assert_array_equal(array(gltf, primitive.indices).reshape(-1, 3), mesh.faces)
            low = gltf.accessors[primitive.attributes.POSITION].min
            np.testing.assert_allclose(low, mesh.vertices_m.min(0))
            material = gltf.materials[primitive.material]
            assert material.alphaMode == ("BLEND" if mesh.alpha < 1 else "OPAQUE")
            assert material.pbrMetallicRoughness.baseColorFactor[3] == mesh.alpha

    def test_colours_are_linear(self, tmp_path: Path):
        write_meshes_glb({"grey": Mesh(TETRAHEDRON, FACES, (0.5, 0.0, 1.0))}, tmp_path / "a.glb")
        factor = load(tmp_path / "a.glb").materials[0].pbrMetallicRoughness.baseColorFactor
        np.testing.assert_allclose(factor, (0.2140, 0.0, 1.0, 1.0), atol=1e-4)


class TestMotion:
    @pytest.fixture
    def body(self) -> SkelBody:
        return SkelBody(make_toy_assets(np.random.default_rng(0)), dtype=torch.float64)

    @pytest.fixture
    def motion(self) -> Motion:
        rng = np.random.default_rng(1)
        lower, upper = limits_rad()
        q = rng.uniform(np.maximum(lower, -3), np.minimum(upper, 3), (5, 46))
        q[2] = np.nan
        params = SkelParams(q, rng.normal(0, 1, (1, 10)), rng.normal(0, 1, (5, 3)))
        return Motion(0, 3.0 + np.arange(5) / 25, params, np.array([True, True, False, True, True]))

    @pytest.mark.parametrize("turn", [np.eye(3), UPRIGHT_CAMERA])
    def test_skinned_as_the_body_poses_it(self, tmp_path, body, motion, turn):
        write_motion_glb(motion, body, tmp_path / "m.glb", gltf_from_motion=turn)
        gltf = load(tmp_path / "m.glb")
        seen = SkelParams(motion.params.q[motion.visible], motion.params.betas, motion.params.trans_m[motion.visible])
        posed = body(seen.to_torch(dtype=torch.float64), bones=True).to_numpy()
        for frame in range(4):
            # The toy has at most four weights per vertex; float32 in the file.
            np.testing.assert_allclose(skinned(gltf, "skin", frame), posed.skin_m[frame] @ turn.T, atol=2e-6)
            np.testing.assert_allclose(skinned(gltf, "bones", frame), posed.bones_m[frame] @ turn.T, atol=2e-6)
            joints = node_matrices(gltf, frame)[:24, :3, 3]
            np.testing.assert_allclose(joints, posed.joints_m[frame] @ turn.T, atol=2e-6)
        assert tuple(node.name for node in gltf.nodes[:24]) == JOINT_NAMES

    def test_keys_stand_at_the_times_of_visible_frames(self, tmp_path, body, motion):
        write_motion_glb(motion, body, tmp_path / "m.glb")
        gltf = load(tmp_path / "m.glb")
        times = array(gltf, gltf.animations[0].samplers[0].input)
        np.testing.assert_allclose(times, [0.0, 0.04, 0.12, 0.16], atol=1e-6)

    def test_a_shape_that_changes_is_refused(self, tmp_path, body, motion):
        betas = np.zeros((5, 10))
        betas[3, 0] = 0.1
        params = SkelParams(motion.params.q, betas, motion.params.trans_m)
        with pytest.raises(ValueError, match="one shape"):
            write_motion_glb(Motion(0, motion.time_s, params, motion.visible), body, tmp_path / "m.glb")

    def test_a_motion_without_anybody_is_refused(self, tmp_path, body, motion):
        with pytest.raises(ValueError, match="visible"):
            write_motion_glb(Motion(0, motion.time_s, motion.params, np.zeros(5, bool)), body, tmp_path / "m.glb")


def test_exporter_stands_the_body_on_the_ground_at_its_height(tmp_path, monkeypatch, toy_assets):
    monkeypatch.setattr(to_glb, "load_body", lambda name: SkelBody(toy_assets))
    up, forward = np.array([0.1, -0.9, 0.3]), np.array([1.0, 0.2, -0.5])
    ground = ground_axes(up, forward)
    MotionGlb()(make_result(ground=ground, typed_height_m=1.87), tmp_path / "a.glb")
    root = next(node for node in load(tmp_path / "a.glb").nodes if node.name == "motion")
    assert root.scale is None  # the motion has the typed height already
    turned = Rotation.from_quat(root.rotation).apply(ground.T)  # forward, up, right
    np.testing.assert_allclose(turned, [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]], atol=1e-6)
    placed = Rotation.from_quat(root.rotation).apply(FLOOR_M) + root.translation
    np.testing.assert_allclose(placed, 0.0, atol=1e-6)


def test_four_largest_weights():
    joint = np.array([[7, 1, 2, 3, 4, 5], [9, 8, 0, 0, 0, 0]], np.uint8)
    weight = np.array([[0.05, 0.3, 0.2, 0.2, 0.1, 0.15], [0.25, 0.75, 0, 0, 0, 0]])
    kept, share = four_largest(joint, weight)
    np.testing.assert_array_equal(kept, [[1, 2, 3, 5], [8, 9, 0, 0]])
    np.testing.assert_allclose(
        share, [[0.3 / 0.85, 0.2 / 0.85, 0.2 / 0.85, 0.15 / 0.85], [0.75, 0.25, 0, 0]], rtol=1e-6
    )


def test_fewer_than_four_weights_are_padded():
    kept, share = four_largest(np.array([[5]]), np.array([[1.0]]))
    np.testing.assert_array_equal(kept, [[5, 0, 0, 0]])
    np.testing.assert_array_equal(share, [[1, 0, 0, 0]])


def test_what_the_fifth_and_sixth_weight_cost():
    """The numbers in the docstring of `four_largest`, over other poses."""
    assets = load_body_assets("open-neutral")
    joint, weight = four_largest(assets.skin_weight_joint, assets.skin_weight)
    reduced = dataclasses.replace(assets, skin_weight_joint=joint, skin_weight=weight)
    lower, upper = limits_rad()
    q = np.random.default_rng(3).uniform(np.maximum(lower, -3), np.minimum(upper, 3), (16, 46))
    params = SkelParams(q, np.zeros((1, 10)), np.zeros((1, 3))).to_torch()
    full, four = (np.asarray(SkelBody(a)(params).to_numpy().skin_m) for a in (assets, reduced))
    moved_mm = np.linalg.norm(full - four, axis=-1) * 1e3
    assert moved_mm.mean() == pytest.approx(0.13, rel=0.5)
    assert np.quantile(moved_mm, 0.99) == pytest.approx(4.0, rel=0.5)
