"""Weights trained elsewhere as a model folder of ours: nnU-Net results and MONAI bundles. Torch is loaded on use."""

__all__ = ["import_model"]


def __getattr__(name: str):
    if name in __all__:
        from .importing import import_model

        return import_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
