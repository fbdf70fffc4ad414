import sys
from pathlib import Path

# Helpers shared by several test folders lie in Testing/helpers.
sys.path.insert(0, str(Path(__file__).parents[2]))
