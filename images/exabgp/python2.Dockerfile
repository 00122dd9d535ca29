# ExaBGP 3.4 as PyPI has it, for Python 2.7: unpacked, as it needs nothing beside Python's own library.
ARG BASE
ARG DEBIAN
FROM ${DEBIAN} AS source
# `images remove` finds the stage, which Docker keeps, by this label.
LABEL anycast-lab.image=stage
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
ARG URL
ARG SHA256
# The host's certificate authorities: a company's proxy has one of its own. Empty where the host has none.
COPY host-ca.crt /
RUN if [ -s /host-ca.crt ]; then export CURL_CA_BUNDLE=/host-ca.crt; fi \
 && curl -fsSL -o /exabgp.tar.gz "${URL}" \
 && echo "${SHA256}  /exabgp.tar.gz" | sha256sum -c \
 && mkdir /opt/exabgp \
 && tar -xzf /exabgp.tar.gz -C /opt/exabgp --strip-components=2 --wildcards '*/lib/exabgp'

FROM ${BASE}
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends python2.7 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
 && printf '%s\n' '#!/bin/sh' 'PYTHONPATH=/opt/exabgp exec python2.7 -m exabgp.application.bgp "$@"' > /usr/local/bin/exabgp \
 && chmod 755 /usr/local/bin/exabgp
COPY --from=source /opt/exabgp /opt/exabgp
RUN python2.7 -m compileall -q /opt/exabgp && exabgp --version
