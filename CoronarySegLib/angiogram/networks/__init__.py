"""Networks of the systems on X-ray angiograms, one per file; the registry of ``CoronarySegLib.networks`` builds them.

An angiogram travels through the library's training and inference as a volume of one slice, (N, C, 1, y, x): nothing of
either had to be written twice. ``images`` takes that axis away before a network and puts it back behind it.
"""
