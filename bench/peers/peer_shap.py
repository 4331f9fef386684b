"""shap's TreeExplainer: path-dependent and interventional values."""

import sys
import warnings

import numpy as np
import shap
import xgboost
from protocol import read_case, report, time_calls

warnings.simplefilter("ignore")
case = read_case(sys.argv[1])
booster = xgboost.Booster(model_file=case.model)
booster.set_param({"nthread": 1})
few = case.rows[:4]


def bench(work: str, explainer: shap.TreeExplainer, rows: np.ndarray) -> None:
    values = explainer.shap_values(rows, check_additivity=False)
    difference = float(np.abs(values.sum(1) + explainer.expected_value - case.margins[: len(rows)]).max())
    report(
        "shap TreeExplainer",
        shap.__version__,
        work,
        time_calls(lambda _: explainer.shap_values(rows, check_additivity=False), 3),
        len(rows),
        difference,
    )


bench("SHAP batch", shap.TreeExplainer(booster), case.rows[:64])
background = case.table("background.f32")[:100]
bench("interventional 100", shap.TreeExplainer(booster, background, feature_perturbation="interventional"), few)
