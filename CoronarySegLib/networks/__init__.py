"""Card to network: one network per file, and a registry that builds one by name. Importing this loads no torch."""

from .registry import NETWORKS, build_network, network_names

__all__ = ["NETWORKS", "ResUNet3D", "build_network", "network_names"]


def __getattr__(name: str):
    if name == "ResUNet3D":
        from .resunet3d import ResUNet3D

        return ResUNet3D
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
