"""A contestant of gpu.sh: a process that prepares training steps, and takes them when asked to.

PYTHONPATH=.:benchmarks python -m gpu.worker here|torch|torch.compile '{"crop_size": 256, ...}'

It reads requests and writes answers, one line of JSON each:

- {"do": "prepare", "cases": [...], "until": <time.time()>}: compiles the step of each case, in that
  order, and begins with none after `until`. Answers what is known of each.
- {"do": "turn", "case": {...}, "seconds": 0.3}: takes one step that is not counted, then steps
  for about so many seconds. Answers the time of a step.
- {"do": "ceiling", "number_type": "bfloat16", "seconds": 0.3}: multiplies large matrices.
- {"do": "release", "case": {...}}: forgets a case and its memory.

A case is {"contestant", "number_type", "batch_size"}. What fails is answered as {"error": ...}, and
the next request is read.
"""

import argparse
import concurrent.futures
import gc
import json
import math
import os
import sys
import time
import traceback

from gpu.settings import Settings

FEWEST_STEPS, MOST_STEPS = 3, 50  # of a turn
GRACE = 20  # seconds after `until` for what is being compiled then


def key(case: dict) -> tuple:
    """Returns what tells a case from others."""
    return case["contestant"], case["number_type"], case["batch_size"]


def step_arguments(settings: Settings, case: dict) -> argparse.Namespace:
    """Returns what `contestants` take, for a case."""
    number_type = case["number_type"]
    return argparse.Namespace(
        crop_size=settings.crop_size,
        batch_size=case["batch_size"],
        generator=settings.generator,
        ngf=settings.ngf,
        mixed_precision=None if number_type == "float32" else number_type,
        jit_compile=False,
        remat=False,
    )


def timed(step, wait, seconds: float) -> dict:
    """Returns the time of a step, over as many steps as take about `seconds`.

    Steps follow one another without waiting for the device in between, as in a training.

    Args:
        step: starts a step.
        wait: waits until all that was started is done.
        seconds: how long to go on.
    """
    step()
    wait()
    began = time.perf_counter()
    step()
    wait()
    one = time.perf_counter() - began
    steps = min(max(round(seconds / one), FEWEST_STEPS), MOST_STEPS)
    began = time.perf_counter()
    for _ in range(steps):
        step()
    wait()
    return {"seconds": (time.perf_counter() - began) / steps, "steps": steps}


class OnJax:
    """The steps of this project, on JAX."""

    def __init__(self, settings: Settings):
        import jax
        import keras

        self.jax, self.keras, self.settings = jax, keras, settings
        self.steps, self.products = {}, {}

    def facts(self) -> dict:
        """Returns versions and the device."""
        device = self.jax.devices()[0]
        statistics = device.memory_stats() or {}
        if device.platform == "cpu" and not self.settings.cpu:
            return {"missing": "JAX sees no GPU here"}
        return {
            "version": f"jax {self.jax.__version__}, keras {self.keras.__version__}",
            "device": device.device_kind,
            "platform": device.platform,
            "memory_limit_mb": statistics.get("bytes_limit", 0) / 1e6,
        }

    def prepare(self, cases: list[dict], until: float) -> list[dict]:
        """Compiles the steps, several at a time."""
        workers = max(1, min(len(cases), (os.cpu_count() or 1) // 2))
        pool = concurrent.futures.ThreadPoolExecutor(workers)
        found, waiting = {}, {}
        for case in cases:
            try:
                lowered = self._lower(case)
                waiting[pool.submit(self._compile, case, lowered, until)] = case
            except Exception as error:
                found[key(case)] = {"case": case, "error": reason(error)}
        left = until + GRACE - time.time()
        done, _ = concurrent.futures.wait(waiting, timeout=max(left, 0))
        for future, case in waiting.items():
            if future not in done:
                found[key(case)] = {"case": case, "error": "was not compiled in time"}
            elif future.exception():
                found[key(case)] = {"case": case, "error": reason(future.exception())}
            else:
                found[key(case)] = {"case": case, **future.result()}
        pool.shutdown(wait=False, cancel_futures=True)
        return [found[key(case)] for case in cases]

    def _lower(self, case):
        from contestants import ours

        self.keras.config.set_dtype_policy("float32")
        trainer, batch = ours.trainer_and_batch(step_arguments(self.settings, case))
        values = [variable.value for variable in trainer.changing_variables()]
        step = self.jax.jit(trainer.pure_step(trainer.train_step), donate_argnums=0)
        self.steps[key(case)] = {"values": values, "batch": batch}
        return step.lower(values, batch)

    def _compile(self, case, lowered, until):
        if time.time() > until:
            raise TimeoutError("there was no time left to compile it")
        began = time.perf_counter()
        step = lowered.compile()
        seconds = time.perf_counter() - began
        planned, planned_mb = step.memory_analysis(), None
        if planned is not None:
            planned_mb = 1e-6 * (
                planned.argument_size_in_bytes
                + planned.output_size_in_bytes
                + planned.temp_size_in_bytes
                - planned.alias_size_in_bytes
            )
        self.steps[key(case)].update(step=step, peak_mb=planned_mb)
        return {"compile_seconds": seconds}

    def turn(self, case: dict, seconds: float) -> dict:
        """Takes steps."""
        state = self.steps[key(case)]

        def step():
            state["logs"], state["values"] = state["step"](state["values"], state["batch"])

        taken = timed(step, lambda: self.jax.block_until_ready(state["values"]), seconds)
        loss = float(state["logs"]["generator_loss"])
        return {**taken, "peak_mb": state["peak_mb"], "loss": loss}

    def ceiling(self, number_type: str, seconds: float) -> dict:
        """Multiplies matrices of random numbers."""
        jax, side = self.jax, self.settings.matrix
        if number_type not in self.products:
            matrix = jax.random.normal(jax.random.key(0), (side, side), number_type)
            self.products[number_type] = (matrix, jax.jit(jax.numpy.matmul))
        matrix, multiply = self.products[number_type]
        last = []

        def product():
            last[:] = [multiply(matrix, matrix)]

        taken = timed(product, lambda: jax.block_until_ready(last), seconds)
        return {"tflops": 2 * side**3 / taken["seconds"] / 1e12}

    def release(self, case: dict) -> dict:
        """Forgets a case."""
        self.steps.pop(key(case), None)
        gc.collect()
        return {}


class OnTorch:
    """The steps in plain PyTorch: eager, eager with the channels last, or by torch.compile."""

    def __init__(self, settings: Settings):
        import torch
        from contestants import plain_torch

        plain_torch.set_up()
        # As JAX does: products of float32 numbers in TensorFloat-32, where the card has it.
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True
        self.torch, self.plain_torch, self.settings = torch, plain_torch, settings
        self.on_card = torch.cuda.is_available() and not settings.cpu
        self.device = torch.device("cuda" if self.on_card else "cpu")
        self.steps, self.own_mb, self.products = {}, {}, {}

    def facts(self) -> dict:
        """Returns versions and the device."""
        if not self.on_card and not self.settings.cpu:
            return {"missing": "PyTorch sees no GPU here"}
        name = self.torch.cuda.get_device_name(self.device) if self.on_card else "cpu"
        return {
            "version": f"torch {self.torch.__version__}",
            "device": name,
            "platform": self.device.type,
        }

    def prepare(self, cases: list[dict], until: float) -> list[dict]:
        """Compiles the steps, one after the other; eager ones are not made before their turn."""
        found = []
        for case in cases:
            if case["contestant"] != "torch.compile":
                found.append({"case": case})
                continue
            try:
                if time.time() > until:
                    raise TimeoutError("there was no time left to compile it")
                began = time.perf_counter()
                self._make(case)
                found.append({"case": case, "compile_seconds": time.perf_counter() - began})
            except Exception as error:
                self.steps.pop(key(case), None)
                found.append({"case": case, "error": reason(error)})
            self._free()
        return found

    def _make(self, case):
        """Makes the step of a case and takes it once: that compiles, and makes Adam's moments."""
        before = self._allocated_mb()
        step = self.plain_torch.make_step(
            step_arguments(self.settings, case),
            self.device,
            compiled=case["contestant"] == "torch.compile",
            channels_last=case["contestant"] == "torch, channels last",
            backend=self.settings.compile_backend,
        )
        step()
        self._wait()
        self.steps[key(case)] = step
        self.own_mb[key(case)] = self._allocated_mb() - before

    def turn(self, case: dict, seconds: float) -> dict:
        """Takes steps; the first turn of an eager case looks for its fastest convolutions first."""
        if key(case) not in self.steps:
            self._make(case)
        step = self.steps[key(case)]
        others_mb = sum(size for name, size in self.own_mb.items() if name != key(case))
        if self.on_card:
            self.torch.cuda.reset_peak_memory_stats(self.device)
        taken = timed(step, self._wait, seconds)
        peak_mb = None
        if self.on_card:
            peak_mb = self.torch.cuda.max_memory_allocated(self.device) / 1e6 - others_mb
        taken.update(peak_mb=peak_mb, loss=float(step()))
        self._free()
        return taken

    def ceiling(self, number_type: str, seconds: float) -> dict:
        """Multiplies matrices of random numbers."""
        torch, side = self.torch, self.settings.matrix
        if number_type not in self.products:
            kind = getattr(torch, number_type)
            self.products[number_type] = torch.randn(side, side, device=self.device).to(kind)
        matrix = self.products[number_type]
        taken = timed(lambda: matrix @ matrix, self._wait, seconds)
        return {"tflops": 2 * side**3 / taken["seconds"] / 1e12}

    def release(self, case: dict) -> dict:
        """Forgets a case."""
        self.steps.pop(key(case), None)
        self.own_mb.pop(key(case), None)
        self._free()
        return {}

    def _allocated_mb(self):
        return self.torch.cuda.memory_allocated(self.device) / 1e6 if self.on_card else 0.0

    def _wait(self):
        if self.on_card:
            self.torch.cuda.synchronize(self.device)

    def _free(self):
        """Gives memory that is not in use back to the card, so that other contestants have it."""
        gc.collect()
        if self.on_card:
            self.torch.cuda.empty_cache()


def reason(error: BaseException) -> str:
    """Returns the first line of an error, and its kind."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:300]}"


def serve(contestant, answers) -> None:
    """Answers requests until there are no more."""
    for line in sys.stdin:
        request = json.loads(line)
        action = request.pop("do")
        try:
            answer = getattr(contestant, action)(**request)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": reason(error)}
        if "error" in answer and "case" in request:
            contestant.release(request["case"])  # so that others have its memory
        if isinstance(answer, dict) and not math.isfinite(answer.get("loss", 0.0)):
            answer["error"] = f"its loss became {answer.pop('loss')}"
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main() -> None:
    """Serves as the contestant that the command line names."""
    # Only answers go to the standard output; what libraries write there goes to the errors.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    settings = Settings(**json.loads(sys.argv[2]))
    try:
        contestant = OnJax(settings) if sys.argv[1] == "here" else OnTorch(settings)
        first = contestant.facts()
    except Exception as error:
        traceback.print_exc()
        contestant, first = None, {"missing": reason(error)}
    answers.write(json.dumps(first) + "\n")
    answers.flush()
    if contestant is not None:
        serve(contestant, answers)
    sys.stderr.flush()
    os._exit(0)  # without waiting for what is still being compiled


if __name__ == "__main__":
    main()
