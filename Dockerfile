# syntax=docker/dockerfile:1
# The commands in a container, for processors or for NVIDIA GPUs; see docs/cloud.md.
#
#     docker build --tag cyclegan-keras .
#     docker build --tag cyclegan-keras:gpu --build-arg DEVICE=gpu .
#
# DEVICE  cpu or gpu
# EXTRAS  further abilities, as pyproject.toml names them, separated by spaces
# PYTHON  3.10 to 3.13
ARG DEVICE=cpu
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS cpu
ENV TENSORFLOW=tensorflow

# CUDA comes from PyPI, in the version that TensorFlow asks for. The machine brings the driver and
# NVIDIA's container toolkit.
FROM python:${PYTHON}-slim AS gpu
ENV TENSORFLOW=tensorflow[and-cuda] \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

# What is downloaded and built stays in this stage.
# hadolint ignore=DL3006
FROM ${DEVICE} AS build
ARG EXTRAS="eval export"
WORKDIR /source
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/cyclegan
# The packages come before the code, so that a change of the code does not install them again.
COPY pyproject.toml requirements.lock ./
COPY locks locks
# Each of EXTRAS is a word of its own.
# hadolint ignore=SC2086
RUN --mount=type=cache,target=/root/.cache/pip \
    python locks/declared.py dependencies ${EXTRAS} >needs.txt && \
    /opt/cyclegan/bin/pip install "${TENSORFLOW}" --requirement needs.txt \
        --constraint requirements.lock --constraint locks/trackers.lock \
        --constraint locks/hub.lock --constraint locks/data.lock
COPY README.md LICENSE cyclegan_commands.py ./
COPY cyclegan_keras cyclegan_keras
COPY pipelines pipelines
RUN --mount=type=cache,target=/root/.cache/pip /opt/cyclegan/bin/pip install --no-deps .

# hadolint ignore=DL3006
FROM ${DEVICE}
# The home can be written by every user, because --user may name any: caches go there.
RUN useradd --create-home --home-dir /var/cyclegan --uid 1000 cyclegan && \
    chmod 1777 /var/cyclegan && \
    install --directory --mode=1777 /work
COPY --from=build /opt/cyclegan /opt/cyclegan
ENV HOME=/var/cyclegan \
    PATH=/opt/cyclegan/bin:${PATH} \
    PYTHONUNBUFFERED=1
USER 1000
WORKDIR /work
CMD ["cyclegan-train", "--help"]
