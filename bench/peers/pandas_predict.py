"""CSV to CSV as a Python script does it: pandas_predict.py MODEL ROWS OUT"""

import sys

import pandas
import xgboost

model, rows, out = sys.argv[1:]
booster = xgboost.Booster(model_file=model)
table = pandas.read_csv(rows)
predictions = booster.predict(xgboost.DMatrix(table.to_numpy("float32")))
pandas.DataFrame({"row": range(len(predictions)), "prediction": predictions}).to_csv(out, index=False)
