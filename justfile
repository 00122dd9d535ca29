# The steps of CI under the same names: each calls the script that CI calls.

# List the recipes
default:
    @just --list --unsorted

# Format and clippy
lint:
    ci/lint

# All tests that need no Docker: seconds
test:
    ci/test

# All tests, with real daemons; `just lab SHARD` for one of CI's shards (`just shards`)
lab *shard:
    ci/lab {{ shard }}

# What labs have left on the engine
leaks:
    ci/leaks

# CI's shards of the lab tests
shards:
    ci/matrix

# Everything that a change must pass, as CI runs it
ci:
    .ci/run

# How long a lab takes to serve, against the least that containers and networks take
bench-boot *options:
    ci/bench/boot {{ options }}

# How long the first command takes on a machine that has none of our images; removes them first
bench-fresh *options:
    ci/bench/fresh {{ options }}

# How soon a route is gone when its name server fails: our watchdog, and other health checkers
bench-watchdog *options:
    ci/bench/watchdog {{ options }}

# Build one image of every version of every daemon
images:
    cargo lab images build

# Remove what killed runs have left; labs that run are not touched
clean:
    cargo lab clean
