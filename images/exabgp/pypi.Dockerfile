# ExaBGP as PyPI has it, in a virtual environment that a stage of its own builds: pip stays behind.
ARG BASE
ARG DEBIAN
FROM ${DEBIAN} AS environment
# `images remove` finds the stage, which Docker keeps, by this label.
LABEL anycast-lab.image=stage
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
 && python3 -m venv /opt/exabgp
ARG VERSION
ARG SHA256
# The host's certificate authorities: a company's proxy has one of its own. Empty where the host has none.
COPY host-ca.crt /
RUN if [ -s /host-ca.crt ]; then export PIP_CERT=/host-ca.crt; fi \
 && echo "exabgp==${VERSION} --hash=sha256:${SHA256}" > /requirements.txt \
 && /opt/exabgp/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /requirements.txt \
 && /opt/exabgp/bin/pip uninstall -qy setuptools pip

FROM ${BASE}
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
 && ln -s /opt/exabgp/bin/exabgp /opt/exabgp/bin/exabgpcli /usr/local/bin
COPY --from=environment /opt/exabgp /opt/exabgp
RUN exabgp version
