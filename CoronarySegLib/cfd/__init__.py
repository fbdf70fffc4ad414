"""From a coronary mask and its centreline to a surface a flow solver accepts. VTK is loaded on first use.

The way of the data: ``surface`` (the lumen between the voxels) or ``loft`` (from centreline and radius), ``remesh``
(edges that follow the radius), ``intersections`` (found, mended or refused), ``quality`` (what was kept, line by line).
"""
