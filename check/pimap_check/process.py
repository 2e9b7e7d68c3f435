# Copyright (C) ngx_pimap_module authors
#
# Owns what /proc and other programs tell.  Called by the steps.  Invariant: no
# argument of a program is a secret.

import os
import re
import subprocess
import time


# The exit status and the text of a program; None if it is not there.
def run(*command):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=60, check=False)
    except FileNotFoundError:
        return None, '', '%s: there is no such program' % command[0]
    except subprocess.TimeoutExpired:
        return None, '', '%s does not end' % command[0]
    except OSError as e:
        return None, '', '%s: %s' % (command[0], e.strerror)
    return (done.returncode, done.stdout.decode('utf-8', 'replace'),
            done.stderr.decode('utf-8', 'replace'))


def read(name):
    try:
        with open(name, encoding='utf-8', errors='replace') as f:
            return f.read()
    except OSError:
        return ''


def pid_of(file):
    text = read(file).strip()
    return int(text) if text.isdigit() and os.path.exists('/proc/' + text) \
        else None


def stat(pid):
    return read('/proc/%d/stat' % pid).rpartition(') ')[2].split()


def children(pid):
    return [int(name) for name in os.listdir('/proc') if name.isdigit()
            and stat(int(name))[1:2] == [str(pid)]]


def named(name):
    return [int(one) for one in os.listdir('/proc') if one.isdigit()
            and read('/proc/%s/comm' % one).strip() == name]


# The time at which the process has started.
def started(pid):
    words = stat(pid)
    boot = re.search(r'^btime (\d+)$', read('/proc/stat'), re.M)
    if len(words) < 20 or not boot:
        return time.time()
    return int(boot[1]) + int(words[19]) / os.sysconf('SC_CLK_TCK')


# The open files that the process may have.
def max_files(pid):
    match = re.search(r'^Max open files\s+(\d+)',
                      read('/proc/%d/limits' % pid), re.M)
    return int(match[1]) if match else None


# The newest of the files that were changed after the time; the clock of the
# kernel ticks each 10 ms, and its start is known to a second.
def changed_after(files, when):
    newer = []
    for name in files:
        try:
            if os.stat(name).st_mtime > when + 1:
                newer.append((os.stat(name).st_mtime, name))
        except OSError:
            pass
    return max(newer)[1] if newer else None
