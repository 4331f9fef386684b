#!/usr/bin/env python3
"""Writes AOTInductor packages for aotinductor_test.cpp: make_aotinductor.py FOLDER WIDTH"""

import sys

import torch

folder, width = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(1)


class Linear(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.arange(width) / width)

    def forward(self, x):
        return x @ self.w + 0.5


class Wide(torch.nn.Module):
    def forward(self, x):
        return x * 2.0


for name, module in {"linear": Linear(), "wide": Wide()}.items():
    rows = {"x": {0: torch.export.Dim("n", min=1)}}
    program = torch.export.export(module.eval(), (torch.zeros(4, width),), dynamic_shapes=rows)
    torch._inductor.aoti_compile_and_package(program, package_path=f"{folder}/{name}.pt2")
