# ExaBGP 3.4 as PyPI has it, for Python 2.7, by the last pip that runs on it: it needs nothing beside Python's own library.
ARG BASE
ARG DEBIAN
FROM ${DEBIAN} AS source
# `images remove` finds the stage, which Docker keeps, by this label.
LABEL anycast-lab.image=stage
# Debian has the setuptools of Python 2, and no pip of it: PyPI's own pip is fetched by that of Python 3.
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
    python2.7 python-setuptools python3 python3-venv \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
 && python3 -m venv /venv
ARG VERSION
ARG SHA256
ARG PIP_VERSION
ARG PIP_SHA256
# The host's certificate authorities: a company's proxy has one of its own. Empty where the host has none.
COPY host-ca.crt /
RUN if [ -s /host-ca.crt ]; then export PIP_CERT=/host-ca.crt; fi \
 && echo "pip==${PIP_VERSION} --hash=sha256:${PIP_SHA256}" > /pip.txt \
 && echo "exabgp==${VERSION} --hash=sha256:${SHA256}" > /requirements.txt \
 && /venv/bin/pip download --disable-pip-version-check --no-deps --require-hashes -d /wheels -r /pip.txt \
 && export PYTHONPATH="$(echo /wheels/pip-*.whl)" \
 && python2.7 -m pip install --no-cache-dir --disable-pip-version-check --no-deps --no-binary exabgp --require-hashes \
    --target /opt/exabgp -r /requirements.txt

FROM ${BASE}
COPY exabgp3 /usr/local/bin/exabgp
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends python2.7 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
COPY --from=source /opt/exabgp /opt/exabgp
RUN python2.7 -m compileall -q /opt/exabgp && exabgp --version
