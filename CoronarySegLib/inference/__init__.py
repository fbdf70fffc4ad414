"""Network to probability: engines, patches, the two-step and the whole-volume way. Importing this loads no torch."""

from .engines import DEVICES, Engine, choose_engine
from .patches import predict_patches
from .predict import predict
from .prediction import Prediction
from .quality import QUALITIES

__all__ = ["DEVICES", "QUALITIES", "Engine", "Prediction", "choose_engine", "predict", "predict_patches"]
