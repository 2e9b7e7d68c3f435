# Copyright (C) ngx_pimap_module authors
#
# Owns the command line, and the order of the steps.  Called by pimap-check.

import argparse
import getpass
import os
import re
import sys

from . import (http, resp, step_bridge, step_delivery, step_dovecot,
               step_limits, step_login, step_names, step_nginx, step_redis,
               step_status)
from .report import Report

STEPS = (step_nginx, step_status, step_redis, step_delivery, step_names,
         step_dovecot, step_bridge, step_limits, step_login)


# What the steps know of each other.
class Check:
    def __init__(self, options, report):
        self.options = options
        self.report = report
        self.conf = None                # nginx's configuration
        self.events = None              # its location for devices
        self.pid = None                 # of nginx's master process
        self.target = None              # pimap_redis
        self.redis = None               # with nginx's rights
        self.cluster = None             # the same, if it is one
        self.admin = None               # with more rights, by --redis
        self.log = False                # events are logged
        self.status = {}                # of pimap_status
        self.url = None                 # of the events location, for devices
        self.login = None               # the header of the login
        self.stream = None              # the parked device
        self.before = None              # accounts that were parked earlier
        self.plan = None                # the bridge's settings, as text

    # The first location with the directive that can be asked.
    def address(self, directive):
        from .nginx_conf import address

        for location in self.conf.locations(directive) if self.conf else ():
            if address(location):
                return location, address(location)
        return None, None


def arguments():
    p = argparse.ArgumentParser(
        prog='pimap-check',
        description='Finds out why push does not arrive.',
        epilog='More is in pimap-check(8).')
    p.add_argument('--url', help='the address of pimap_events that devices '
                   'use; by default of the first server with it')
    p.add_argument('--account', metavar='NAME', help='the login name of a '
                   'user; without it nothing is parked')
    p.add_argument('--password-file', metavar='FILE', help='a file with the '
                   'password, "-" for the standard input; by default it is '
                   'asked for')
    p.add_argument('--token-file', metavar='FILE', help='a file with a token '
                   'instead of a password')
    p.add_argument('--ca-file', metavar='FILE', help='authorities for the '
                   'certificate of --url; by default those of the system')
    p.add_argument('--conf', metavar='FILE', help='nginx\'s configuration; '
                   'by default nginx\'s own')
    p.add_argument('--nginx', metavar='FILE', default='nginx',
                   help='the program nginx')
    p.add_argument('--redis', metavar='URL', help='Redis with another login '
                   'than nginx\'s, to read names and settings')
    p.add_argument('--redis-password-file', metavar='FILE',
                   help='a file with the password of --redis')
    p.add_argument('--dovecot-conf', metavar='FILE',
                   help='Dovecot\'s configuration; by default its own')
    p.add_argument('--bridge', metavar='URL', help='the bridge\'s address; '
                   'by default the one that nginx asks about logins')
    p.add_argument('--bridge-conf', metavar='FILE',
                   default='/etc/pimap/bridge.conf',
                   help='the bridge\'s configuration')
    p.add_argument('--devices', metavar='NUMBER', type=int,
                   help='the number of devices to have room for; by default '
                   'those that are parked now')
    p.add_argument('--hold', metavar='SECONDS', type=float, default=0,
                   help='keep the device parked for so long, to find the '
                   'time-outs of proxies')
    p.add_argument('--timeout', metavar='SECONDS', type=float, default=5,
                   help='the longest wait for an answer; by default 5')
    p.add_argument('--json', action='store_true',
                   help='print the results as JSON')
    return p


def read_secret(name):
    if name == '-':
        text = sys.stdin.readline()
    else:
        with open(name, encoding='utf-8') as f:
            text = f.read(65536)
    return re.sub(r'\r?\n\Z', '', text)


# The header of the login.
def login(options):
    if options.token_file:
        return step_login.bearer(read_secret(options.token_file))
    if not options.account:
        return None
    if options.password_file:
        password = read_secret(options.password_file)
    elif sys.stdin.isatty():
        password = getpass.getpass('Password of %s: ' % options.account)
    else:
        return None
    return step_login.basic(options.account, password)


def other_redis(options):
    if not options.redis:
        return None
    target = resp.Target([options.redis])
    if options.redis_password_file:
        target.password = read_secret(options.redis_password_file)
    return target


def main(argv):
    parser = arguments()
    options = parser.parse_args(argv)
    check = Check(options, Report(options.json))

    # Servers are started there, too.
    os.environ['PATH'] = os.environ.get('PATH', '/usr/bin:/bin') \
        + ':/usr/sbin:/sbin'

    try:
        if options.url:
            check.url = http.Url(options.url)
        check.login = login(options)
        check.other = other_redis(options)
    except (OSError, ValueError, http.HttpError, resp.RedisError) as e:
        parser.error(str(e))

    try:
        for step in STEPS:
            take(step, check)
    except KeyboardInterrupt:
        return 130
    finally:
        if check.stream:
            check.stream.close()

    return check.report.end()


# A server may answer anything, also values of other types.
def take(step, check):
    name = step.__name__.rpartition('step_')[2]

    try:
        step.run(check)
    except OSError as e:
        check.report.fail('%s.answers:lost' % name, 'a server has gone: %s'
                          % e, 'see its log')
    except Exception as e:
        check.report.fail('%s.answers:odd' % name, 'an answer is not '
                          'understood: %s' % e,
                          'see which server is asked, and its version')
