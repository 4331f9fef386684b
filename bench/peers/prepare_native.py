"""Prepares what bench/native_peers.cpp calls without Python: TL2cgen's library, the LightGBM twin, and where the wheels' libraries lie.

The model is written as UBJSON too, for its size.

Prints NAME=PATH lines. prepare_native.py FOLDER [--quick]
"""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import lightgbm
import tl2cgen
import treelite
import xgboost
from protocol import Case, read_case
from twin import twin_of


def tl2cgen_library(case: Case) -> Path:
    """Generated C, compiled by gcc -O3."""
    library = case.folder / "tl2cgen.so"
    if not library.exists():
        source = case.folder / "tl2cgen"
        model = treelite.frontend.load_xgboost_model(case.model)
        tl2cgen.generate_c_code(model, dirpath=str(source), params={"parallel_comp": 16})
        subprocess.run(["gcc", "-O3", "-shared", "-fPIC", "-o", library, *source.glob("*.c"), "-lm"], check=True)
    return library


case = read_case(sys.argv[1])
xgboost.Booster(model_file=case.model).save_model(case.folder / "model.ubj")
if "--quick" not in sys.argv:  # gcc takes minutes for large forests
    print(f"tl2cgen={tl2cgen_library(case)}")
    print(f"tl2cgen_version={version('tl2cgen')}")
print(f"xgboost={next(Path(xgboost.__file__).parent.rglob('libxgboost.so'))}")
print(f"xgboost_version={xgboost.__version__}")
print(f"lightgbm={next(Path(lightgbm.__file__).parent.rglob('lib_lightgbm.so'))}")
print(f"lightgbm_version={lightgbm.__version__}")
print(f"twin={twin_of(case)}")
