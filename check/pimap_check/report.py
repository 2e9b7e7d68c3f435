# Copyright (C) ngx_pimap_module authors
#
# Owns the results and their two forms.  Called by the steps.  Invariant: a
# failure and a warning say what to do.

import json
import os
import sys

PASS, FAIL, WARN, SKIP = 'pass', 'fail', 'warn', 'skip'

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

    def skip(self, name, text):
        self.add(name, SKIP, text)

    def add(self, name, result, text, do=None):
        text = clean(text)
        found = {'check': name, 'result': result, 'text': text}

        if do:
            found['do'] = clean(do)

        self.results.append(found)

        if not self.as_json:
            self.show(name, result, text, do)

    def show(self, name, result, text, do):
        step = name.split('.')[0]

        if step != self.step:
            self.say('%s%s' % ('\n' if self.step else '', TITLES[step]))
            self.step = step

        word = result.upper() if result in (FAIL, WARN) else result
        self.say('  %-4s  %-19s %s' % (word, name, text))

        if do:
            self.say('        do: %s' % clean(do))

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

        if self.as_json:
            self.say(json.dumps({
                'result': FAIL if failed else PASS, 'failed': failed,
                'warned': warned, 'checks': self.results}, indent=1))
        else:
            self.say('\n%d passed, %d failed, %d warning%s, %d skipped'
                     % (self.count(PASS), failed, warned,
                        '' if warned == 1 else 's', self.count(SKIP)))

        return 1 if failed else 0


# Words of servers may have control characters, and may be long.
def clean(text):
    text = ''.join(c if c.isprintable() else ' ' for c in str(text))
    return text if len(text) <= 400 else text[:397] + '...'
