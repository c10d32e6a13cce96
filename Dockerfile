# mosforge with the locked versions of envs/requirements.txt.
#   docker build -t mosforge .
# brings torch with the CUDA libraries (the host needs NVIDIA's driver and its container toolkit). The smaller image for
# the CPU takes torch from the index of CPU builds that PyTorch's page "Start locally" names:
#   docker build -t mosforge --build-arg TORCH_INDEX=ADDRESS .
# Data and results stay on the host:
#   docker run --rm -v "$PWD/resources:/mosforge/resources" -v "$PWD/results:/mosforge/results" \
#     -v "$PWD/.snakemake:/mosforge/.snakemake" mosforge snakemake -- table1          (with a GPU: --gpus all)
ARG PYTHON=3.11
FROM python:${PYTHON}-slim
ARG TORCH_INDEX=

# Snakemake imports a package that asks for git
RUN apt-get update && apt-get install --yes --no-install-recommends git && rm -rf /var/lib/apt/lists/*
ENV PIP_NO_CACHE_DIR=1
WORKDIR /mosforge
COPY . .
# torch first and by itself: an index of torch holds few other packages. PyPI has what torch needs.
RUN pip install --no-deps ${TORCH_INDEX:+--index-url "${TORCH_INDEX}"} --constraint envs/requirements.txt torch torchvision \
    && pip install --constraint envs/requirements.txt --editable '.[demo,onnx]'

CMD ["mosforge", "--help"]
