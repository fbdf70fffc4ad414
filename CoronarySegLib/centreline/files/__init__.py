"""Centreline trees as files and back without loss: VTP for solvers and VMTK, CSV for tables, Markups JSON for Slicer.

Each file holds one or several systems by key ("left", "right"); coordinates are LPS mm. VTK is loaded on use.
"""

__all__ = ["read_csv", "read_markups", "read_vtp", "write_csv", "write_markups", "write_vtp"]

_FILES = {"csv": "csv_file", "markups": "markups_file", "vtp": "vtp_file"}


def __getattr__(name: str):
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(f".{_FILES[name.split('_')[1]]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
