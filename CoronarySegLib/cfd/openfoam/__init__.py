"""A case folder for OpenFOAM: mesh with snappyHexMesh, steady laminar flow with simpleFoam."""

from .case import FlowOptions, write_case

__all__ = ["FlowOptions", "write_case"]
