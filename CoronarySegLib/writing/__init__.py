"""A result as files: one case folder with volumes, surfaces, points, a report and a picture. VTK is loaded on use."""

__all__ = ["CaseFiles", "CaseResult", "write_case"]


def __getattr__(name: str):
    if name in __all__:
        from . import case

        return getattr(case, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
