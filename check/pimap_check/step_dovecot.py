# Copyright (C) ngx_pimap_module authors
#
# Owns the step that looks at Dovecot's plugin: its settings, and what Dovecot
# has said of it.

import os
import re

from . import process, step_bridge

PLUGINS = ('notify', 'push_notification', 'mail_lua', 'push_notification_lua')
DO = 'take integrations/dovecot/lua-%s.conf'
DEFAULT = ('', 'http://127.0.0.1:8026/pimap/publish')   # of pimap.lua


def run(c):
    args = ['-c', c.options.dovecot_conf] if c.options.dovecot_conf else []
    status, text, error = process.run('doveconf', *args, '-n')

    if status is None:
        c.report.skip('dovecot.plugin', 'there is no Dovecot on this host')
        return
    if status:
        c.report.fail('dovecot.settings:refused', error.split('\n')[0],
                      'correct them; run this command as root')
        return

    version = re.search(r'^# (2\.\d)', text, re.M)
    do = DO % (version[1] if version else '2.3')

    if 'push_notification' not in text and step_bridge.watches(c):
        c.report.skip('dovecot.plugin', 'it does not publish: the bridge '
                      'watches the mailboxes')
        return
    if 'push_notification' not in text:
        c.report.fail('dovecot.plugin:none', 'it does not publish', do
                      + ', if it is the mail server of these users')
        return

    plugins(c, args, text)
    driver(c, text, do)
    said(c, args, running(c, args, text))


# A "protocol" section that sets mail_plugins replaces the general ones.
def plugins(c, args, settings):
    lua = re.search(r'lua:file=|lua_file = ', settings)
    wanted = PLUGINS if lua else PLUGINS[:2]

    for protocol in 'lmtp', 'imap':
        _, text, _ = process.run('doveconf', *args, '-f', 'protocol='
                                 + protocol, 'mail_plugins')
        # 2.3 has a list, 2.4 has lines of "name = yes"
        words = re.findall(r'\w+', re.sub(r'\w+ = no\b', '', text))
        missing = [one for one in wanted if one not in words]

        if missing:
            c.report.fail('dovecot.plugin:protocol', 'protocol %s lacks %s'
                          % (protocol, ', '.join(missing)),
                          'name the plugins there, too, see '
                          'integrations/dovecot')
            return

    c.report.passed('dovecot.plugin', 'with lmtp and imap')


def driver(c, text, do):
    script = re.search(r'push_notification_driver\d* = lua:file=(\S+)', text) \
        or re.search(r'^\s*lua_file = (\S+)', text, re.M)
    url = re.search(r'pimap_url = (\S+)', text) or DEFAULT if script else \
        re.search(r'ox:url=(\S+)', text) \
        or re.search(r'push_notification_ox_url = (\S+)', text)

    if script and not os.path.exists(script[1]):
        c.report.fail('dovecot.script:missing', '%s does not exist'
                      % script[1],
                      'install integrations/dovecot/pimap.lua there')
    elif not url:
        c.report.fail('dovecot.script:no-driver', 'no driver publishes to '
                      'nginx', do)
    else:
        c.report.passed('dovecot.script', script[1] if script
                        else 'the OX driver')
        same(c, url[1])


# The publisher's URL is that of the location.
def same(c, url):
    location, where = c.address('pimap_publish')
    url = re.sub(r'//[^/@]*@', '//', url.split(' ')[0])     # a password
    told = re.sub(r'^http://localhost\b', 'http://127.0.0.1', url)

    if not where:
        c.report.unknown('dovecot.url:no-location', 'no location of this '
                         'nginx has pimap_publish for %s' % url, 'add one, or '
                         'run this command on the host of the other nginx')
    elif told == str(where) or told == re.sub(':80/', '/', str(where)):
        c.report.passed('dovecot.url', url)
    else:
        c.report.fail('dovecot.url:other', 'it publishes to %s, and nginx '
                      'listens at %s' % (url, where), 'correct pimap_url')


# True if it is.
def running(c, args, text):
    _, base, _ = process.run('doveconf', *args, '-h', 'base_dir')
    pid = process.pid_of(os.path.join(base.strip(), 'master.pid'))

    if pid is None:
        c.report.fail('dovecot.running:stopped', 'no master process, by %s'
                      % base, 'start Dovecot')
        return False

    main = c.options.dovecot_conf or '/etc/dovecot/dovecot.conf'
    files = [main] + [os.path.join(where, name) for where, _, names in
                      os.walk(os.path.join(os.path.dirname(main), 'conf.d'))
                      for name in names if name.endswith('.conf')]
    newer = process.changed_after(files, process.started(pid))

    if newer:
        c.report.warn('dovecot.running:older', '%s is newer than the process'
                      % newer, 'restart Dovecot')
    else:
        c.report.passed('dovecot.running', 'process %d' % pid)

    return True


# The last errors, which Dovecot keeps in memory.  A process of it may answer
# for a while after the end of the master process.
def said(c, args, is_running):
    status, text, _ = process.run('doveadm', *args, 'log', 'errors')

    if status or not is_running:
        c.report.unknown('dovecot.errors:not-told', 'doveadm does not tell '
                         'them', 'start Dovecot, and run this command as root')
        return

    lines = [line for line in text.splitlines()
             if re.search(r'\bpimap:|push_notification|\blua\b', line, re.I)]

    if lines:
        c.report.warn('dovecot.errors:said', lines[-1],
                      'correct this; the line may be of an earlier fault')
    else:
        c.report.passed('dovecot.errors', 'none of its plugin')
