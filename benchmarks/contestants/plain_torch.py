"""The same step in plain PyTorch, eager or by torch.compile, written with its own layers."""

import argparse
import contextlib

import torch
from torch import nn
from torch.nn import functional


def prepare(arguments: argparse.Namespace) -> dict:
    """Returns `facts`, `actions` ("step") and `peak_mb` for `turns.serve`."""
    device = torch.device(arguments.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    on_card = device.type == "cuda"
    set_up()
    step = make_step(arguments, device, compiled=arguments.worker == "torch.compile")

    def take_step():
        step().item()
        if on_card:
            torch.cuda.synchronize(device)

    name = torch.cuda.get_device_name(device) if on_card else "CPU"
    return {
        "facts": {"version": f"torch {torch.__version__}", "device": name},
        "actions": {"step": take_step},
        "peak_mb": (lambda: torch.cuda.max_memory_allocated(device) / 1e6) if on_card else None,
    }


def set_up() -> None:
    """Has PyTorch use what makes it fastest here."""
    torch.backends.cudnn.benchmark = True  # one size of pictures: its fastest convolutions


def make_step(
    arguments: argparse.Namespace,
    device: torch.device,
    *,
    compiled: bool = False,
    channels_last: bool = False,
    backend: str = "inductor",
):
    """Returns a function that takes one step and returns the generators' loss, still on the device.

    Args:
        arguments: `crop_size`, `batch_size`, `ngf`, `generator` and `mixed_precision`.
        device: where it runs.
        compiled: whether the networks are compiled by torch.compile.
        channels_last: whether pictures and kernels lie in memory with their channels last.
        backend: of torch.compile.
    """
    layout = torch.channels_last if channels_last else torch.contiguous_format
    g, f = (generator(arguments).to(device, memory_format=layout) for _ in range(2))
    d_x, d_y = (discriminator(arguments.ngf).to(device, memory_format=layout) for _ in range(2))
    generators = [*g.parameters(), *f.parameters()]
    judges = [*d_x.parameters(), *d_y.parameters()]
    fused = True if device.type == "cuda" else None  # one kernel for all weights
    adams = [
        torch.optim.Adam(each, 2e-4, betas=(0.5, 0.999), fused=fused)
        for each in (generators, judges)
    ]
    if compiled:
        # Each kind of call is compiled for itself: two kinds of networks, with and without
        # gradients of inputs and of kernels, at each size of batches. The usual limit is 8.
        torch._dynamo.config.cache_size_limit = 64
        g, f, d_x, d_y = (
            torch.compile(network, dynamic=False, backend=backend) for network in (g, f, d_x, d_y)
        )
    shape = (arguments.batch_size, 3, arguments.crop_size, arguments.crop_size)
    x, y = ((torch.rand(shape, device=device) * 2 - 1).to(memory_format=layout) for _ in range(2))
    half = arguments.mixed_precision
    scaler = torch.amp.GradScaler(device.type, enabled=half == "float16")

    def autocast():
        if not half:
            return contextlib.nullcontext()
        types = {"float16": torch.float16, "bfloat16": torch.bfloat16}
        return torch.autocast(device.type, types[half])

    def step():
        for parameter in judges:
            parameter.requires_grad_(False)
        adams[0].zero_grad()
        with autocast():
            fake_y, fake_x = g(x), f(y)
            adversarial = ((d_y(fake_y) - 1) ** 2).mean() + ((d_x(fake_x) - 1) ** 2).mean()
            cycle = functional.l1_loss(f(fake_y), x) + functional.l1_loss(g(fake_x), y)
            identity = functional.l1_loss(g(y), y) + functional.l1_loss(f(x), x)
            loss = adversarial + 10 * cycle + 5 * identity
        scaler.scale(loss).backward()
        scaler.step(adams[0])
        for parameter in judges:
            parameter.requires_grad_(True)
        adams[1].zero_grad()
        for judge, real, fake in ((d_y, y, fake_y.detach()), (d_x, x, fake_x.detach())):
            with autocast():
                both = ((judge(real) - 1) ** 2).mean() + (judge(fake) ** 2).mean()
            scaler.scale(both / 2).backward()
        scaler.step(adams[1])
        scaler.update()
        return loss.detach()

    return step


class Block(nn.Module):
    """A residual block."""

    def __init__(self, width):
        super().__init__()
        self.inner = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
        )

    def forward(self, x):
        """Adds to x what the convolutions make of it."""
        return x + self.inner(x)


def generator(arguments: argparse.Namespace) -> nn.Module:
    """Returns a ResNet generator with instance norm, reflection and transposed convolutions."""
    ngf, blocks = arguments.ngf, int(arguments.generator.removeprefix("resnet_")[0])
    norm, relu = nn.InstanceNorm2d, nn.ReLU
    layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, ngf, 7), norm(ngf), relu()]
    for width in (ngf, 2 * ngf):
        layers += [nn.Conv2d(width, 2 * width, 3, 2, 1), norm(2 * width), relu()]
    layers += [Block(4 * ngf) for _ in range(blocks)]
    for width in (4 * ngf, 2 * ngf):
        up = nn.ConvTranspose2d(width, width // 2, 3, 2, 1, output_padding=1)
        layers += [up, norm(width // 2), relu()]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(ngf, 3, 7), nn.Tanh())


def discriminator(ndf: int) -> nn.Module:
    """Returns a PatchGAN that judges patches of 70 by 70 pixels."""
    layers = [nn.Conv2d(3, ndf, 4, 2, 1), nn.LeakyReLU(0.2)]
    for width, stride in ((ndf, 2), (2 * ndf, 2), (4 * ndf, 1)):
        conv = nn.Conv2d(width, 2 * width, 4, stride, 1)
        layers += [conv, nn.InstanceNorm2d(2 * width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(8 * ndf, 1, 4, 1, 1))
