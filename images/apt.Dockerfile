# A daemon as Debian packages it. PACKAGE is a pattern, so that a part never silently becomes another version.
ARG BASE
FROM ${BASE}
ARG PACKAGE
# A command that shows that the program starts.
ARG CHECK
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${PACKAGE}" \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
 && ${CHECK}
