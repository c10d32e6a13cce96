"""Trains the networks that its arguments name, each for some steps on the CPU in a process of its own.

Prints a line for each: its name, and the exit status of its process; minus a signal where that ended it. The
processes are forks of this one, which imports torch only once.
"""

import os
import sys

import torch

from mosforge.models.backbones import find_backbone
from mosforge.models.heads import ScoreHead
from mosforge.models.network import Network

STEPS = 2
SIDE = 128


def train(name: str) -> None:
    facts = find_backbone(name)
    side = facts.input_size if facts.fixed_size else SIDE
    network = Network(name, ScoreHead(facts.width, 0.0)).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-6)
    for _ in range(STEPS):
        pixels = torch.randint(0, 256, (4, side, side, 3), dtype=torch.uint8)
        optimiser.zero_grad()
        network(pixels).square().mean().backward()
        optimiser.step()


if __name__ == "__main__":
    torch.set_num_threads(1)
    for backbone in sys.argv[1:]:
        child = os.fork()
        if not child:
            train(backbone)
            os._exit(0)
        print(backbone, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
