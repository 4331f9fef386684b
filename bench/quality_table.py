"""Prints the comparison of `script/bench quality` as a table: means and standard errors over the training reports given.

Usage: quality_table.py REPORT.json... --late REPORT.json...
"""

import json
import statistics
import sys


def spread(values):
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.4f} ± {error:.4f}"


def by_name(report):
    return {figures["name"]: figures for figures in report["figures"]}


def print_figures(title, reports):
    print(f"\n{title} ({len(reports)} seeds, held-out rows)\n")
    print("| | AUC | log-loss | cost a row | forwarded |\n|---|---|---|---|---|")
    tables = [by_name(report) for report in reports]
    for name in tables[0]:
        column = lambda key: [table[name][key] for table in tables]
        print(f"| {name} | {spread(column('auc'))} | {spread(column('log_loss'))} | {spread(column('cost'))} | {statistics.mean(column('share_forwarded')):.1%} |")


def print_difference(reports, better, worse):
    differences = [by_name(r)[better]["auc"] - by_name(r)[worse]["auc"] for r in reports]
    print(f"AUC of {better} over {worse}, paired: {spread(differences)}")


def main(arguments):
    split = arguments.index("--late")
    everything, late = ([json.load(open(path)) for path in part] for part in (arguments[:split], arguments[split + 1 :]))
    print_figures("All columns for both stages", everything)
    print()
    for better, worse in (("forest", "plain XGBoost"), ("forest", "plain, eta 0.1"), ("cascade", "forest")):
        print_difference(everything, better, worse)
    print_figures("Six repayment columns late, false positive 1, false negative 4", late)
    shares = [report["share_of_cost_reduction"] for report in late]
    print(f"\nof the cost that the network for everybody saves, the cascade saves: {spread(shares)}  ({', '.join(f'{s:.3f}' for s in shares)})")


if __name__ == "__main__":
    main(sys.argv[1:])
