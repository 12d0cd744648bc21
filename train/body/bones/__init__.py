"""Skeleton meshes of our own making: analytic anatomy, marching cubes, fitted under the skin of a body."""

from train.body.bones.build import Bones as Bones
from train.body.bones.build import build_bones as build_bones
