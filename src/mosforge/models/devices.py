"""What a computation ran on, in words."""

import torch


def device_name(device: torch.device) -> str:
    """`CPU`, or the name of the GPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
