# Of Python 2, which Debian no longer has: scripts for it that are good Python 3 otherwise run as they are.
from subprocess import getoutput, getstatusoutput
