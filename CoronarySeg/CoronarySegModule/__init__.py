"""The part of the module that knows MRML: between the nodes of a scene and the values of ``CoronarySegLib``.

It lives in a package because every ``.py`` file directly in a module path is taken for a module by Slicer.
"""
