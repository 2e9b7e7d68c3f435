# Copyright (C) ngx_pimap_module authors
#
# Owns the first step: nginx has the module, and locations for it.

import os
import re

from . import process
from .nginx_conf import Conf, address
from .http import HttpError, Url

MODULE = 'ngx_pimap_module'
LOAD = 'install libnginx-mod-pimap, or add "load_module modules/%s.so;"' \
    % MODULE


def run(c):
    if configuration(c):
        module(c)
        running(c)
        events(c)
        publish(c)


# To nginx a relative name is one in a folder of its own.
def configuration(c):
    args = ['-c', os.path.abspath(c.options.conf)] if c.options.conf else []
    status, out, err = process.run(c.options.nginx, *args, '-T')

    if status is None:
        c.report.fail('nginx.configuration:absent', err,
                      'install nginx on this host, or name the program with '
                      '--nginx')
        return False

    if status:
        fault = re.search(r'\[(?:emerg|crit)\] (?:\d+#\d+: )?(.*)', err) \
            or re.search(r'(.*)', err)

        if 'unknown directive "pimap_' in fault[1]:
            c.report.fail('nginx.module:directive', fault[1], LOAD)
        else:
            c.report.fail('nginx.configuration:refused', fault[1],
                          'correct it, and run "nginx -t"; run this command '
                          'as root')
        return False

    try:
        c.conf = Conf(out)
    except (ValueError, RecursionError) as e:
        c.report.fail('nginx.configuration:odd', 'not understood: %s' % e,
                      'tell the authors of pimap-check')
        return False

    c.report.passed('nginx.configuration', c.conf.main)

    for text in re.findall(r'\[warn\] (?:\d+#\d+: )?(.*)', err):
        if 'pimap' in text.rpartition(' in ')[0]:
            c.report.warn('nginx.warning:module', text, 'correct it')
    return True


def module(c):
    _, _, built = process.run(c.options.nginx, '-V')
    loaded = [args[0] for args in c.conf.root.own('load_module')
              if MODULE in args[0]]

    if loaded:
        c.report.passed('nginx.module', loaded[0])
    elif re.search(r'--add-module=\S*pimap', built):
        c.report.passed('nginx.module', 'built into nginx')
    else:
        c.report.fail('nginx.module:not-loaded', 'the configuration does not '
                      'load %s.so' % MODULE, LOAD)


# The process that runs may have another file, or another configuration.
def running(c):
    c.pid = process.pid_of(pid_file(c))

    if c.pid is None:
        c.report.fail('nginx.running:stopped', 'no master process, by %s'
                      % pid_file(c), 'start nginx')
        return

    maps = process.read('/proc/%d/maps' % c.pid)

    if not maps:
        c.report.unknown('nginx.running:not-root', 'only root sees its files',
                         'run this command as root')
    elif MODULE + '.so (deleted)' in maps:
        c.report.fail('nginx.running:old-module', 'it runs with an older file '
                      'of the module', 'upgrade nginx: a reload does not load '
                      'a new file, see operations.md')
        return
    elif MODULE not in maps and c.conf.root.own('load_module'):
        c.report.fail('nginx.running:no-module', 'it runs without the module',
                      'reload nginx')
        return
    else:
        c.report.passed('nginx.running', 'process %d' % c.pid)

    reloaded(c)


def reloaded(c):
    workers = process.children(c.pid)
    newest = max((process.started(pid) for pid in workers), default=0)
    name = process.changed_after(c.conf.files, newest) if newest else None

    if name:
        c.report.warn('nginx.reload:older', '%s is newer than the workers'
                      % name, 'reload nginx')
    else:
        c.report.passed('nginx.reload', 'the workers have this configuration')


def pid_file(c):
    named = c.conf.root.value('pid')

    if named:
        return named if named.startswith('/') else '/run/' + named

    _, _, built = process.run(c.options.nginx, '-V')
    match = re.search(r'--pid-path=(\S+)', built)
    return match[1] if match else '/run/nginx.pid'


def events(c):
    found = c.conf.locations('pimap_events')

    if not found:
        c.report.fail('nginx.events:none', 'no location has pimap_events',
                      'include integrations/nginx/pimap.conf, see setup.md')
        return

    c.events = found[0]

    if not c.url:
        derive(c, found)

    c.events = mine(c, found)
    c.report.passed('nginx.events', 'location %s' % ' '.join(
        c.events.args[1:]))
    has_login(c)


# The location of --url, by its path.
def mine(c, found):
    if c.url:
        path = c.url.path.split('?')[0]
        for location in found:
            if location.args[-1] == path:
                return location
    return found[0]


def derive(c, found):
    for location in found:
        where = address(location, tls=True)
        if where and where.port:
            port = {'http': 80, 'https': 443}[where.scheme]
            try:
                c.url = Url('%s://%s%s%s' % (
                    where.scheme, where.name, '' if where.port == port
                    else ':%d' % where.port, where.path))
                return
            except HttpError:
                pass


def has_login(c):
    ways = (c.events.get('pimap_login') or ['nginx'])
    checks = [c.events.value(name) for name in ('auth_basic', 'auth_request')]

    if 'nginx' not in ways:
        c.report.passed('nginx.login', 'by %s' % ' or '.join(ways))
    elif any(one not in (None, 'off') for one in checks):
        c.report.passed('nginx.login', 'by auth_basic or auth_request')
    elif (c.events.value('pimap_account') or '$remote_user') \
            in ('$remote_user', '${remote_user}'):
        c.report.fail('nginx.login:none', 'the location checks no password: '
                      'every visitor can read every account\'s events',
                      'add auth_request or auth_basic, see login.md')
    else:
        c.report.warn('nginx.login:unchecked', 'pimap_account is "%s", and no '
                      'directive of nginx checks it'
                      % c.events.value('pimap_account'),
                      'see that strangers can\'t choose it')


def publish(c):
    location, where = c.address('pimap_publish')

    if where:
        c.report.passed('nginx.publish', str(where))
    elif c.conf.locations('pimap_publish'):
        c.report.passed('nginx.publish', 'a location without an address of '
                        'its own')
    else:
        c.report.warn('nginx.publish:none', 'no location has pimap_publish',
                      'add one if the mail server publishes by HTTP, as '
                      'Dovecot does')
