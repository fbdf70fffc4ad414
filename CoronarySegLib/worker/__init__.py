"""Long work in a process of its own, for programs with an event loop that must go on turning (3D Slicer).

``process`` starts, watches and ends it; ``jobs`` is what goes in, ``outcomes`` what comes back, both as files in one
folder of the job; ``protocol`` is how progress is said; ``__main__`` is the process itself.
"""

from .angiograms import AngiogramJob
from .jobs import CfdJob, CheckJob, FollowJob, PhantomJob, ReviewJob, SegmentJob
from .process import WorkerProcess

__all__ = ["AngiogramJob", "CfdJob", "CheckJob", "FollowJob", "PhantomJob", "ReviewJob", "SegmentJob", "WorkerProcess"]
