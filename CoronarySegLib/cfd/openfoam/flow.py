"""Dictionaries of the flow: blood, a stated flow at the inlets, a pressure at the outlets, steady and laminar."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..model import WALL, CfdModel, Patch
from ..units import per_mm
from .dictionaries import vector, write_dictionary

PA_PER_MMHG = 133.322


def write_flow_dictionaries(folder: Path, model: CfdModel, flows_m3_s: dict[str, float], options) -> None:
    """Fields in ``0``, properties in ``constant``, schemes and control in ``system``."""
    _velocity(folder, model, flows_m3_s, options)
    _pressure(folder, model, options)
    write_dictionary(folder / "constant" / "transportProperties", {
        "transportModel": "Newtonian", "nu": f"[0 2 -1 0 0 0 0] {options.viscosity_pa_s / options.density_kg_m3:.9g}",
    }, note=f"Blood: {options.viscosity_pa_s:g} Pa s, {options.density_kg_m3:g} kg/m3. Pressures are divided by it.")
    write_dictionary(folder / "constant" / "turbulenceProperties", {"simulationType": "laminar"})
    _control(folder, model, options)
    _numerics(folder, options)


def _velocity(folder: Path, model: CfdModel, flows_m3_s: dict[str, float], options) -> None:
    fields: dict[str, dict] = {WALL: {"type": "noSlip"}}
    for patch in model.inlets:
        fields[patch.name] = _inlet(patch, flows_m3_s[patch.name], options.profile)
    for patch in model.outlets:
        fields[patch.name] = {"type": "pressureInletOutletVelocity", "value": "uniform (0 0 0)"}
    said = "\n".join(f"{name}: {flow * 1e6:.4g} ml/s, {options.profile}" for name, flow in flows_m3_s.items())
    write_dictionary(folder / "0" / "U", {
        "dimensions": "[0 1 -1 0 0 0 0]", "internalField": "uniform (0 0 0)", "boundaryField": fields,
    }, kind="volVectorField", note=said)


def _inlet(patch: Patch, flow_m3_s: float, profile: str) -> dict:
    if profile == "flat":
        return {"type": "flowRateInletVelocity", "volumetricFlowRate": flow_m3_s, "value": "uniform (0 0 0)"}
    centre, radius = patch.centroid_lps_mm * per_mm("m"), patch.radius_mm * per_mm("m")
    # The sum over the faces, not the formula, sets the peak: the flow is as stated on every mesh.
    inward = f"vector{_comma(-patch.normal)}"
    return {
        "type": "exprFixedValue",
        "variables": [
            f'"shape=max(0, 1 - magSqr(pos() - vector{_comma(centre)})/{radius**2:.9g})"',
            f'"peak={flow_m3_s:.9g}/sum(-shape*(face() & {inward}))"',
        ],
        "valueExpr": f'"peak*shape*{inward}"',
        "value": "uniform (0 0 0)",
    }


def _comma(values: np.ndarray) -> str:
    return vector(values).replace(" ", ", ")


def _pressure(folder: Path, model: CfdModel, options) -> None:
    outlet = options.outlet_pressure_mmhg * PA_PER_MMHG / options.density_kg_m3
    fields: dict[str, dict] = {WALL: {"type": "zeroGradient"}}
    fields |= {patch.name: {"type": "zeroGradient"} for patch in model.inlets}
    fields |= {patch.name: {"type": "fixedValue", "value": f"uniform {outlet:.9g}"} for patch in model.outlets}
    write_dictionary(folder / "0" / "p", {
        "dimensions": "[0 2 -2 0 0 0 0]", "internalField": f"uniform {outlet:.9g}", "boundaryField": fields,
    }, kind="volScalarField", note="Pressure over density, m2/s2.")


def _control(folder: Path, model: CfdModel, options) -> None:
    functions = {}
    for patch in model.openings:
        common = {"type": "surfaceFieldValue", "libs": '("libfieldFunctionObjects.so")', "regionType": "patch",
                  "name": patch.name, "writeFields": False, "log": False, "writeControl": "timeStep",
                  "writeInterval": 10}
        functions[f"flow_{patch.name}"] = {**common, "operation": "sum", "fields": "(phi)"}
        functions[f"pressure_{patch.name}"] = {**common, "operation": "areaAverage", "fields": "(p)"}
    write_dictionary(folder / "system" / "controlDict", {
        "application": "simpleFoam", "startFrom": "startTime", "startTime": 0, "stopAt": "endTime",
        "endTime": options.iterations, "deltaT": 1, "writeControl": "timeStep", "writeInterval": options.iterations,
        "purgeWrite": 1, "writeFormat": "binary", "writePrecision": 8, "writeCompression": "off",
        "timeFormat": "general", "timePrecision": 6, "runTimeModifiable": False, "functions": functions,
    }, note="flow_* is m3/s out of the lumen, pressure_* is pressure over density, m2/s2; see postProcessing.")


def _numerics(folder: Path, options) -> None:
    write_dictionary(folder / "system" / "fvSchemes", {
        "ddtSchemes": {"default": "steadyState"},
        "gradSchemes": {"default": "Gauss linear", "grad(U)": "leastSquares"},
        "divSchemes": {
            "default": "none", "div(phi,U)": "bounded Gauss linearUpwind grad(U)",
            "div((nuEff*dev2(T(grad(U)))))": "Gauss linear",
        },
        "laplacianSchemes": {"default": "Gauss linear corrected"},
        "interpolationSchemes": {"default": "linear"},
        "snGradSchemes": {"default": "corrected"},
    })
    write_dictionary(folder / "system" / "fvSolution", {
        "solvers": {
            "p": {"solver": "GAMG", "smoother": "GaussSeidel", "tolerance": 1e-12, "relTol": 0.02},
            "U": {"solver": "smoothSolver", "smoother": "symGaussSeidel", "tolerance": 1e-12, "relTol": 0.1},
        },
        "SIMPLE": {
            "consistent": "yes", "nNonOrthogonalCorrectors": 1,
            "residualControl": {"p": options.residual, "U": 0.1 * options.residual},
        },
        "relaxationFactors": {"equations": {"U": 0.9}},
    })
    write_dictionary(folder / "system" / "decomposeParDict", {"numberOfSubdomains": 2, "method": "scotch"})
