# Copyright (C) ngx_pimap_module authors
#
# Owns the results and their two forms.  Called by the steps.  Invariant: what
# has not passed has a name of its own, as in "redis.server:replica", and says
# what to do.  What could not be looked at is never a success.

import json
import os
import sys

PASS, FAIL, WARN, UNKNOWN, SKIP = 'pass', 'fail', 'warn', 'unknown', 'skip'

# The steps in the order of docs/troubleshooting.md.
TITLES = {
    'nginx': 'nginx: the module and its locations',
    'status': 'Status: every worker can deliver',
    'redis': 'Redis: the functions, the rights, the settings',
    'delivery': 'Delivery: a test event, from a publisher to a device',
    'names': 'Names: parked accounts are those that get events',
    'dovecot': 'Dovecot: its plugin publishes',
    'bridge': 'Bridge: it is up, and has the account',
    'limits': 'Limits: there is room for all devices',
    'login': 'Login: a wrong password is refused',
}


class Report:
    def __init__(self, as_json, out=sys.stdout):
        self.as_json = as_json
        self.out = out
        self.results = []
        self.step = None

    def passed(self, name, text):
        self.add(name, PASS, text)

    def fail(self, name, text, do):
        self.add(name, FAIL, text, do)

    def warn(self, name, text, do):
        self.add(name, WARN, text, do)

    # It matters, and this run can't see it.
    def unknown(self, name, text, do):
        self.add(name, UNKNOWN, text, do)

    # It does not apply here, or an earlier result says why it is not seen.
    def skip(self, name, text):
        self.add(name, SKIP, text)

    def add(self, name, result, text, do=None):
        text = clean(text)
        name, _, finding = name.partition(':')
        found = {'check': name, 'result': result, 'text': text}

        if do:
            found.update(finding=finding, do=clean(do))

        self.results.append(found)

        if not self.as_json:
            self.show(name, result, text, do)

    def show(self, name, result, text, do):
        step = name.split('.')[0]

        if step != self.step:
            self.say('%s%s' % ('\n' if self.step else '', TITLES[step]))
            self.step = step

        word = result if result in (PASS, SKIP) else result.upper()
        self.say('  %-7s  %-19s %s' % (word, name, text))

        if do:
            self.say('           do: %s' % clean(do))

    # Nobody may read on, as with "| head".
    def say(self, text):
        try:
            print(text, file=self.out, flush=True)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.out.fileno())
            sys.exit(1)

    def count(self, result):
        return sum(one['result'] == result for one in self.results)

    # The status of the program.
    def end(self):
        failed, warned = self.count(FAIL), self.count(WARN)
        unknown = self.count(UNKNOWN)
        result = FAIL if failed else UNKNOWN if unknown else PASS

        if self.as_json:
            self.say(json.dumps({
                'result': result, 'failed': failed, 'warned': warned,
                'unknown': unknown, 'checks': self.results}, indent=1))
        else:
            self.say('\n%d passed, %d failed, %d warning%s, %d unknown, '
                     '%d skipped' % (self.count(PASS), failed, warned,
                                     '' if warned == 1 else 's', unknown,
                                     self.count(SKIP)))

        return {PASS: 0, FAIL: 1, UNKNOWN: 3}[result]


# Results of one master of several.
class Kept(Report):
    def __init__(self):
        super().__init__(True)


# Words of servers may have control characters, and may be long.
def clean(text):
    text = ''.join(c if c.isprintable() else ' ' for c in str(text))
    return text if len(text) <= 400 else text[:397] + '...'
